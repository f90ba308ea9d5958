#include "tests/transport/http/http_support.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <stdexcept>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::get;

class HttpServerTest : public test::server_fixture {};

bool answer_path(const http_request& request, http_response& response) {
  response.body = bytes(request.path);
  return true;
}

TEST_F(HttpServerTest, AnswersFromTheFastPath) {
  handler_.fast = answer_path;
  serve();
  const auto got = ask(get("/v1/users/42"));
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.body, "/v1/users/42");
  EXPECT_TRUE(got.says("Content-Length: 12\r\n"));
  EXPECT_FALSE(got.says("Connection"));
}

TEST_F(HttpServerTest, AnswersFromTheAsynchronousPath) {
  serve();
  EXPECT_EQ(ask(get("/a?x=1")).body, "GET /a x=1 ");
}

TEST_F(HttpServerTest, KeepsTheConnectionAndTheOrderOfPipelinedRequests) {
  handler_.fast = [](const http_request& request, http_response& response) {
    return request.path == "/fast" && answer_path(request, response);
  };
  serve();
  auto client = connect();
  client.send(get("/slow1") + get("/fast") + get("/slow2") + get("/fast"));
  EXPECT_EQ(client.receive().body, "GET /slow1  ");
  EXPECT_EQ(client.receive().body, "/fast");
  EXPECT_EQ(client.receive().body, "GET /slow2  ");
  EXPECT_EQ(client.receive().body, "/fast");
}

TEST_F(HttpServerTest, TakesARequestByteByByte) {
  serve();
  auto client = connect();
  for (const char c : get("/drip")) client.send({&c, 1});
  EXPECT_EQ(client.receive().body, "GET /drip  ");
}

TEST_F(HttpServerTest, LeavesTheBodyOutForHead) {
  handler_.fast = answer_path;
  serve();
  auto client = connect();
  client.send("HEAD /four HTTP/1.1\r\nHost: t\r\n\r\n" + get("/next"));
  const auto got = client.receive(true);
  EXPECT_TRUE(got.says("Content-Length: 5\r\n"));
  EXPECT_EQ(client.receive().body, "/next");
}

TEST_F(HttpServerTest, LeavesLengthAndBodyOutFor304And204) {
  handler_.fast = [](const http_request& request, http_response& response) {
    response.status = request.path == "/304" ? 304 : 204;
    response.body = "never sent";
    return true;
  };
  serve();
  auto client = connect();
  client.send(get("/304") + get("/204"));
  const auto unchanged = client.receive();
  EXPECT_EQ(unchanged.status, 304u);
  EXPECT_FALSE(unchanged.says("Content-Length"));
  EXPECT_EQ(client.receive().status, 204u);
}

TEST_F(HttpServerTest, SendsLargeValuesBetweenSmallOnes) {
  const std::string large(3'000'000, 'x');
  handler_.fast = [value = bytes(large)](const http_request& request, http_response& response) {
    response.body = request.path == "/large" ? value : bytes("small");
    return true;
  };
  serve();
  auto client = connect();
  client.send(get("/small") + get("/large") + get("/large") + get("/small"));
  EXPECT_EQ(client.receive().body, "small");
  EXPECT_EQ(client.receive().body, large);
  EXPECT_EQ(client.receive().body, large);
  EXPECT_EQ(client.receive().body, "small");
}

TEST_F(HttpServerTest, ReadsBodiesOfAnySizeUpToTheLimit) {
  serve({.max_body = 1'000'000});
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{5'000}, std::size_t{1'000'000}}) {
    const std::string body(size, 'b');
    auto client = connect();
    client.send(
        "PUT /k HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
        body + get("/next")
    );
    EXPECT_EQ(client.receive().body, "PUT /k  " + body);
    EXPECT_EQ(client.receive().body, "GET /next  ");
  }
}

TEST_F(HttpServerTest, ReadsChunkedBodiesSplitAnywhere) {
  serve();
  const std::string request =
      "PUT /k HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4;name=value\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    auto client = connect();
    client.send(std::string_view(request).substr(0, cut))
        .send(std::string_view(request).substr(cut))
        .send(get("/n"));
    EXPECT_EQ(client.receive().body, "PUT /k  Wikipedia") << cut;
    EXPECT_EQ(client.receive().body, "GET /n  ") << cut;
  }
}

TEST_F(HttpServerTest, SaysContinueOnlyForABodyItWillTake) {
  serve({.max_body = 10});
  auto client = connect();
  client.send("PUT /k HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 100u);
  client.send("body");
  EXPECT_EQ(client.receive().body, "PUT /k  body");
  client.send("PUT /k HTTP/1.1\r\nHost: t\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive().status, 413u);
}

TEST_F(HttpServerTest, AsksTheHandlerForTheLimitOfABody) {
  handler_.body_cap = 3;
  serve();
  EXPECT_EQ(ask("PUT /k HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\n\r\nabc").status, 200u);
  EXPECT_EQ(ask("PUT /k HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\n").status, 413u);
}

TEST_F(HttpServerTest, ClosesAfterAnHttp10RequestUnlessAskedToStay) {
  serve();
  auto client = connect();
  client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.receive().says("Connection: keep-alive\r\n"));
  client.send("GET /b HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(client.receive().says("Connection: close\r\n"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, SaysCloseOnTheLastOfTooManyRequests) {
  serve({.max_requests = 2});
  auto client = connect();
  client.send(get("/1") + get("/2") + get("/3"));
  EXPECT_FALSE(client.receive().says("Connection: close"));
  EXPECT_TRUE(client.receive().says("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, AnswersARequestFollowedByHalfClose) {
  serve();
  auto client = connect();
  client.send(get("/a") + get("/b"));
  client.half_close();
  EXPECT_EQ(client.receive().body, "GET /a  ");
  EXPECT_EQ(client.receive().body, "GET /b  ");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, SurvivesResetsInEveryPhase) {
  handler_.slow = [this](const http_request&) -> asio::awaitable<http_response> {
    asio::steady_timer timer(threads_->front(), 20ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return http_response(200, "late");
  };
  serve();
  connect().reset();
  for (const char* part :
       {"G",
        "GET /a HTTP/1.1\r\nHo",
        "PUT /a HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nab"}) {
    auto client = connect();
    client.send(part);
    client.reset();
  }
  auto waiting = connect();
  waiting.send(get("/a"));
  waiting.reset();
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 0; }));
  EXPECT_EQ(ask(get("/a")).body, "late");
}

TEST_F(HttpServerTest, TurnsExceptionsIntoAnswers) {
  handler_.fast = [](const http_request& request, http_response&) -> bool {
    if (request.path == "/fast") throw std::runtime_error("broken");
    if (request.path == "/memory") throw std::bad_alloc();
    return false;
  };
  handler_.slow = [](const http_request&) -> asio::awaitable<http_response> {
    throw std::runtime_error("broken later");
    co_return http_response();
  };
  serve();
  auto client = connect();
  client.send(get("/fast") + get("/memory") + get("/slow"));
  EXPECT_EQ(client.receive().status, 500u);
  EXPECT_EQ(client.receive().status, 503u);
  const auto late = client.receive();
  EXPECT_EQ(late.status, 500u);
  EXPECT_NE(late.body.find("broken later"), std::string::npos);
}

TEST_F(HttpServerTest, KeepsOneSessionPerConnection) {
  handler_.fast = [](const http_request& request, http_response& response) {
    auto& state = request.session->state;
    if (!state) state = std::make_shared<int>(0);
    response.body =
        bytes(std::to_string(++*std::static_pointer_cast<int>(state)) + request.session->remote);
    return true;
  };
  serve({}, 2);
  auto first = connect();
  EXPECT_EQ(first.send(get("/")).receive().body, "1127.0.0.1");
  EXPECT_EQ(first.send(get("/")).receive().body, "2127.0.0.1");
  EXPECT_EQ(connect().send(get("/")).receive().body, "1127.0.0.1");
}

TEST_F(HttpServerTest, GivesTheDeadlineOfWeirTimeout) {
  handler_.fast = [](const http_request& request, http_response& response) {
    response.body = bytes(std::to_string((request.deadline - request.arrived) / 1ms));
    return true;
  };
  serve({.max_timeout = 10s});
  EXPECT_EQ(ask(get("/")).body, "5000");
  EXPECT_EQ(ask(get("/", "Weir-Timeout: 250ms\r\n")).body, "250");
  EXPECT_EQ(ask(get("/", "weir-timeout: 1m\r\n")).body, "10000");
  EXPECT_EQ(ask(get("/", "Weir-Timeout: 1h30m\r\n")).body, "10000");
  EXPECT_EQ(ask(get("/", "Weir-Timeout: 99999999999s\r\n")).body, "10000");
  for (const char* bad : {"0s", "5", "-1s", "1m1h", "s", "1w", "1 s", "99999999999999999999s"}) {
    EXPECT_EQ(ask(get("/", "Weir-Timeout: " + std::string(bad) + "\r\n")).status, 400u) << bad;
  }
}

TEST_F(HttpServerTest, KeepsTextFromOutsideFromStartingAField) {
  handler_.fast = [](const http_request&, http_response& response) {
    response.add("Content-Type", "text/plain\r\nEvil: yes");
    return true;
  };
  serve();
  EXPECT_TRUE(ask(get("/")).says("Content-Type: text/plain  Evil: yes\r\n"));
}

TEST_F(HttpServerTest, NamesThePortThatIsTaken) {
  serve();
  http_server second(threads_->loops(), {}, handler_);
  const auto taken = second.listen(address_);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, boost::system::errc::address_in_use);
  EXPECT_NE(taken.error().text.find(address_), std::string::npos);
  EXPECT_THROW(taken.value(), boost::system::system_error);
}

TEST_F(HttpServerTest, RefusesAddressesItCannotRead) {
  serve();
  for (const char* bad :
       {"", "127.0.0.1", "example.org:80", "127.0.0.1:99999", "::1:80", "1.2.3.4:5:6"}) {
    EXPECT_FALSE(server_->listen(bad)) << bad;
  }
  EXPECT_TRUE(server_->listen("localhost:0"));
}

TEST_F(HttpServerTest, DrainsInFlightRequestsAndIdleConnections) {
  std::promise<void> begun;
  handler_.slow = [&](const http_request&) -> asio::awaitable<http_response> {
    begun.set_value();
    asio::steady_timer timer(threads_->front(), 50ms);
    co_await timer.async_wait(asio::use_awaitable);
    co_return http_response(200, "finished");
  };
  serve({.header_timeout = 200ms});
  auto busy = connect();
  auto idle = connect();
  busy.send(get("/"));
  begun.get_future().wait();
  std::promise<void> drained;
  server_->drain(std::chrono::steady_clock::now() + 10s, [&] { drained.set_value(); });
  const auto last = busy.receive();
  EXPECT_EQ(last.body, "finished");
  EXPECT_TRUE(last.says("Connection: close"));
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(busy.is_closed());
  { const auto closing = std::move(busy); }
  EXPECT_EQ(drained.get_future().wait_for(8s), std::future_status::ready);
  EXPECT_EQ(server_->stats().connections, 0u);
}

TEST_F(HttpServerTest, CutsWhatIsLeftAtTheDrainDeadline) {
  std::promise<void> begun;
  handler_.slow = [&](const http_request&) -> asio::awaitable<http_response> {
    begun.set_value();
    asio::steady_timer timer(threads_->front(), 60s);
    co_await timer.async_wait(asio::use_awaitable);
    co_return http_response();
  };
  serve();
  auto busy = connect();
  busy.send(get("/"));
  begun.get_future().wait();
  std::promise<void> drained;
  server_->drain(std::chrono::steady_clock::now() + 50ms, [&] { drained.set_value(); });
  EXPECT_EQ(drained.get_future().wait_for(8s), std::future_status::ready);
  EXPECT_TRUE(busy.is_closed());
}

TEST_F(HttpServerTest, StopClosesEverythingAndFreesThePort) {
  serve({}, 2);
  auto client = connect();
  EXPECT_EQ(client.send(get("/")).receive().status, 200u);
  server_->stop();
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(test::eventually([&] {
    http_server second(threads_->loops(), {}, handler_);
    return static_cast<bool>(second.listen(address_));
  }));
}

}  // namespace
}  // namespace weir
