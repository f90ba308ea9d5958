// How `weir serve` begins and ends: signals at any moment, closed streams, reload and drain on
// demand.
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <signal.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::test {
namespace {

using testing::HasSubstr;

class ServeLifeTest : public testing::Test {
 protected:
  std::string config(std::string_view more = {}) {
    folder_.write("pages/hello", "Hello\n");
    auto text =
        "cluster: test\nnode: {id: n1, threads: 1}\nlisten: {http: {address: \"127.0.0.1:0\"}}\n"
        "keyspaces:\n  - {name: pages, source: {type: file, root: \"" +
        folder_.file("pages") + "\"}}\n";
    return folder_.write("weir.yaml", text.append(more));
  }

  finished ask(const program& node, std::vector<std::string> words) {
    words.push_back("--server=" + node.banner("http"));
    return run(folder_, std::move(words));
  }

  scratch_folder folder_;
};

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Whether the kernel says that the process catches the signal.
bool catches(pid_t process, int signal) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("SigCgt:")) continue;
    return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  return false;
}

TEST_F(ServeLifeTest, AReloadThatComesDuringTheStartIsDoneOnceTheNodeRuns) {
  const program node(folder_, {"serve", "-c", config()});
  while (node.is_running() && !catches(node.id(), SIGHUP)) {
  }
  node.signal(SIGHUP);
  EXPECT_TRUE(node.logs("reload.applied")) << node.err();
  EXPECT_EQ(ask(node, {"get", "pages", "hello"}).out, "Hello\n");
}

TEST_F(ServeLifeTest, ATerminationThatComesDuringTheStartEndsItWithZero) {
  program node(folder_, {"serve", "-c", config()});
  while (node.is_running() && !catches(node.id(), SIGTERM)) {
  }
  node.signal(SIGTERM);
  EXPECT_EQ(node.wait(), 0) << node.err();
}

TEST_F(ServeLifeTest, ReloadAnswersWithWhatChanged) {
  const program node(folder_, {"serve", "-c", config()});
  EXPECT_TRUE(node.prints("ready in "));
  config("  - {name: more, source: {type: file, root: \"" + folder_.file("pages") + "\"}}\n");
  const auto done = ask(node, {"reload"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("keyspaces.more"));
  EXPECT_EQ(ask(node, {"get", "more", "hello"}).out, "Hello\n");
}

TEST_F(ServeLifeTest, DrainAnswersAndTheNodeEndsWithZero) {
  program node(folder_, {"serve", "-c", config()});
  const auto done = ask(node, {"drain", "-o", "json"});
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("\"drained\":true"));
  EXPECT_EQ(node.wait(), 0);
}

TEST_F(ServeLifeTest, HealthWaitsUntilTheNodeHasALease) {
  const program lone(folder_, {"serve", "-c", config()});
  EXPECT_EQ(ask(lone, {"health", "--wait", "10s"}).code, 0);
  const auto peer = free_address();
  const auto file = config(
      "discovery: {static: {peers: [\"n1=" + peer + "\", \"n2=" + free_address() + "\"]}}\n"
  );
  const program half(folder_, {"serve", "-c", file, "--set", "listen.peer.address=" + peer});
  const auto ended = ask(half, {"health", "--wait", "200ms"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("no lease in time"));
  const auto none =
      run(folder_, {"health", "--wait", "200ms", "--server=http://" + free_address()});
  EXPECT_EQ(none.code, 6);
}

TEST_F(ServeLifeTest, StopsWithZeroWhenNobodyReadsTheBanner) {
  const auto file = config();
  const auto log = folder_.write("log", "");
  const auto node = ::fork();
  if (node == 0) {
    ::dup2(::open(log.c_str(), O_WRONLY | O_APPEND), STDERR_FILENO);
    ::close(STDIN_FILENO);
    ::close(STDOUT_FILENO);
    ::execl(WEIR_PROGRAM, "weir", "serve", "-c", file.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  while (content_of(log).find("node.started") == std::string::npos) {
    ASSERT_EQ(::waitpid(node, &status, WNOHANG), 0) << content_of(log);
  }
  ::kill(node, SIGTERM);
  ASSERT_EQ(::waitpid(node, &status, 0), node);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << content_of(log);
}

}  // namespace
}  // namespace weir::test
