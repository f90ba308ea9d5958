#include "engine/source/source_watch.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

class SourceWatchTest : public ::testing::Test {
 protected:
  static std::string text(const source_watch::events& all) {
    std::string out;
    for (const auto& each : all) {
      out += each.name;
      for (const auto& [name, value] : each.fields) out += " " + name + "=" + value;
      if (!each.detail.empty()) out += " detail=" + each.detail;
    }
    return out;
  }

  time_point now_{1h};
  source_watch watch_{"pages", "http"};
  const error refused_{errc::source_failed, {.remark = "127.0.0.1:9000: Connection refused"}};
};

TEST_F(SourceWatchTest, AFailureNamesKeyspaceSourceAndWords) {
  EXPECT_EQ(
      text(watch_.failed(refused_, now_)),
      "source.failed keyspace=pages source=http outcome=source_failed failures=1 since=0s "
      "detail=127.0.0.1:9000: Connection refused"
  );
}

TEST_F(SourceWatchTest, TheEndSaysHowLongAndHowOften) {
  watch_.failed(refused_, now_);
  watch_.failed(refused_, now_ + 1s);
  EXPECT_EQ(
      text(watch_.succeeded(now_ + 43s)),
      "source.recovered keyspace=pages source=http failures=2 after=43s"
  );
  EXPECT_EQ(text(watch_.succeeded(now_ + 44s)), "");
}

TEST_F(SourceWatchTest, TimeOutsAreFailuresOfTheSource) {
  const error late(errc::deadline_exceeded, {.detail = "it did not answer within 2000 ms"});
  EXPECT_EQ(
      text(watch_.failed(late, now_)),
      "source.failed keyspace=pages source=http outcome=deadline_exceeded failures=1 since=0s "
      "detail=it did not answer within 2000 ms"
  );
}

TEST_F(SourceWatchTest, ALimitOfThisNodeIsNoFailureOfTheSource) {
  const error full(errc::overloaded, {.detail = "loads.queue 256 is full"});
  EXPECT_EQ(
      text(watch_.failed(full, now_)),
      "loads.refused keyspace=pages source=http outcome=overloaded refused=1 since=0s "
      "detail=loads.queue 256 is full"
  );
  EXPECT_FALSE(watch_.state(now_).is_failing);
  EXPECT_EQ(
      text(watch_.tick(now_ + 10s)), "loads.accepted keyspace=pages source=http refused=1 after=0s"
  );
}

TEST_F(SourceWatchTest, ASourceThatSaysItIsBusyFails) {
  const error busy(errc::overloaded, {.remark = "the database is locked by another process"});
  EXPECT_TRUE(text(watch_.failed(busy, now_)).starts_with("source.failed"));
  EXPECT_TRUE(watch_.state(now_).is_failing);
}

TEST_F(SourceWatchTest, AValueOverTheLimitIsTold) {
  const error large(errc::too_large, {.detail = "the value has 101 bytes, max_entry is 100"});
  EXPECT_EQ(
      text(watch_.failed(large, now_)),
      "value.too_large keyspace=pages source=http outcome=too_large values=1 since=0s "
      "detail=the value has 101 bytes, max_entry is 100"
  );
  EXPECT_EQ(text(watch_.tick(now_ + 60s)), "");
}

}  // namespace
}  // namespace weir
