// A wall clock that jumps: row F31 of the failure catalogue, with libfaketime in every node.

#include "tests/support/cluster/fault_fixture.hpp"

#include <filesystem>
#include <fstream>

namespace weir::test {
namespace {

const std::string library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

class ClockFaults : public FaultTest {
 protected:
  void set_clock(const std::string& offset) {
    std::ofstream(folder_.file("clock.new")) << offset << '\n';
    std::filesystem::rename(folder_.file("clock.new"), folder_.file("clock"));
  }

  scratch_folder folder_;
};

TEST_F(ClockFaults, F31_AJumpOfTheWallClockMovesNoTtlLeaseOrTimer) {
  if (!std::filesystem::exists(library)) GTEST_SKIP() << "libfaketime is not installed";
  set_clock("+0");
  start(
      {.environment =
           {
               "LD_PRELOAD=" WEIR_STEADY_TIMERS ":" + library,
               "FAKETIME_TIMESTAMP_FILE=" + folder_.file("clock"),
               "FAKETIME_NO_CACHE=1",
               "FAKETIME_DONT_FAKE_MONOTONIC=1",
               "DONT_FAKE_MONOTONIC=1",
           }}
  );
  const auto key = key_of(3);
  warm({key});
  const auto loads = origin().loads(key);
  begin_load({.reads_per_second = 100, .changes_per_second = 4, .invalidated = {"brief"}});
  for (const auto* const jump : {"+1h", "-2h", "+0"}) {
    begin_fault(std::string("wall clock ") + jump);
    set_clock(jump);
    for (int i = 1; i <= 3; ++i) {
      EXPECT_TRUE(read(i, key).is_cached) << "node " << i << " after " << jump;
    }
    EXPECT_EQ(change(2, key_of(1, 5)).first.status, 200) << jump;
    pass(2500ms);  // a lease and the short TTL would have run out
    for (int i = 1; i <= 3; ++i) {
      EXPECT_TRUE(nodes().sees(i, 3)) << jump;
      EXPECT_TRUE(read(i, key).is_cached) << "node " << i << " after " << jump;
    }
    end_fault();
  }
  EXPECT_EQ(origin().loads(key), loads);
  const auto numbers = end_load();
  EXPECT_GE(numbers.ok_during, 0.9);
}

}  // namespace
}  // namespace weir::test
