#include "engine/source/load_batcher.hpp"

#include <gtest/gtest.h>

namespace weir::test {
namespace {

using batcher = load_batcher<int>;
using then = batcher::then;

class LoadBatcher : public ::testing::Test {
 protected:
  then comes(int load, std::size_t max_batch = 256) { return batcher_.comes(load, max_batch); }

  batcher batcher_;
};

TEST_F(LoadBatcher, ASingleLoadWaitsForNothing) {
  EXPECT_EQ(comes(1), then::go_alone);
  EXPECT_EQ(batcher_.ended(), batcher::batch());
  EXPECT_EQ(comes(2), then::go_alone);
}

TEST_F(LoadBatcher, LoadsThatComeWhileOneRunsGoTogetherAfterTheTurn) {
  comes(1);
  EXPECT_EQ(comes(2), then::call_soon);
  EXPECT_EQ(comes(3), then::wait);
  EXPECT_EQ(batcher_.look(false), (batcher::batch{2, 3}));
  EXPECT_EQ(batcher_.look(false), batcher::batch());
}

TEST_F(LoadBatcher, TheEndOfACallTakesThemAlong) {
  comes(1);
  comes(2);
  EXPECT_EQ(batcher_.ended(), (batcher::batch{2}));
  EXPECT_EQ(comes(3), then::call_soon) << "the second call is under way";
}

TEST_F(LoadBatcher, AFullBatchGoesAtOnce) {
  comes(1, 2);
  EXPECT_EQ(comes(2, 2), then::call_soon);
  EXPECT_EQ(comes(3, 2), then::take_at_once);
  EXPECT_EQ(batcher_.take(), (batcher::batch{2, 3}));
}

TEST_F(LoadBatcher, WithFourCallsUnderWayLoadsWaitForAnEndOrForTheTime) {
  comes(0);
  for (int i = 1; i != static_cast<int>(batcher::max_calls); ++i) {
    comes(i);
    EXPECT_EQ(batcher_.look(false), (batcher::batch{i}));
  }
  comes(10);
  comes(11);
  EXPECT_EQ(batcher_.look(false), batcher::batch());
  EXPECT_EQ(batcher_.look(true), (batcher::batch{10, 11}));
  comes(12);
  EXPECT_EQ(batcher_.ended(), (batcher::batch{12}));
}

TEST_F(LoadBatcher, AfterTheLastEndALoadIsAloneAgain) {
  comes(1);
  comes(2);
  batcher_.ended();
  batcher_.ended();
  EXPECT_EQ(comes(3), then::go_alone);
}

}  // namespace
}  // namespace weir::test
