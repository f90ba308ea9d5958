#include "engine/agreement/hedge_line.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;

class HedgeLineTest : public ::testing::Test {
 protected:
  hedge_line::read& send() {
    if (const auto due = line_.begin(reads_.emplace_back(), now_)) due_ = due;
    return reads_.back();
  }

  void pass(milliseconds time) { now_ += time; }

  void answer(hedge_line::read& of) {
    heard_ = now_;
    line_.end(of, now_, hedge_line::ending::answered);
  }

  /// So many reads that took so long each.
  void get_used_to(milliseconds took, int reads = 128) {
    for (int i = 0; i != reads; ++i) {
      auto& one = send();
      pass(took);
      answer(one);
    }
    fire();
  }

  /// The timer, when it is due or `late`.
  std::size_t fire(milliseconds late = 0ms) {
    now_ = std::max(now_, *due_) + late;
    made_ = line_.on_timer(now_, heard_);
    due_ = made_.again;
    return made_.hedge.size();
  }

  std::chrono::microseconds since(time_point then) const {
    return std::chrono::duration_cast<std::chrono::microseconds>(now_ - then);
  }

  hedge_options options_;
  protocol_rules rules_;
  hedge_line line_{options_, rules_};
  std::deque<hedge_line::read> reads_;
  time_point now_{1h};
  time_point heard_ = now_;
  std::optional<time_point> due_;
  hedge_line::decision made_;
};

TEST_F(HedgeLineTest, TheDelayIsTwiceTheP99WithinItsBounds) {
  EXPECT_EQ(line_.delay(), 250ms) << "nothing is known of the peer";
  get_used_to(1ms);
  EXPECT_EQ(line_.delay(), 20ms);
  get_used_to(45ms);
  EXPECT_EQ(line_.delay(), 90ms);
  get_used_to(600ms);
  EXPECT_EQ(line_.delay(), 250ms);
}

TEST_F(HedgeLineTest, AReadOfASilentPeerIsHedgedAfterTheDelayAndOnce) {
  get_used_to(1ms);
  pass(1s);
  const auto sent = now_;
  send();
  EXPECT_EQ(fire(), 1u);
  EXPECT_EQ(since(sent), 20ms);
  EXPECT_FALSE(due_) << "nothing is left to wait for";
}

TEST_F(HedgeLineTest, AnythingThatComesPutsItOff) {
  get_used_to(1ms);
  pass(1s);
  const auto sent = now_;
  send();
  auto& other = send();
  pass(15ms);
  answer(other);
  EXPECT_EQ(fire(), 0u);
  EXPECT_EQ(fire(), 1u);
  EXPECT_EQ(since(sent), 35ms);
}

TEST_F(HedgeLineTest, AReadThatThePeerLoadsIsNotHedged) {
  get_used_to(1ms);
  auto& loads = send();
  pass(1ms);
  line_.told(loads, now_);
  heard_ = now_;
  EXPECT_EQ(fire(), 0u);
  EXPECT_FALSE(due_);
  pass(10s);
  EXPECT_FALSE(line_.is_suspect());
}

TEST_F(HedgeLineTest, OneTimerServesAll) {
  get_used_to(1ms);
  pass(1s);
  due_.reset();
  send();
  const auto first = due_;
  ASSERT_TRUE(first);
  pass(5ms);
  send();
  EXPECT_EQ(due_, first);
  EXPECT_EQ(fire(), 1u);
  EXPECT_EQ(*due_ - *first, 5ms);
  EXPECT_EQ(fire(), 1u);
}

TEST_F(HedgeLineTest, BeyondTheBudgetReadsWait) {
  get_used_to(1ms);
  pass(1s);
  for (int i = 0; i != 130; ++i) send();
  EXPECT_EQ(fire(), 100u);
  EXPECT_EQ(made_.refused, 30u);
  EXPECT_EQ(fire(), 0u);
  EXPECT_EQ(made_.refused, 0u) << "each counts once";
}

TEST_F(HedgeLineTest, ThePeerEarnsTheBudgetWithItsAnswers) {
  get_used_to(1ms);
  pass(1s);
  std::vector<hedge_line::read*> sent;
  for (int i = 0; i != 100; ++i) sent.push_back(&send());
  EXPECT_EQ(fire(), 100u);
  for (std::size_t i = 0; i != 100; ++i) {
    if (i < 61) answer(*sent[i]);
    line_.end(*sent[i], now_, hedge_line::ending::lost);
  }
  pass(1s);
  for (int i = 0; i != 7; ++i) send();
  while (due_ && fire() == 0) {
  }
  EXPECT_EQ(made_.hedge.size(), 3u) << "5 % of 61";
}

TEST_F(HedgeLineTest, APeerSilentFor250MillisecondsWithEightWaitingIsSuspect) {
  get_used_to(1ms);
  pass(1s);
  const auto sent = now_;
  for (int i = 0; i != 8; ++i) send();
  auto& loads = send();
  line_.told(loads, now_);
  heard_ = now_;
  EXPECT_EQ(fire(), 8u);
  EXPECT_EQ(fire(), 1u) << "what it works on may be lost";
  EXPECT_EQ(made_.what, hedge_line::news::suspect);
  EXPECT_EQ(since(sent), 250ms);
  EXPECT_TRUE(line_.is_suspect(now_));
}

TEST_F(HedgeLineTest, SevenWaitingAreTooFewToSuspectIt) {
  get_used_to(1ms);
  pass(1s);
  for (int i = 0; i != 7; ++i) send();
  EXPECT_EQ(fire(), 7u);
  EXPECT_FALSE(due_);
}

TEST_F(HedgeLineTest, AnIdlePeerIsNotSuspectForBeingIdle) {
  get_used_to(1ms);
  pass(60s);
  for (int i = 0; i != 20; ++i) send();
  fire();
  EXPECT_FALSE(line_.is_suspect());
}

TEST_F(HedgeLineTest, ASuspectIsTrustedOnceItIsHeard) {
  get_used_to(1ms);
  pass(1s);
  for (int i = 0; i != 8; ++i) send();
  fire();
  fire();
  ASSERT_TRUE(line_.is_suspect());
  EXPECT_FALSE(line_.trust_again(heard_));
  pass(1s);
  heard_ = now_;
  fire();
  EXPECT_EQ(made_.what, hedge_line::news::trusted);
  EXPECT_FALSE(line_.is_suspect());
}

TEST_F(HedgeLineTest, ANodeThatStoodStillWaitsAgain) {
  get_used_to(1ms);
  pass(1s);
  for (int i = 0; i != 20; ++i) send();
  EXPECT_EQ(fire(2s), 0u);
  EXPECT_EQ(*due_ - now_, 20ms);
  EXPECT_EQ(fire(50ms), 20u) << "but not for ever";
}

TEST_F(HedgeLineTest, ANodeThatStoodStillSuspectsNobodyBeforeItHasRead) {
  get_used_to(1ms);
  pass(1s);
  for (int i = 0; i != 8; ++i) send();
  fire();
  fire();
  ASSERT_TRUE(line_.is_suspect(now_));
  EXPECT_FALSE(line_.is_suspect(now_ + 1s));
}

TEST_F(HedgeLineTest, AFixedTimeIsTaken) {
  hedge_line fixed({.after = timespan(70ms), .budget = 0.05}, rules_);
  EXPECT_EQ(fixed.delay(), 70ms);
}

TEST_F(HedgeLineTest, WhatEndedIsForgotten) {
  auto& one = send();
  line_.end(one, now_, hedge_line::ending::lost);
  line_.end(one, now_, hedge_line::ending::lost);
  line_.told(one, now_);
  EXPECT_EQ(fire(), 0u);
  EXPECT_FALSE(due_);
}

}  // namespace
}  // namespace weir
