// One `weir serve` at a time: how it starts, refuses, reloads and ends.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

namespace weir::test {
namespace {

using testing::HasSubstr;

class ServeTest : public testing::Test {
 protected:
  std::string config(std::string_view more = {}) {
    folder_.write("pages/hello", "Hello\n");
    auto text =
        "cluster: test\nnode: {id: n1, threads: 1}\nlisten: {http: {address: \"127.0.0.1:0\"}}\n"
        "keyspaces:\n  - {name: pages, source: {type: file, root: \"" +
        pages() + "\"}}\n";
    return folder_.write("weir.yaml", text.append(more));
  }

  std::string pages() const { return (folder_.path() / "pages").string(); }

  finished ask(const program& node, std::vector<std::string> words, std::string_view input = {}) {
    words.push_back("--server=" + node.banner("http"));
    return run(folder_, std::move(words), input);
  }

  scratch_folder folder_;
};

TEST_F(ServeTest, ServesAGetFromItsFirstMoment) {
  const program node(folder_, {"serve", "-c", config()});
  const auto got = ask(node, {"get", "pages", "hello"});
  EXPECT_EQ(got.code, 0) << got.err;
  EXPECT_EQ(got.out, "Hello\n");
  EXPECT_THAT(node.out(), HasSubstr("node n1 of cluster test"));
  EXPECT_TRUE(node.logs("\"event\":\"node.started\""));
  EXPECT_EQ(ask(node, {"health"}).code, 0);
  EXPECT_EQ(ask(node, {"health", "--settled"}).code, 0) << "a lone node is settled when ready";
}

TEST_F(ServeTest, ASourceThatFailsIsLoggedShownAndTold) {
  const auto gone = free_address();
  const auto file =
      config("  - {name: gone, source: {type: http, url: \"http://" + gone + "/{key}\"}}\n");
  const program node(folder_, {"serve", "-c", file});
  const auto got = ask(node, {"get", "gone", "1"});
  EXPECT_EQ(got.code, 1);
  EXPECT_THAT(got.err, HasSubstr(gone + ": Connection refused"));
  EXPECT_TRUE(node.logs("\"event\":\"source.failed\"")) << node.err();
  EXPECT_THAT(node.err(), HasSubstr(gone + ": Connection refused"));
  const auto health = ask(node, {"health"});
  EXPECT_EQ(health.code, 0);
  EXPECT_THAT(health.out, HasSubstr("[!] source of gone: failing for 0 s: " + gone));
  EXPECT_THAT(ask(node, {"keyspaces"}).out, HasSubstr("source of gone failing for"));
  EXPECT_THAT(ask(node, {"mget", "gone", "2"}).out, HasSubstr(gone + ": Connection refused"));
}

TEST_F(ServeTest, AKeyThatIsNotThereEndsWithFive) {
  const program node(folder_, {"serve", "-c", config()});
  EXPECT_EQ(ask(node, {"get", "pages", "nobody"}).code, 5);
  EXPECT_EQ(ask(node, {"get", "pages", "nobody", "--explain"}).code, 5);
  EXPECT_EQ(ask(node, {"mget", "pages", "hello", "nobody"}).code, 5);
}

TEST_F(ServeTest, PutsAndDeletesWhereWritesAreAllowed) {
  const auto file =
      config("  - {name: notes, writes: allow, source: {type: file, root: \"" + pages() + "\"}}\n");
  const program node(folder_, {"serve", "-c", file});
  EXPECT_EQ(ask(node, {"put", "notes", "a", "-"}, "from stdin").code, 0);
  EXPECT_EQ(ask(node, {"get", "notes", "a"}).out, "from stdin");
  EXPECT_EQ(ask(node, {"put", "notes", "a", "x", "--if-match", "1-1"}).code, 1);
  EXPECT_EQ(ask(node, {"del", "notes", "a"}).code, 0);
  EXPECT_EQ(ask(node, {"get", "notes", "a"}).code, 5);
  EXPECT_EQ(ask(node, {"put", "pages", "a", "x"}).code, 1);
}

TEST_F(ServeTest, AConfigurationWithMistakesEndsWithThreeAndNamesAll) {
  const auto file = folder_.write(
      "bad.yaml",
      "clustr: x\nkeyspaces:\n  - {name: Users, ttl: 5, source: {type: file, root: /}}\n"
  );
  const auto ended = run(folder_, {"serve", "-c", file});
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, HasSubstr("bad.yaml:1:1: error"));
  EXPECT_THAT(ended.err, HasSubstr("bad.yaml:3:"));
  EXPECT_EQ(run(folder_, {"config", "check", file}).code, 3);
  EXPECT_EQ(run(folder_, {"serve", "-c", (folder_.path() / "missing.yaml").string()}).code, 3);
}

TEST_F(ServeTest, SourcesThatCannotBeOpenedAreAllNamedWithTheirPlaces) {
  const auto file = folder_.write(
      "closed.yaml",
      "keyspaces:\n"
      "  - name: users\n"
      "    source: {type: sqlite, path: nowhere.db, query: \"SELECT v FROM t WHERE k = ?1\"}\n"
      "  - {name: pages, source: {type: file, root: nowhere}}\n"
      "  - {name: prices, source: {type: callback, name: p}}\n"
  );
  EXPECT_EQ(run(folder_, {"config", "check", file}).code, 0);
  for (const auto& words :
       {std::vector<std::string>{"config", "check", "--open", file}, {"serve", "-c", file}}) {
    const auto ended = run(folder_, words);
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, HasSubstr("closed.yaml:3:34: error: keyspaces[0].source.path: "));
    EXPECT_THAT(ended.err, HasSubstr("closed.yaml:4:46: error: keyspaces[1].source.root: "));
    EXPECT_THAT(ended.err, HasSubstr("closed.yaml:5:51: error: keyspaces[2].source.name: "));
    EXPECT_THAT(ended.err, HasSubstr("3 errors. Nothing was started."));
  }
}

TEST_F(ServeTest, HostsWithoutAnAddressAreNamedOnRequest) {
  const auto file = folder_.write(
      "host.yaml",
      "keyspaces: [{name: a, source: {type: http, url: \"http://nowhere.invalid:80/{key}\"}}]\n"
  );
  EXPECT_EQ(run(folder_, {"config", "check", file}).code, 0);
  const auto ended = run(folder_, {"config", "check", "--open", file});
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, HasSubstr("source.url: cannot find the host nowhere.invalid"));
}

TEST_F(ServeTest, OpeningSourcesAtACheckBindsNothing) {
  const program node(folder_, {"serve", "-c", config()});
  const auto file = config();
  const auto ended =
      run(folder_,
          {"config",
           "check",
           "--open",
           file,
           "--set",
           "listen.http.address=" + node.banner("http").substr(7)});
  EXPECT_EQ(ended.code, 0) << ended.err;
}

TEST_F(ServeTest, AWrongOptionIsNamed) {
  const auto file = config();
  for (const std::string set :
       {"listen.http.address=127.0.0.1:65536",
        "listen.http.address=127.0.0.1:80x",
        "listen.http.address=[fe80::1%eth0]:80",
        "node.max_memory=10GBx",
        "node.max_memory=-1MiB",
        "node.weight=-1",
        "no.such.thing=1",
        "nonsense"}) {
    const auto ended = run(folder_, {"serve", "-c", file, "--set", set});
    EXPECT_EQ(ended.code, 3) << set;
    EXPECT_THAT(ended.err, HasSubstr("--set " + set)) << set;
  }
  for (const std::string server :
       {"127.0.0.1:7421", "http://127.0.0.1:80x", "https://127.0.0.1:x", "file:///etc"}) {
    const auto ended = run(folder_, {"members", "--server", server});
    EXPECT_EQ(ended.code, 2) << server;
    EXPECT_THAT(ended.err, HasSubstr("--server")) << server;
  }
}

TEST_F(ServeTest, ACallbackSourceEndsWithThree) {
  const auto file =
      folder_.write("c.yaml", "keyspaces: [{name: prices, source: {type: callback, name: p}}]");
  EXPECT_EQ(run(folder_, {"config", "check", file}).code, 0);
  const auto ended = run(folder_, {"serve", "-c", file});
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, HasSubstr("keyspaces[0].source.name: no callback named \"p\""));
}

TEST_F(ServeTest, APortThatIsTakenEndsWithFourAndNamesIt) {
  const program node(folder_, {"serve", "-c", config()});
  const auto taken = node.banner("http").substr(7);
  const auto ended =
      run(folder_, {"serve", "-c", config(), "--set", "listen.http.address=" + taken});
  EXPECT_EQ(ended.code, 4);
  EXPECT_THAT(ended.err, HasSubstr(taken));
}

TEST_F(ServeTest, NobodyThereEndsWithSix) {
  const auto ended =
      run(folder_, {"get", "pages", "hello", "--server", "http://" + free_address()});
  EXPECT_EQ(ended.code, 6);
  EXPECT_THAT(ended.err, HasSubstr("cannot reach"));
}

TEST_F(ServeTest, ChecksAndPrintsWithoutServing) {
  EXPECT_EQ(run(folder_, {"serve", "-c", config(), "--check-config"}).code, 0);
  const auto printed =
      run(folder_, {"serve", "-c", config(), "--print-config", "--set", "node.id=n9"});
  EXPECT_EQ(printed.code, 0);
  EXPECT_THAT(printed.out, HasSubstr("id: n9"));
  EXPECT_EQ(run(folder_, {"config", "schema"}).code, 0);
}

TEST_F(ServeTest, SigtermAndSigintEndItWithZero) {
  for (const int number : {SIGTERM, SIGINT}) {
    program node(folder_, {"serve", "-c", config()});
    ASSERT_TRUE(node.prints("ready in "));
    node.signal(number);
    EXPECT_EQ(node.wait(), 0);
    EXPECT_THAT(node.err(), HasSubstr("\"event\":\"node.draining\""));
    EXPECT_THAT(node.err(), HasSubstr("\"event\":\"node.stopped\""));
  }
}

TEST_F(ServeTest, SighupTakesANewKeyspaceAndDropsAnOldOne) {
  const program node(folder_, {"serve", "-c", config()});
  ASSERT_EQ(ask(node, {"get", "pages", "hello"}).code, 0);
  auto text =
      "cluster: test\nnode: {id: n1, threads: 1}\nlisten: {http: {address: \"127.0.0.1:0\"}}\n"
      "log: {level: debug}\nkeyspaces:\n  - {name: notes, source: {type: file, root: \"" +
      pages() + "\"}}\n";
  folder_.write("weir.yaml", text);
  node.signal(SIGHUP);
  ASSERT_TRUE(node.logs("\"event\":\"reload.applied\""));
  EXPECT_THAT(node.err(), HasSubstr("keyspaces.notes added"));
  EXPECT_THAT(node.err(), HasSubstr("keyspaces.pages removed"));
  EXPECT_EQ(ask(node, {"get", "notes", "hello"}).code, 0);
  EXPECT_EQ(ask(node, {"get", "pages", "hello"}).code, 1);
}

TEST_F(ServeTest, SighupWithBadYamlKeepsTheOldConfiguration) {
  const program node(folder_, {"serve", "-c", config()});
  ASSERT_TRUE(node.prints("ready in "));
  folder_.write("weir.yaml", "cluster: test\nkeyspaces:\n  - {name: pages, tll: 5s}\n");
  node.signal(SIGHUP);
  ASSERT_TRUE(node.logs("\"event\":\"reload.refused\""));
  EXPECT_THAT(node.err(), HasSubstr("weir.yaml:3:"));
  EXPECT_EQ(ask(node, {"get", "pages", "hello"}).out, "Hello\n");
  EXPECT_EQ(ask(node, {"health"}).code, 0);
}

TEST_F(ServeTest, SighupThatNeedsARestartChangesNothingAndSaysWhat) {
  const program node(folder_, {"serve", "-c", config()});
  ASSERT_TRUE(node.prints("ready in "));
  config(
      "  - {name: notes, source: {type: file, root: \"" + pages() + "\"}}\nring: {vnodes: 64}\n"
  );
  node.signal(SIGHUP);
  ASSERT_TRUE(node.logs("\"event\":\"reload.refused\""));
  EXPECT_THAT(node.err(), HasSubstr("need a restart: ring.vnodes"));
  EXPECT_EQ(ask(node, {"get", "notes", "hello"}).code, 1);
}

TEST_F(ServeTest, SighupWithASourceThatCannotBeUsedChangesNothing) {
  const program node(folder_, {"serve", "-c", config()});
  ASSERT_TRUE(node.prints("ready in "));
  config("  - {name: notes, source: {type: file, root: /no/such/folder}}\n");
  node.signal(SIGHUP);
  ASSERT_TRUE(node.logs("\"event\":\"reload.refused\""));
  EXPECT_EQ(ask(node, {"get", "pages", "hello"}).code, 0);
}

TEST_F(ServeTest, TheDemoShowsOneLoadForAHerd) {
  const auto ended = run(folder_, {"demo", "--once"});
  EXPECT_EQ(ended.code, 0) << ended.out << ended.err;
  EXPECT_THAT(ended.out, HasSubstr(" 1 call of the source"));
  EXPECT_THAT(ended.out, HasSubstr("http://127.0.0.1:"));
}

}  // namespace
}  // namespace weir::test
