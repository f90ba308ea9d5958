// What answers to slow readers may take: one budget over all connections.
#include "tests/transport/http/http_support.hpp"

#include <weir/transport/reply_budget.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::get;

constexpr std::size_t large = 8 << 20;  // more than sockets hold
constexpr std::size_t room_for_two = 2 * large + 64 * 1024;

TEST(ReplyBudgetTest, TakesUpToItsMaxAndHasThatAgainWhenItIsGivenBack) {
  reply_budget budget(1'000);
  EXPECT_TRUE(budget.take(600));
  EXPECT_TRUE(budget.take(400));
  EXPECT_FALSE(budget.take(1));
  budget.give_back(400);
  EXPECT_TRUE(budget.take(300));
  EXPECT_EQ(budget.used(), 900U);
}

TEST(ReplyBudgetTest, OneLargerAnswerPassesWhileHalfIsFree) {
  reply_budget budget(1'000);
  EXPECT_TRUE(budget.take(500));
  EXPECT_TRUE(budget.take(5'000));
  EXPECT_FALSE(budget.take(1));
}

TEST(ReplyBudgetTest, IsSpentUntilWhatWasRefusedFits) {
  reply_budget budget(1'000);
  EXPECT_TRUE(budget.take(700));
  EXPECT_FALSE(budget.is_spent());
  EXPECT_FALSE(budget.take(400));
  EXPECT_TRUE(budget.is_spent());
  budget.give_back(100);
  EXPECT_FALSE(budget.is_spent());
}

/// Pieces of 32 KiB, counted.
class counted_pieces final : public http_pieces {
 public:
  counted_pieces(std::size_t count, std::atomic<int>& made)
      : http_pieces(64 << 10), left_(count), made_(made) {}

  bool next(std::string& piece) override {
    piece.append(32 << 10, 'p');
    ++made_;
    return --left_ != 0;
  }

 private:
  std::size_t left_;
  std::atomic<int>& made_;
};

class ReplyMemoryTest : public test::server_fixture {
 protected:
  /// "/large" is 8 MiB, "/pieces" 32 MiB in pieces, anything else a few bytes.
  void serve_with(http_limits limits, std::size_t budget) {
    handler_.fast = [this](const http_request& request, http_response& response) {
      if (request.path == "/large") response.body = value_;
      if (request.path == "/small") response.body = bytes("small");
      if (request.path == "/pieces") {
        response.pieces = std::make_shared<counted_pieces>(1'024, made_);
      }
      return true;
    };
    budget_ = std::make_shared<reply_budget>(budget);
    threads_ = std::make_unique<test::loop_threads>(1);
    server_ = std::make_unique<http_server>(threads_->loops(), limits, handler_);
    server_->share_replies(budget_);
    address_ = server_->listen("127.0.0.1:0").value();
  }

  /// A client that asks for "/large" and reads nothing.
  test::raw_client slow_reader() {
    auto client = connect(4'096);
    client.send(get("/large"));
    return client;
  }

  bool waiting(std::size_t bytes_in_all) {
    return test::eventually([&] { return budget_->used() >= bytes_in_all; });
  }

  const bytes value_{std::string(large, 'v')};
  std::atomic<int> made_{0};
  std::shared_ptr<reply_budget> budget_;
};

TEST_F(ReplyMemoryTest, BeyondItALargeAnswerWaitsAndIsThenRefused) {
  serve_with({.pressed_grace = 60s, .reply_wait = 100ms}, room_for_two);
  const auto one = slow_reader(), two = slow_reader();
  ASSERT_TRUE(waiting(2 * large));
  const auto begun = std::chrono::steady_clock::now();
  const auto refused = ask(get("/large"));
  EXPECT_EQ(refused.status, 503U);
  EXPECT_TRUE(refused.says("Retry-After: 1\r\n"));
  EXPECT_NE(refused.body.find("max_reply_memory"), std::string::npos);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 100ms);
  EXPECT_LE(budget_->used(), 2 * large + 4'096);
  EXPECT_EQ(server_->stats().short_of_memory_total, 1U);
}

TEST_F(ReplyMemoryTest, SmallAnswersPassMeanwhile) {
  serve_with({.pressed_grace = 60s, .reply_wait = 60s}, room_for_two);
  const auto one = slow_reader(), two = slow_reader();
  ASSERT_TRUE(waiting(2 * large));
  EXPECT_EQ(ask(get("/small")).body, "small");
}

TEST_F(ReplyMemoryTest, AnAnswerThatWaitsIsGivenWhenAReaderGoes) {
  serve_with({.pressed_grace = 60s, .reply_wait = 60s}, room_for_two);
  auto one = std::make_unique<test::raw_client>(slow_reader());
  const auto two = slow_reader();
  ASSERT_TRUE(waiting(2 * large));
  auto third = connect();
  third.send(get("/large"));
  EXPECT_FALSE(third.has_news_within(50ms));
  one.reset();
  EXPECT_EQ(third.receive().body.size(), large);
}

TEST_F(ReplyMemoryTest, AReaderThatTakesTooLittleMakesRoomForTheNext) {
  serve_with({.pressed_grace = 100ms, .reply_wait = 60s}, room_for_two);
  auto one = slow_reader(), two = slow_reader();
  ASSERT_TRUE(waiting(2 * large));
  auto third = connect();
  third.send(get("/large"));
  for (int i = 0; i < 1'000 && !third.has_news_within(5ms); ++i) {
    if (one.receive_bytes(10).empty()) break;  // trickles
  }
  EXPECT_EQ(third.receive().body.size(), large);
  EXPECT_GE(server_->stats().short_of_memory_total, 1U);
}

TEST_F(ReplyMemoryTest, PiecesAreMadeAsTheClientTakesThem) {
  serve_with({}, room_for_two);
  auto client = connect(4'096);
  client.send(get("/pieces") + get("/small"));
  EXPECT_TRUE(client.receive(true).says("Transfer-Encoding: chunked\r\n"));
  EXPECT_LT(made_, 1'024);
  EXPECT_EQ(client.receive_chunks().size(), 32U << 20);
  EXPECT_EQ(client.receive().body, "small");
  EXPECT_EQ(budget_->used(), 0U);
}

TEST_F(ReplyMemoryTest, PiecesEndTheConnectionOfAnOldClient) {
  serve_with({}, room_for_two);
  auto client = connect();
  client.send("GET /pieces HTTP/1.0\r\n\r\n");
  const auto got = client.receive(true);
  EXPECT_TRUE(got.says("Connection: close\r\n"));
  EXPECT_FALSE(got.says("Transfer-Encoding"));
  EXPECT_EQ(client.receive_all().size(), 32U << 20);
}

}  // namespace
}  // namespace weir
