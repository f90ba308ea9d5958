#include "engine/runtime/boot_clock.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

time_point boottime() {
  timespec at{};
  ::clock_gettime(CLOCK_BOOTTIME, &at);
  return time_point(std::chrono::seconds(at.tv_sec) + std::chrono::nanoseconds(at.tv_nsec));
}

TEST(BootClockTest, NowIsTheTimeSinceTheMachineStarted) {
  const boot_clock clock;
  const auto before = boottime();
  const auto now = clock.now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, boottime());
}

TEST(BootClockTest, TheCheapClockNeitherRunsAheadNorGoesBack) {
  const boot_clock clock;
  auto last = clock.coarse_now();
  const auto until = clock.now() + 50ms;
  while (clock.now() < until) {
    const auto coarse = clock.coarse_now();
    ASSERT_LE(coarse, clock.now());
    ASSERT_GE(coarse, last);
    last = coarse;
  }
}

// The kernel moves the coarse clock at each of its ticks, of 1 to 10 ms.
TEST(BootClockTest, TheCheapClockIsATickBehindAtMost) {
  const boot_clock clock;
  for (int i = 0; i != 1'000; ++i) {
    const auto before = clock.now();
    ASSERT_GE(clock.coarse_now(), before - 20ms);
  }
}

TEST(BootClockTest, TheCheapClockMoves) {
  const boot_clock clock;
  const auto start = clock.coarse_now();
  const auto until = clock.now() + 10s;
  while (clock.coarse_now() == start) ASSERT_LT(clock.now(), until);
  EXPECT_GT(clock.coarse_now(), start);
}

}  // namespace
}  // namespace weir
