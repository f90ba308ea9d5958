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
  /// Sends `text` and expects one answer with `status` that is the last of its connection.
  void expect_refused(const std::string& text, unsigned status) {
    SCOPED_TRACE(text.substr(0, 120));
    auto client = connect();
    client.send(text);
    const answer got = client.receive();
    EXPECT_EQ(got.status, status);
    EXPECT_TRUE(got.says("Connection: close\r\n"));
    EXPECT_TRUE(got.says("Content-Type: application/problem+json\r\n"));
    EXPECT_NE(got.body.find("\"status\":" + std::to_string(status)), std::string::npos) << got.body;
    EXPECT_TRUE(client.is_closed());
  }

  void expect_still_serving() { EXPECT_EQ(ask(get("/alive")).status, 200u); }
};

TEST_F(HttpLimitsTest, RefusesAmbiguousLengths) {
  serve();
  const std::string put = "PUT /k HTTP/1.1\r\nHost: t\r\n";
  for (const char* fields :
       {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5a\r\n",
        "Content-Length: \r\n",
        "Content-Length: 1 0\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    expect_refused(put + fields + "\r\nbody", 400);
  }
  expect_refused(put + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
  expect_refused(put + "Transfer-Encoding: chunkedx\r\n\r\n", 501);
  expect_refused("PUT /k HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  expect_still_serving();
}

TEST_F(HttpLimitsTest, RefusesBodiesOverTheLimitBeforeTheyCome) {
  serve();
  const std::string put = "PUT /k HTTP/1.1\r\nHost: t\r\n";
  expect_refused(put + "Content-Length: 67108865\r\n\r\n", 413);
  expect_refused(put + "Content-Length: 1099511627776\r\n\r\n", 413);
  expect_refused(put + "Content-Length: 18446744073709551616\r\n\r\n", 413);
  expect_refused(put + "Content-Length: 1099511627776\r\nExpect: 100-continue\r\n\r\n", 413);
  expect_still_serving();
}

TEST_F(HttpLimitsTest, RefusesBadChunks) {
  serve({.max_body = 1'000});
  const std::string put = "PUT /k HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  expect_refused(put + "10000000000000000\r\n", 413);
  expect_refused(put + "ffffffffffffffff\r\n", 413);
  expect_refused(put + "3e9\r\n", 413);
  expect_refused(put + "3e8\r\n" + std::string(1'000, 'x') + "\r\n1\r\n", 413);
  expect_refused(put + "-1\r\n", 400);
  expect_refused(put + "0x5\r\n", 400);
  expect_refused(put + "\r\n", 400);
  expect_refused(put + "zz\r\n", 400);
  expect_refused(put + "5 junk\r\n", 400);
  expect_refused(put + "2\r\nabc\r\n", 400);
  expect_refused(put + "2\nab\r\n", 400);
  expect_refused(put + "2;" + std::string(1 << 20, 'e'), 400);
  expect_refused(put + "0\r\nbad trailer\r\n\r\n", 400);
  expect_refused(put + "0\r\n" + std::string(10'000, 't'), 400);
  expect_still_serving();
}

TEST_F(HttpLimitsTest, RefusesHeadersOverTheLimit) {
  serve();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "a: b\r\n";
  expect_refused(get("/", many), 431);
  std::string sixty_five;
  for (int i = 0; i < 64; ++i) sixty_five += "a: b\r\n";
  expect_refused(get("/", sixty_five), 431);
  expect_refused(get("/", "X: " + std::string(8'192, 'x') + "\r\n"), 431);
  expect_refused("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), 431);
  expect_refused("GET /" + std::string(8'192, 'x') + " HTTP/1.1\r\nHost: t\r\n\r\n", 414);
  expect_refused("GET /?" + std::string(30'000, 'x'), 414);
  expect_refused(std::string(1 << 20, 'M'), 400);
  EXPECT_EQ(ask(get("/" + std::string(8'190, 'x'))).status, 200u);
  EXPECT_EQ(ask(get("/", "X: " + std::string(8'000, 'x') + "\r\n")).status, 200u);
  expect_still_serving();
}

TEST_F(HttpLimitsTest, RefusesMalformedHeads) {
  serve();
  for (const std::string text :
       {"GET / HTTP/1.1\r\nHost: t\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\n folded: x\r\nHost: t\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : t\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET / HTTP/1.1\r\n: t\r\n\r\n",
        "GET / HTTP/1.1\nHost: t\n\n",
        "GET / HTTP/1.1\r\nHost: t\n\r\n",
        "GET / HTTP/1.1\r\nHost: t\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: t\r\nN\xC3\xA9: x\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET / a HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET\t/\tHTTP/1.1\r\nHost: t\r\n\r\n",
        "GET / http/1.1\r\nHost: t\r\n\r\n",
        "GET / HTTP/11\r\nHost: t\r\n\r\n",
        "GET key HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: t\r\n\r\n",
        "G@T / HTTP/1.1\r\n\r\n",
        "GET http://other/ HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET https://t/ HTTP/1.1\r\nHost: t\r\n\r\n"}) {
    expect_refused(text, 400);
  }
  const std::string nul(1, '\0');
  expect_refused("GET / HTTP/1.1\r\nHost: t\r\nX: a" + nul + "b\r\n\r\n", 400);
  expect_refused("GET /" + nul + " HTTP/1.1\r\nHost: t\r\n\r\n", 400);
  expect_still_serving();
}

TEST_F(HttpLimitsTest, RefusesUnknownMethodsAndVersions) {
  serve();
  for (const char* method : {"BREW", "get", "TRACE", "CONNECT", "GETT"}) {
    expect_refused(std::string(method) + " / HTTP/1.1\r\nHost: t\r\n\r\n", 405);
  }
  expect_refused("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", 405);
  expect_refused("GET / HTTP/9.9\r\nHost: t\r\n\r\n", 505);
  expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
  expect_refused(get("/", "Expect: miracle\r\n"), 417);
  EXPECT_EQ(ask("GET http://t/a HTTP/1.1\r\nHost: T\r\n\r\n").body, "GET /a  ");
  EXPECT_EQ(ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n").body, "OPTIONS *  ");
  EXPECT_EQ(ask("\r\n" + get("/a")).body, "GET /a  ");
}

TEST_F(HttpLimitsTest, IgnoresUpgradesItDoesNotKnow) {
  serve();
  auto client = connect();
  client.send(
      get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n")
  );
  EXPECT_EQ(client.receive().status, 200u);
  client.send(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_EQ(client.receive().status, 200u);
}

TEST_F(HttpLimitsTest, ClosesAndNamesOtherProtocols) {
  serve();
  for (const std::string& first :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), std::string("*1\r\n$4\r\nPING\r\n")}) {
    auto client = connect();
    client.send(first);
    EXPECT_EQ(client.receive_all(), "");
  }
  EXPECT_TRUE(remarked("127.0.0.1: closed, it speaks TLS"));
  EXPECT_TRUE(remarked("127.0.0.1: closed, it speaks RESP"));
  expect_still_serving();
}

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

TEST_F(HttpLimitsTest, SaysThatHttp2IsNotSpokenHere) {
  serve();
  EXPECT_EQ(ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 505u);
  EXPECT_TRUE(remarked("it speaks HTTP/2"));
}

TEST_F(HttpLimitsTest, TitlesAreSpeltAlike) {
  serve();
  EXPECT_NE(
      ask("GET / a HTTP/1.1\r\n\r\n").body.find("\"title\":\"Bad request\""), std::string::npos
  );
  EXPECT_NE(
      ask("GET /?" + std::string(30'000, 'x')).body.find("\"title\":\"URI too long\""),
      std::string::npos
  );
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
