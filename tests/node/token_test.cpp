// Bearer tokens of `weir serve`, and the command line that sends them.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <signal.h>

namespace weir::test {
namespace {

using testing::HasSubstr;

class TokenTest : public testing::Test {
 protected:
  TokenTest() { folder_.write("pages/a", "page a"); }

  ~TokenTest() override { ::unsetenv("WEIR_TOKEN"); }

  std::string config(const std::string& secret) const {
    return folder_.write(
        "weir.yaml",
        "listen: {http: {address: \"127.0.0.1:0\"}}\nauth:\n  tokens:\n    - {name: app, secret: " +
            secret +
            ", allow: [read]}\nkeyspaces:\n  - {name: pages, source: {type: file, root: \"" +
            (folder_.path() / "pages").string() + "\"}}\n"
    );
  }

  finished ask(const program& node, const std::string& token, std::vector<std::string> words) {
    ::setenv("WEIR_TOKEN", token.c_str(), 1);
    words.push_back("--server=" + node.banner("http"));
    return run(folder_, std::move(words));
  }

  scratch_folder folder_;
};

TEST_F(TokenTest, TheCommandLineSendsItsToken) {
  const program node(folder_, {"serve", "-c", config("first-secret-0123")});
  EXPECT_EQ(ask(node, "first-secret-0123", {"get", "pages", "a"}).out, "page a");
  const auto stranger = ask(node, "", {"get", "pages", "a"});
  EXPECT_EQ(stranger.code, 1);
  EXPECT_THAT(stranger.err, HasSubstr("unauthorized"));
  EXPECT_THAT(stranger.err, HasSubstr("WEIR_TOKEN"));
  const auto forbidden = ask(node, "first-secret-0123", {"invalidate", "pages", "a"});
  EXPECT_EQ(forbidden.code, 1);
  EXPECT_THAT(forbidden.err, HasSubstr("forbidden"));
  EXPECT_EQ(ask(node, "", {"health"}).code, 0);
}

TEST_F(TokenTest, AReloadReplacesTokens) {
  const program node(folder_, {"serve", "-c", config("first-secret-0123")});
  EXPECT_EQ(ask(node, "first-secret-0123", {"get", "pages", "a"}).code, 0);
  config("second-secret-012");
  node.signal(SIGHUP);
  ASSERT_TRUE(node.logs("reload.applied"));
  EXPECT_EQ(ask(node, "first-secret-0123", {"get", "pages", "a"}).code, 1);
  EXPECT_EQ(ask(node, "second-secret-012", {"get", "pages", "a"}).code, 0);
  EXPECT_THAT(node.err(), testing::Not(HasSubstr("second-secret")));
}

}  // namespace
}  // namespace weir::test
