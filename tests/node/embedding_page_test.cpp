// What tests/node/embedding_test.cpp compiles is docs/embedding.md, no less and no more.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::string content_of(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> blocks_of(const std::string& page) {
  std::vector<std::string> blocks;
  std::istringstream lines(page);
  bool is_inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line == "```cpp") {
      blocks.emplace_back();
      is_inside = true;
    } else if (line == "```") {
      is_inside = false;
    } else if (is_inside) {
      blocks.back() += line + '\n';
    }
  }
  return blocks;
}

TEST(EmbeddingPage, NamesEveryIncludeThatItsCodeNeeds) {
  const auto page = content_of(WEIR_ROOT "/docs/embedding.md");
  std::istringstream code(content_of(WEIR_ROOT "/tests/node/embedding_test.cpp"));
  int includes = 0;
  for (std::string line; std::getline(code, line);) {
    if (!line.starts_with("#include") || line.find("gtest") != line.npos) continue;
    EXPECT_NE(page.find(line + '\n'), std::string::npos) << line;
    ++includes;
  }
  EXPECT_GT(includes, 5);
}

TEST(EmbeddingPage, EveryBlockOfThePageIsCompiledHere) {
  const auto code = content_of(WEIR_ROOT "/tests/node/embedding_test.cpp");
  const auto blocks = blocks_of(content_of(WEIR_ROOT "/docs/embedding.md"));
  EXPECT_GE(blocks.size(), 9u);
  for (const auto& each : blocks) EXPECT_NE(code.find(each), std::string::npos) << each;
}

}  // namespace
