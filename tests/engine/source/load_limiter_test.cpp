#include "engine/source/load_limiter.hpp"

#include "tests/support/hand_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LoadLimiterTest : public testing::Test {
 protected:
  LoadLimiterTest() { use({.concurrent = 2, .queue = 3}); }

  void use(load_limits limits) { limiter_.set_limits(limits); }

  /// A load called `name` asks for a place; what it hears goes into granted_ or refused_.
  void ask(const std::string& name, std::uint64_t batch = load_limiter::alone) {
    limiter_.acquire(batch, [this, name](result<void> answer) {
      (answer ? granted_ : refused_).push_back(name);
      if (!answer) why_ = answer.error().detail();
    });
  }

  void release() {
    limiter_.release();
    env_.run();
  }

  test::hand_environment env_;
  load_limiter limiter_{env_, {}};
  std::vector<std::string> granted_;
  std::vector<std::string> refused_;
  std::string why_;
};

TEST_F(LoadLimiterTest, GrantsItsPlacesAtOnceAndThenLetsWait) {
  ask("1");
  ask("2");
  ask("3");
  EXPECT_THAT(granted_, ElementsAre("1", "2"));
  EXPECT_EQ(limiter_.running(), 2u);
  EXPECT_EQ(limiter_.waiting(), 1u);
}

TEST_F(LoadLimiterTest, APlaceIsPassedOnByTheLoopInTheOrderOfAsking) {
  for (const auto* name : {"1", "2", "3", "4"}) ask(name);
  limiter_.release();
  EXPECT_THAT(granted_, ElementsAre("1", "2")) << "not from within the end of the last holder";
  env_.run();
  EXPECT_THAT(granted_, ElementsAre("1", "2", "3"));
  release();
  release();
  release();
  EXPECT_THAT(granted_, ElementsAre("1", "2", "3", "4"));
  EXPECT_EQ(limiter_.running(), 0u);
}

TEST_F(LoadLimiterTest, RefusesBeyondItsQueueAndSaysWhich) {
  for (const auto* name : {"1", "2", "3", "4", "5"}) ask(name);
  EXPECT_THAT(refused_, IsEmpty());
  ask("6");
  EXPECT_THAT(refused_, ElementsAre("6"));
  EXPECT_EQ(why_, "loads.queue 3 is full");
}

TEST_F(LoadLimiterTest, KeysOfBatchesDoNotCountInTheQueue) {
  use({.concurrent = 1, .queue = 0});
  ask("1");
  for (std::size_t i = 0; i != max_batch_loads; ++i) ask("of a batch", 7);
  EXPECT_THAT(refused_, IsEmpty());
  ask("one more", 7);
  EXPECT_THAT(refused_, ElementsAre("one more"));
  EXPECT_THAT(why_, HasSubstr("16000 keys of batches wait already"));
}

TEST_F(LoadLimiterTest, BatchesAndSingleLoadsTakeTurns) {
  use({.concurrent = 1, .queue = 3});
  ask("running");
  for (const auto* name : {"a1", "a2", "a3"}) ask(name, 10);
  for (const auto* name : {"b1", "b2"}) ask(name, 11);
  ask("s1");
  ask("s2");
  for (int i = 0; i != 7; ++i) release();
  EXPECT_THAT(granted_, ElementsAre("running", "a1", "s1", "b1", "s2", "a2", "b2", "a3"));
}

TEST_F(LoadLimiterTest, WhenEveryPlaceIsStuckNobodyWaits) {
  for (const auto* name : {"1", "2", "3"}) ask(name);
  limiter_.call_is_stuck();
  EXPECT_THAT(refused_, IsEmpty());
  limiter_.call_is_stuck();
  EXPECT_THAT(refused_, ElementsAre("3"));
  EXPECT_THAT(why_, HasSubstr("all 2 calls of the source"));
  ask("4");
  EXPECT_THAT(refused_, ElementsAre("3", "4"));
  limiter_.call_returned_late();
  ask("5");
  EXPECT_THAT(granted_, ElementsAre("1", "2", "5"));
}

TEST_F(LoadLimiterTest, LargerLimitsLetWaitersInAndSmallerOnesWaitForTheEnds) {
  for (const auto* name : {"1", "2", "3", "4"}) ask(name);
  use({.concurrent = 3, .queue = 3});
  EXPECT_THAT(granted_, ElementsAre("1", "2", "3"));
  use({.concurrent = 1, .queue = 3});
  release();
  release();
  EXPECT_EQ(limiter_.running(), 1u);
  EXPECT_THAT(granted_, ElementsAre("1", "2", "3"));
  release();
  EXPECT_THAT(granted_, ElementsAre("1", "2", "3", "4"));
}

TEST_F(LoadLimiterTest, ClosingRefusesWhoWaitsAndLeavesWhoRuns) {
  for (const auto* name : {"1", "2", "3"}) ask(name);
  ask("of a batch", 5);
  limiter_.close(errc::unavailable);
  EXPECT_THAT(refused_, ElementsAre("3", "of a batch"));
  EXPECT_EQ(limiter_.waiting(), 0u);
  EXPECT_EQ(limiter_.running(), 2u);
}

}  // namespace
}  // namespace weir
