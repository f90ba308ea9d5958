// Every event that the program can log stands in the table of docs/cli.md, and no other.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace weir::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

void collect(const std::string& text, const std::regex& shape, std::set<std::string>& out) {
  for (std::sregex_iterator at(text.begin(), text.end(), shape), end; at != end; ++at) {
    out.insert(at->str(1));
  }
}

constexpr auto families =
    "node|keyspace|reload|discovery|peer|lease|link|http|resp|log|tls|ring|source|config|clock|"
    "loads|value|feed";

/// The names of events as they stand in the sources; what the peer link remarks is an event, too.
std::set<std::string> events_in_code() {
  const std::regex name(std::string("\"((?:") + families + ")\\.[a-z_]+)\"");
  const std::regex remark("\"peer_([a-z_]+)\"");
  std::set<std::string> found;
  for (const auto* folder : {"engine", "transport", "discovery", "keyspaces", "doors", "node"}) {
    const auto root = fs::path(WEIR_ROOT) / folder;
    if (!fs::exists(root)) continue;
    for (const auto& each : fs::recursive_directory_iterator(root)) {
      if (each.path().extension() != ".cpp") continue;
      const auto text = text_of(each.path());
      collect(text, name, found);
      if (!each.path().filename().string().starts_with("peer_")) continue;
      std::set<std::string> remarks;
      collect(text, remark, remarks);
      for (const auto& one : remarks) found.insert("link." + one);
    }
  }
  const std::set<std::string> settings{
      "loads.batch", "loads.concurrent", "loads.queue"};  // named in messages
  std::erase_if(found, [&](const std::string& each) {
    return each.ends_with(".hpp") || settings.contains(each);
  });
  return found;
}

/// The first cells of the table of events.
std::set<std::string> events_in_docs() {
  const auto page = text_of(fs::path(WEIR_ROOT) / "docs/cli.md");
  std::set<std::string> found;
  std::istringstream lines(page.substr(page.find("| event | level |")));
  const std::regex name("`([a-z]+\\.[a-z_]+)`");
  for (std::string line; std::getline(lines, line) && line.starts_with('|');) {
    collect(line.substr(0, line.find('|', 1)), name, found);
  }
  return found;
}

TEST(LogEvents, StandInTheTableOfThePage) {
  const auto code = events_in_code();
  const auto docs = events_in_docs();
  ASSERT_GT(code.size(), 30u);
  std::set<std::string> undocumented;
  std::set<std::string> unknown;
  std::set_difference(
      code.begin(),
      code.end(),
      docs.begin(),
      docs.end(),
      std::inserter(undocumented, undocumented.end())
  );
  std::set_difference(
      docs.begin(), docs.end(), code.begin(), code.end(), std::inserter(unknown, unknown.end())
  );
  EXPECT_EQ(undocumented, std::set<std::string>()) << "not in docs/cli.md";
  EXPECT_EQ(unknown, std::set<std::string>()) << "only in docs/cli.md";
}

}  // namespace
}  // namespace weir::test
