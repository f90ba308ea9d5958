// `weir serve` under a supervisor that speaks systemd's protocol, and the unit that asks for it.
#include "tests/node/supervisor.hpp"
#include "tests/support/program.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <signal.h>

namespace weir::test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

constexpr std::chrono::seconds longest{20};

class SystemdTest : public testing::Test {
 protected:
  std::string config(std::string_view more = {}) {
    folder_.write("pages/hello", "Hello\n");
    auto text =
        "cluster: test\nnode: {id: n1, threads: 1}\nlisten: {http: {address: \"127.0.0.1:0\"}}\n"
        "keyspaces:\n  - {name: pages, source: {type: file, root: \"" +
        folder_.file("pages") + "\"}}\n";
    return folder_.write("weir.yaml", text.append(more));
  }

  std::map<std::string, std::string> environment() const {
    return {{"NOTIFY_SOCKET", folder_.file("notify")}, {"WATCHDOG_USEC", "400000"}};
  }

  scratch_folder folder_;
  const supervisor supervisor_{folder_.file("notify")};
};

TEST_F(SystemdTest, TellsReadyReloadingAndStopping) {
  program node(folder_, {"serve", "-c", config()}, {}, environment());
  EXPECT_EQ(supervisor_.next(longest), "READY=1\nSTATUS=ready, 1 keyspaces, a lone node");
  node.signal(SIGHUP);
  EXPECT_THAT(
      supervisor_.next("RELOADING=1", longest), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+")
  );
  EXPECT_THAT(supervisor_.next("READY=1", longest), HasSubstr("STATUS=ready"));
  node.signal(SIGTERM);
  EXPECT_THAT(supervisor_.next("STOPPING=1", longest), HasSubstr("draining"));
  EXPECT_EQ(node.wait(), 0);
}

TEST_F(SystemdTest, FeedsTheWatchdogWhileItsLoopsRun) {
  const program node(folder_, {"serve", "-c", config()}, {}, environment());
  EXPECT_THAT(supervisor_.next("READY=1", longest), HasSubstr("READY=1"));
  for (int i = 0; i != 3; ++i)
    EXPECT_THAT(supervisor_.next("WATCHDOG=1", longest), HasSubstr("WATCHDOG=1"));
}

TEST_F(SystemdTest, ARefusedReloadLeavesTheServiceReady) {
  program node(folder_, {"serve", "-c", config()}, {}, environment());
  EXPECT_THAT(supervisor_.next("READY=1", longest), HasSubstr("READY=1"));
  config("  - {name: Wrong}\n");
  const auto ended = run(folder_, {"reload", "--server=" + node.banner("http")});
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err, HasSubstr("nothing was changed"));
  EXPECT_THAT(ended.err, HasSubstr("weir.yaml:6:"));
  EXPECT_THAT(supervisor_.next("READY=1", longest), HasSubstr("STATUS=ready"));
}

TEST_F(SystemdTest, AWrongConfigurationEndsTheMainProcessWithThreeAndIsNeverReady) {
  program node(
      folder_, {"serve", "-c", folder_.write("bad.yaml", "clustr: x\n")}, {}, environment()
  );
  EXPECT_EQ(node.wait(), 3);
  EXPECT_EQ(supervisor_.next(), "nothing");
}

// What the unit promises holds only for the main process: a check before it would be tried again.
TEST(SystemdUnitTest, DoesNotTryAgainWhatCannotGetBetter) {
  std::ifstream file(WEIR_ROOT "/deploy/systemd/weir.service");
  const std::string unit{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(unit, HasSubstr("\nType=notify\n"));
  EXPECT_THAT(unit, HasSubstr("\nRestartPreventExitStatus=2 3\n"));
  EXPECT_THAT(unit, HasSubstr("\nWatchdogSec="));
  EXPECT_THAT(unit, HasSubstr("\nExecReload=/usr/local/bin/weir reload\n"));
  EXPECT_THAT(unit, Not(HasSubstr("\nExecStartPre")));
}

}  // namespace
}  // namespace weir::test
