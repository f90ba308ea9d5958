#include "engine/entries/expiry_wheel.hpp"

#include "tests/engine/entries/store_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace weir::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct ExpiryWheelTest : testing::Test {
  stored_entry& add(steady_duration expires) {
    entries.push_back(
        table_fixture::make(std::to_string(entries.size()), "", {.expires = at(expires)})
    );
    wheel.insert(*entries.back(), now);
    return *entries.back();
  }

  /// What is found when the time is `when`, by expiry.
  std::vector<steady_duration> found(steady_duration when, std::size_t steps = 1000000) {
    now = at(when);
    std::vector<steady_duration> out;
    while (const auto* entry = wheel.next_expired(now, steps)) {
      out.push_back(entry->expires.time_since_epoch());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  time_point now{};
  expiry_wheel wheel;
  std::vector<stored_entry::pointer> entries;
};

TEST_F(ExpiryWheelTest, FindsNothingWhenEmpty) {
  EXPECT_THAT(found(100h), IsEmpty());
}

TEST_F(ExpiryWheelTest, FindsAnEntryAtItsTickAndNotBefore) {
  add(500ms);
  EXPECT_THAT(found(500ms - 1ns), IsEmpty());
  EXPECT_THAT(found(500ms), ElementsAre(500ms));
  EXPECT_THAT(found(501ms), IsEmpty());
}

TEST_F(ExpiryWheelTest, RoundsUpToTheNextTick) {
  add(500ms + 1ns);
  EXPECT_THAT(found(750ms - 1ns), IsEmpty());
  EXPECT_THAT(found(750ms), ElementsAre(500ms + 1ns));
}

TEST_F(ExpiryWheelTest, FindsAtOnceWhatHadExpiredWhenItCame) {
  now = at(10s);
  add(3s);
  EXPECT_THAT(found(10s), ElementsAre(3s));
}

TEST_F(ExpiryWheelTest, FindsEachLevelsEntriesAtTheirTick) {
  const std::vector<steady_duration> times{
      250ms,
      15750ms,
      16s,
      16250ms,
      1023750ms,
      1024s,
      1024250ms,
      18h,
      19h,
      47 * 24h,
      48 * 24h,
      49 * 24h,
      60 * 24h,
      200 * 24h};
  for (const auto time : times) add(time);
  for (const auto time : times) {
    EXPECT_THAT(found(time - 1ns), IsEmpty());
    EXPECT_THAT(found(time), ElementsAre(time));
  }
}

TEST_F(ExpiryWheelTest, FindsEverythingAfterALongPause) {
  for (int i = 1; i != 1000; ++i) add(i * 7s);
  EXPECT_EQ(found(400 * 24h).size(), 999u);
}

TEST_F(ExpiryWheelTest, StartsAnywhereInTime) {
  now = at(3000 * 24h);
  add(3000 * 24h + 1s);
  EXPECT_THAT(found(3000 * 24h + 750ms), IsEmpty());
  EXPECT_THAT(found(3000 * 24h + 1s), ElementsAre(3000 * 24h + 1s));
}

TEST_F(ExpiryWheelTest, LeavesOutWhatNeverExpires) {
  add(time_point::max().time_since_epoch());
  EXPECT_EQ(entries[0]->expires_link, nullptr);
  wheel.erase(*entries[0]);
  EXPECT_THAT(found(400 * 24h), IsEmpty());
}

TEST_F(ExpiryWheelTest, ForgetsErasedEntries) {
  for (int i = 1; i != 100; ++i) add(i * 100ms);
  for (std::size_t i = 0; i < 99; i += 2) wheel.erase(*entries[i]);
  EXPECT_EQ(found(10s).size(), 49u);
}

TEST_F(ExpiryWheelTest, StopsWhenTheStepsAreUsedUpAndGoesOnLater) {
  for (int i = 0; i != 100; ++i) add(100s + i * 1ms);
  EXPECT_THAT(found(99s, 50), IsEmpty());  // moves half of them down
  EXPECT_THAT(found(99s, 50), IsEmpty());
  EXPECT_EQ(found(101s, 30).size(), 30u);
  EXPECT_EQ(found(101s, 30).size(), 30u);
  EXPECT_EQ(found(101s, 1000).size(), 40u);
}

TEST_F(ExpiryWheelTest, AgreesWithAScan) {
  for (std::uint64_t seed = 0; seed != 20; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<stored_entry*> waiting;
    for (int step = 0; step != 500; ++step) {
      const auto range = std::uint64_t{1} << (random() % 33);
      const auto expires = now.time_since_epoch() + milliseconds(random() % range);
      waiting.push_back(&add(expires));
      if (random() % 4 == 0) {
        const auto chosen = random() % waiting.size();
        wheel.erase(*waiting[chosen]);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(chosen));
      }
      const auto pause = milliseconds(random() % (std::uint64_t{1} << (random() % 30)));
      const auto gone = found(now.time_since_epoch() + pause);
      const auto last_tick =
          time_point(now.time_since_epoch() / expiry_wheel::tick * expiry_wheel::tick);
      // Between its expiry and its tick an entry may be found, after its tick it must have been.
      ASSERT_TRUE(gone.empty() || gone.back() <= now.time_since_epoch());
      const auto is_out = [](auto* each) { return each->expires_link == nullptr; };
      ASSERT_EQ(std::erase_if(waiting, is_out), gone.size());
      for (const auto* each : waiting) {
        ASSERT_GT(each->expires, last_tick) << "seed " << seed << ", step " << step;
      }
    }
    for (auto* each : waiting) wheel.erase(*each);
  }
}

}  // namespace
}  // namespace weir::test
