#include "tests/transport/http/http_support.hpp"
#include "transport/http/server/http_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answer;
using test::get;

class HttpLimitsTest : public test::server_fixture {
 protected:
  void expect_still_serving() { EXPECT_EQ(ask(get("/alive")).status, 200u); }
};

TEST_F(HttpLimitsTest, StopsReadingFromAClientThatDoesNotReadReplies) {
  handler_.fast =
      [value = bytes(std::string(1'000, 'v'))](const http_request&, http_response& response) {
        response.body = value;
        return true;
      };
  serve({.max_requests = 0});
  auto client = connect(16 * 1024);
  std::string burst;
  for (int i = 0; i < 100; ++i) burst += get("/");
  const std::size_t sent = client.send_until_blocked(burst, 5'000);
  EXPECT_LT(sent, burst.size() * 5'000);
  const auto taken = server_->stats().requests_total;
  EXPECT_LT(taken, sent / get("/").size() + 1);
  expect_still_serving();
  for (std::uint64_t i = 0; i < taken; ++i) ASSERT_EQ(client.receive().body.size(), 1'000u);
}

TEST_F(HttpLimitsTest, ClosesAClientThatNeverReads) {
  handler_.fast = [value = bytes(std::string(8'000'000, 'v')
                   )](const http_request& request, http_response& response) {
    if (request.path == "/large") response.body = value;
    return true;
  };
  serve({.write_timeout = 100ms});
  auto client = connect(16 * 1024);
  client.send(get("/large") + get("/large"));
  EXPECT_TRUE(test::eventually([&] { return server_->stats().timeouts_total == 1; }));
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 0; }));
  expect_still_serving();
}

TEST_F(HttpLimitsTest, ClosesAClientThatReadsTooSlowly) {
  handler_.fast =
      [value = bytes(std::string(64'000'000, 'v'))](const http_request&, http_response& response) {
        response.body = value;
        return true;
      };
  serve({.min_rate = 1'000'000'000, .write_timeout = 100ms, .rate_grace = 100ms});
  auto client = connect(16 * 1024);
  client.send(get("/"));
  while (server_->stats().timeouts_total == 0) {
    if (client.receive_bytes(1'000).empty()) break;
  }
  EXPECT_TRUE(test::eventually([&] { return server_->stats().timeouts_total == 1; }));
}

TEST_F(HttpLimitsTest, ClosesASilentClient) {
  serve({.header_timeout = 50ms});
  auto client = connect();
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(server_->stats().timeouts_total, 1u);
}

TEST_F(HttpLimitsTest, AnswersTimeOutToASlowHeader) {
  serve({.header_timeout = 100ms});
  auto client = connect();
  client.send("GET / HTT");
  EXPECT_EQ(client.receive().status, 408u);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpLimitsTest, DoesNotLetADripOfHeaderBytesExtendTheTime) {
  serve({.header_timeout = 200ms});
  auto client = connect();
  const auto begin = std::chrono::steady_clock::now();
  client.send("GET / HTTP/1.1\r\nX: ");
  while (!client.has_news_within(5ms)) client.send("x");
  EXPECT_EQ(client.receive().status, 408u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(HttpLimitsTest, AnswersTimeOutToABodyThatStopsComing) {
  serve({.body_timeout = 50ms});
  auto client = connect();
  client.send("PUT /k HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\nonly this");
  EXPECT_EQ(client.receive().status, 408u);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpLimitsTest, AnswersTimeOutToAMissingLastChunk) {
  serve({.body_timeout = 50ms});
  auto client = connect();
  client.send("PUT /k HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
  EXPECT_EQ(client.receive().status, 408u);
}

TEST_F(HttpLimitsTest, AnswersTimeOutToABodyBelowTheRate) {
  serve({.body_timeout = 100ms, .rate_grace = 100ms});
  auto client = connect();
  client.send(
      "PUT /k HTTP/1.1\r\nHost: t\r\nContent-Length: 100000\r\n\r\n" + std::string(50, 'x')
  );
  EXPECT_EQ(client.receive().status, 408u);
}

TEST_F(HttpLimitsTest, ClosesAnIdleConnection) {
  serve({.idle_timeout = 50ms});
  auto client = connect();
  EXPECT_EQ(client.send(get("/")).receive().status, 200u);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpLimitsTest, AnswersARequestThatIsCutOffByHalfClose) {
  serve();
  auto client = connect();
  client.send(get("/a") + "GET /b HTTP/1.1\r\nHo");
  client.half_close();
  EXPECT_EQ(client.receive().status, 200u);
  EXPECT_EQ(client.receive().status, 400u);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpLimitsTest, RefusesConnectionsOverTheLimitWithAnAnswer) {
  serve({.max_connections = 2});
  auto first = connect();
  auto second = connect();
  EXPECT_EQ(first.send(get("/")).receive().status, 200u);
  EXPECT_EQ(second.send(get("/")).receive().status, 200u);
  const auto refused = connect().receive();
  EXPECT_EQ(refused.status, 503u);
  EXPECT_TRUE(refused.says("Retry-After: 1\r\n"));
  EXPECT_NE(refused.body.find("\"code\":\"overloaded\""), std::string::npos);
  { const auto closing = std::move(first); }
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 1; }));
  expect_still_serving();
}

TEST_F(HttpLimitsTest, CountsConnectionsPerAddressWhenToldToForLoopback) {
  serve({.max_per_address = 1, .count_loopback = true});
  auto first = connect();
  EXPECT_EQ(first.send(get("/")).receive().status, 200u);
  EXPECT_EQ(connect().receive().status, 503u);
}

TEST_F(HttpLimitsTest, TheOldestSilentConnectionGivesWayToANewOne) {
  serve({.max_connections = 2});
  auto oldest = connect();
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 1; }));
  auto other = connect();
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 2; }));
  EXPECT_EQ(ask(get("/")).status, 200u);
  EXPECT_TRUE(oldest.is_closed());
  EXPECT_EQ(other.send(get("/")).receive().status, 200u);
  EXPECT_EQ(server_->stats().refused_total, 1u);
}

TEST_F(HttpLimitsTest, AnAddressOverItsLimitLosesItsOwnOldestSilentConnection) {
  serve({.max_per_address = 2, .count_loopback = true});
  auto served = connect();
  EXPECT_EQ(served.send(get("/")).receive().status, 200u);
  auto silent = connect();
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 2; }));
  EXPECT_EQ(ask(get("/")).status, 200u);
  EXPECT_TRUE(silent.is_closed());
  EXPECT_EQ(served.send(get("/")).receive().status, 200u);
}

TEST_F(HttpLimitsTest, AThousandSilentConnectionsShutNobodyOut) {
  serve({.max_connections = 64, .max_per_address = 32, .count_loopback = true});
  std::vector<test::raw_client> silent;
  for (int i = 0; i < 300; ++i) {
    silent.push_back(connect());
    if (i % 50 == 49) expect_still_serving();
  }
  EXPECT_LE(server_->stats().connections, 33u);
}

TEST_F(HttpLimitsTest, ExemptsLoopbackFromTheLimitPerAddress) {
  serve({.max_per_address = 1});
  auto first = connect();
  EXPECT_EQ(first.send(get("/")).receive().status, 200u);
  EXPECT_EQ(ask(get("/")).status, 200u);
}

TEST_F(HttpLimitsTest, ServesOthersWhileThousandsStaySilent) {
  serve();
  rlimit descriptors{};
  ::getrlimit(RLIMIT_NOFILE, &descriptors);
  const auto many = std::min<std::size_t>(2'000, descriptors.rlim_cur / 4);
  std::vector<test::raw_client> silent;
  for (std::size_t i = 0; i < many; ++i) silent.push_back(connect());
  expect_still_serving();
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections >= many; }));
}

/// Lowers the limit of descriptors to what is in use now and puts it back.
class descriptor_shortage {
 public:
  descriptor_shortage() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(next);
    ::setrlimit(RLIMIT_NOFILE, &few);
  }

  ~descriptor_shortage() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(HttpLimitsTest, AnswersAndPausesWithoutDescriptors) {
  serve();
  auto client = connect();
  EXPECT_EQ(client.send(get("/")).receive().status, 200u);
  auto refused = test::raw_client::unconnected();
  {
    const descriptor_shortage none_left;
    refused.connect(address_);
    EXPECT_EQ(refused.receive().status, 503u);
    EXPECT_GT(server_->stats().accept_pauses_total, 0u);
    EXPECT_EQ(client.send(get("/still")).receive().status, 200u);
  }
  EXPECT_TRUE(remarked("accepting paused"));
  EXPECT_TRUE(test::eventually([&] { return ask(get("/")).status == 200u; }));
}

TEST(HttpPaceTest, JudgesStallsAndAverages) {
  http_pace pace;
  const http_pace::time_point start{};
  pace.start(start);
  EXPECT_FALSE(pace.too_slow(start + 29s, 30s, 30s, 1024));
  EXPECT_TRUE(pace.too_slow(start + 30s, 30s, 60s, 1024));
  pace.move(30 * 1024, start + 20s);
  EXPECT_FALSE(pace.too_slow(start + 30s, 30s, 30s, 1024));
  pace.move(1, start + 40s);
  EXPECT_TRUE(pace.too_slow(start + 41s, 30s, 30s, 1024));
}

}  // namespace
}  // namespace weir
