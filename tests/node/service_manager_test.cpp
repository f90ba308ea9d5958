#include "node/program/service_manager.hpp"

#include "tests/node/supervisor.hpp"
#include "tests/support/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <unistd.h>

namespace weir::test {
namespace {

using testing::MatchesRegex;

service_manager::variable environment(std::map<std::string, std::string, std::less<>> of) {
  return [of = std::move(of)](std::string_view name) -> std::optional<std::string> {
    const auto found = of.find(name);
    return found == of.end() ? std::nullopt : std::optional(found->second);
  };
}

class ServiceManagerTest : public testing::Test {
 protected:
  scratch_folder folder_;
  const std::string path_ = folder_.file("notify");
  const supervisor supervisor_{path_};
};

TEST_F(ServiceManagerTest, TellsEachStateInTheWordsOfTheProtocol) {
  service_manager manager(environment({{"NOTIFY_SOCKET", path_}, {"WATCHDOG_USEC", "500000"}}));
  manager.ready("2 keyspaces");
  EXPECT_EQ(supervisor_.next(), "READY=1\nSTATUS=2 keyspaces");
  manager.reloading();
  EXPECT_THAT(supervisor_.next(), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  manager.alive("well");
  EXPECT_EQ(supervisor_.next(), "WATCHDOG=1\nSTATUS=well");
  manager.stopping("draining");
  EXPECT_EQ(supervisor_.next(), "STOPPING=1\nSTATUS=draining");
  EXPECT_EQ(manager.watchdog(), std::chrono::milliseconds(500));
}

TEST_F(ServiceManagerTest, TheWatchdogOfAnotherProcessIsNotFed) {
  service_manager manager(
      environment({{"NOTIFY_SOCKET", path_}, {"WATCHDOG_USEC", "500000"}, {"WATCHDOG_PID", "1"}})
  );
  EXPECT_EQ(manager.watchdog(), std::nullopt);
  manager.alive("well");
  EXPECT_EQ(supervisor_.next(), "STATUS=well");
}

TEST_F(ServiceManagerTest, SendsToAnAbstractAddress) {
  const auto address = "@weir-test-" + std::to_string(::getpid());
  const supervisor abstract(address);
  service_manager(environment({{"NOTIFY_SOCKET", address}})).ready("");
  EXPECT_EQ(abstract.next(), "READY=1");
}

TEST_F(ServiceManagerTest, SaysNothingWithoutASupervisor) {
  const std::string too_long(200, '/');
  for (const std::string& wrong : {std::string(), std::string("relative"), too_long}) {
    service_manager manager(environment({{"NOTIFY_SOCKET", wrong}}));
    EXPECT_FALSE(manager.is_there()) << wrong;
    manager.ready("well");
  }
  EXPECT_EQ(supervisor_.next(), "nothing");
}

}  // namespace
}  // namespace weir::test
