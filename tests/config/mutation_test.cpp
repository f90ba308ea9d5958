#include "tests/config/config_support.hpp"

#include <weir/config/print.hpp>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace weir::config {
namespace {

/// Damages the samples at random, always in the same way, and expects an answer each time.
class MutationTest : public config_test {
 protected:
  std::vector<std::string> samples() const {
    std::vector<std::string> texts;
    for (const char* name : {"minimal.yaml", "single.yaml", "cluster.yaml", "full.yaml"}) {
      std::ifstream in(std::filesystem::path(WEIR_SOURCE_DIR) / "config/samples" / name);
      std::stringstream text;
      text << in.rdbuf();
      texts.push_back(text.str());
    }
    return texts;
  }

  std::size_t below(std::size_t limit) { return random_() % limit; }

  void mutate(std::string& text) {
    static const std::vector<std::string> pieces{":",        " ",
                                                 "\n",       "\t",
                                                 "- ",       "[",
                                                 "]",        "{",
                                                 "}",        "\"",
                                                 "'",        "&a ",
                                                 "*a",       "<<: ",
                                                 "${",       "}",
                                                 "|\n",      ">-\n",
                                                 "? ",       "!!str ",
                                                 "---\n",    "...\n",
                                                 "#",        "%",
                                                 "@",        ",",
                                                 "~",        "null",
                                                 "\r\n",     "\xff",
                                                 "\xe2\x82", "\xc3\xa4",
                                                 "-1",       "99999999999999999999",
                                                 "0x1F",     "\0",
                                                 "    ",     "$"};
    if (text.empty()) text = "a";
    const std::size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text.insert(at, pieces[below(pieces.size())]);
        break;
      case 1:
        text.erase(at, 1 + below(8));
        break;
      case 2:
        text[at] = static_cast<char>(below(256));
        break;
      case 3:
        text.insert(at, text.substr(below(text.size()), below(60)));
        break;
      default:
        text.resize(at);
    }
  }

  std::minstd_rand random_{20240607};
};

TEST_F(MutationTest, EveryDamagedFileIsAnswered) {
  const auto originals = samples();
  std::size_t accepted = 0;
  for (int round = 0; round < 4'000; ++round) {
    std::string text = originals[below(originals.size())];
    for (std::size_t i = 1 + below(4); i > 0; --i) mutate(text);
    const auto loaded = load_yaml(text);
    if (loaded.settings) {
      ++accepted;
      const std::string shown = show(*loaded.settings);
      const bool masked = shown.find("********") != shown.npos;
      EXPECT_TRUE(masked || valid(shown) == *loaded.settings) << text;
    } else {
      EXPECT_FALSE(format_problems(loaded.problems).empty()) << text;
    }
  }
  EXPECT_GT(accepted, 100u);  // comments, names and the like may well change
}

TEST_F(MutationTest, EveryDamagedOptionIsAnswered) {
  const std::string base = with("");
  for (int round = 0; round < 2'000; ++round) {
    std::string option = "keyspaces[0].source={type: file, root: \"/x\"}";
    for (std::size_t i = 1 + below(4); i > 0; --i) mutate(option);
    const auto loaded = load_yaml(base, {option});
    EXPECT_TRUE(loaded.settings || !loaded.problems.empty()) << option;
  }
}

}  // namespace
}  // namespace weir::config
