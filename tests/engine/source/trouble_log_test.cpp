#include "engine/source/trouble_log.hpp"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

using namespace std::chrono_literals;

class TroubleLogTest : public ::testing::Test {
 protected:
  using line = std::optional<trouble_log::line>;

  std::string fail(std::chrono::milliseconds later = 0ms) {
    now_ += later;
    return text(log_.failed(now_));
  }

  std::string succeed(std::chrono::milliseconds later = 0ms) {
    now_ += later;
    return text(log_.succeeded(now_));
  }

  std::string wait(std::chrono::milliseconds later) {
    now_ += later;
    return text(log_.tick(now_));
  }

  static std::string text(const line& said) {
    if (!said) return "";
    const bool is_over = said->what == trouble_log::line::kind::over;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(said->lasted).count();
    return std::string(is_over ? "over " : "failing ") + std::to_string(said->failures) + " in " +
           std::to_string(seconds) + " s";
  }

  time_point now_{1h};
  trouble_log log_{trouble_log::ends::by_success};
};

TEST_F(TroubleLogTest, TellsTheFirstFailureAtOnce) {
  EXPECT_EQ(fail(), "failing 1 in 0 s");
}

TEST_F(TroubleLogTest, ThenCountsEveryTenSeconds) {
  fail();
  for (int i = 0; i != 99; ++i) EXPECT_EQ(fail(100ms), "");
  EXPECT_EQ(fail(100ms), "failing 101 in 10 s");
  EXPECT_EQ(fail(1ms), "");
}

TEST_F(TroubleLogTest, TellsTheCountThoughNothingFailsAnyMore) {
  fail();
  fail(1s);
  EXPECT_EQ(wait(8s), "");
  EXPECT_EQ(wait(1s), "failing 2 in 10 s");
  EXPECT_EQ(wait(60s), "");
}

TEST_F(TroubleLogTest, TellsTheEndAtOnceAndOnce) {
  fail();
  fail(3s);
  EXPECT_EQ(succeed(1s), "over 2 in 4 s");
  EXPECT_EQ(succeed(), "");
  EXPECT_EQ(wait(60s), "");
  EXPECT_TRUE(log_.is_quiet());
}

TEST_F(TroubleLogTest, FailuresThatTakeTurnsWithSuccessesDoNotFloodAndAreAllCounted) {
  int lines = 0;
  for (int i = 0; i != 1000; ++i) {  // 100 s
    lines += fail(50ms).empty() ? 0 : 1;
    lines += succeed(50ms).empty() ? 0 : 1;
    lines += wait(0ms).empty() ? 0 : 1;
  }
  EXPECT_LE(lines, 30);
  EXPECT_GE(lines, 20);
}

TEST_F(TroubleLogTest, WhatFailedBetweenTwoLinesIsTold) {
  fail();
  succeed(1s);
  EXPECT_EQ(fail(1s), "");
  EXPECT_EQ(succeed(1s), "");
  EXPECT_EQ(wait(7s), "over 1 in 1 s");
}

TEST_F(TroubleLogTest, ANewTroubleIsToldAtOnce) {
  fail();
  succeed();
  EXPECT_EQ(fail(11s), "failing 1 in 0 s");
}

TEST_F(TroubleLogTest, WhatHasNoSuccessesEndsBySilence) {
  log_ = trouble_log(trouble_log::ends::by_silence);
  fail();
  fail(5s);
  EXPECT_EQ(wait(6s), "failing 2 in 11 s");
  EXPECT_EQ(wait(4s), "over 2 in 5 s");
  EXPECT_EQ(wait(60s), "");
}

}  // namespace
}  // namespace weir
