#include "tests/transport/http/http_support.hpp"

#include <weir/transport/http_client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace weir {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

/// A server that says exactly what a test gives it: one script entry per connection.
class scripted_server {
 public:
  explicit scripted_server(std::vector<std::string> answers)
      : acceptor_(context_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)),
        answers_(std::move(answers)) {
    thread_ = std::thread([this] { run(); });
  }

  ~scripted_server() { thread_.join(); }

  std::string url(std::string_view path = "/") const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) +
           std::string(path);
  }

  int connections() const { return connections_; }

 private:
  void run() {
    for (const auto& text : answers_) {
      tcp::socket socket(context_);
      acceptor_.accept(socket);
      ++connections_;
      error_code ignored;
      std::string request;
      asio::read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n", ignored);
      asio::write(socket, asio::buffer(text), ignored);
      socket.shutdown(tcp::socket::shutdown_send, ignored);
      std::string rest;
      asio::read(socket, asio::dynamic_buffer(rest), ignored);
    }
  }

  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::vector<std::string> answers_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

std::chrono::steady_clock::time_point in(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}

class HttpClientTest : public test::server_fixture {
 protected:
  std::string url(std::string_view path) const { return "http://" + address_ + std::string(path); }

  std::future<result<http_client_response>> send(http_client& client, http_client_request request) {
    auto work = client.async_request(std::move(request));
    return asio::co_spawn(caller_.front(), std::move(work), asio::use_future);
  }

  test::loop_threads caller_;
};

TEST_F(HttpClientTest, GetsABodyWithItsFields) {
  handler_.fast = [](const http_request& request, http_response& response) {
    response.add("ETag", "\"7\"");
    response.body = bytes(request.header("x-name").value_or("none"));
    return true;
  };
  serve();
  const auto got = http_fetch({.url = url("/a?b=c"), .fields = {{"X-Name", "Ada"}}});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 200u);
  EXPECT_EQ(got->body, "Ada");
  EXPECT_EQ(got->header("etag"), "\"7\"");
  EXPECT_EQ(got->header("absent"), std::nullopt);
}

TEST_F(HttpClientTest, SendsABody) {
  serve();
  const std::string large(300'000, 'z');
  const auto got = http_fetch({.method = http_method::put, .url = url("/k"), .body = bytes(large)});
  EXPECT_EQ(got.value().body, "PUT /k  " + large);
}

TEST_F(HttpClientTest, ReusesAConnection) {
  serve({}, 2);
  http_client client(caller_.loops());
  for (int i = 0; i < 5; ++i) {
    http_client_request request{.url = url("/")};
    EXPECT_EQ(send(client, request).get().value().status, 200u);
  }
  EXPECT_EQ(server_->stats().accepted_total, 1u);
}

TEST_F(HttpClientTest, WorksFromALoopThatIsNotItsOwn) {
  serve();
  test::loop_threads own(2);
  http_client client(own.loops());
  for (int i = 0; i < 4; ++i) {
    http_client_request request{.url = url("/" + std::to_string(i))};
    EXPECT_EQ(send(client, request).get().value().status, 200u);
  }
}

TEST_F(HttpClientTest, OpensANewConnectionWhenTheKeptOneWasClosed) {
  serve({.max_requests = 3, .idle_timeout = 50ms});
  http_client client(caller_.loops());
  for (int i = 0; i < 3; ++i) {
    http_client_request request{.url = url("/")};
    EXPECT_EQ(send(client, request).get().value().status, 200u);
    EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 0; }));
  }
  EXPECT_EQ(server_->stats().accepted_total, 3u);
}

TEST(HttpClientRetryTest, RepeatsAGetOnceWhenTheKeptConnectionDiesUnheard) {
  asio::io_context context;
  tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  std::atomic<int> connections{0};
  std::thread server([&] {
    const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    std::string request;
    tcp::socket first = acceptor.accept();
    ++connections;
    asio::read_until(first, asio::dynamic_buffer(request), "\r\n\r\n");
    asio::write(first, asio::buffer(ok));
    request.clear();
    asio::read_until(first, asio::dynamic_buffer(request), "\r\n\r\n");
    first.close();
    tcp::socket second = acceptor.accept();
    ++connections;
    request.clear();
    asio::read_until(second, asio::dynamic_buffer(request), "\r\n\r\n");
    asio::write(second, asio::buffer(ok));
    request.clear();
    asio::read_until(second, asio::dynamic_buffer(request), "\r\n\r\n");
    second.close();
  });
  test::loop_threads loops;
  http_client client(loops.loops());
  const std::string url =
      "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()) + "/";
  const auto send = [&](http_method method) {
    auto work = client.async_request({.method = method, .url = url});
    return asio::co_spawn(loops.front(), std::move(work), asio::use_future).get();
  };
  EXPECT_EQ(send(http_method::get).value().body, "ok");
  EXPECT_EQ(send(http_method::get).value().body, "ok");
  EXPECT_EQ(connections, 2);
  EXPECT_FALSE(send(http_method::put)) << "a PUT may have happened";
  EXPECT_EQ(connections, 2);
  server.join();
}

TEST_F(HttpClientTest, GivesUpAtTheDeadlineWhenNobodyAnswers) {
  asio::io_context context;
  tcp::acceptor black_hole(context, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  const auto begin = std::chrono::steady_clock::now();
  const auto got = http_fetch(
      {.url = "http://127.0.0.1:" + std::to_string(black_hole.local_endpoint().port()) + "/",
       .deadline = in(100ms)}
  );
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), errc::deadline_exceeded);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
}

TEST_F(HttpClientTest, GivesUpAtOnceWhenTheDeadlineHasPassed) {
  serve();
  const auto got = http_fetch({.url = url("/"), .deadline = in(-1ms)});
  EXPECT_EQ(got.error(), errc::deadline_exceeded);
  EXPECT_EQ(server_->stats().requests_total, 0u);
}

TEST_F(HttpClientTest, WaitsForAPlaceNoLongerThanItsDeadline) {
  asio::io_context context;
  tcp::acceptor black_hole(context, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
  const std::string target =
      "http://127.0.0.1:" + std::to_string(black_hole.local_endpoint().port()) + "/";
  http_client client(caller_.loops(), {.max_per_host = 1});
  auto first = send(client, {.url = target, .deadline = in(400ms)});
  auto second = send(client, {.url = target, .deadline = in(50ms)});
  EXPECT_EQ(second.get().error(), errc::deadline_exceeded);
  EXPECT_EQ(first.wait_for(0s), std::future_status::timeout);
  EXPECT_EQ(first.get().error(), errc::deadline_exceeded);
}

TEST_F(HttpClientTest, HandsAPlaceToTheNextInLine) {
  serve();
  http_client client(caller_.loops(), {.max_per_host = 2});
  std::vector<std::future<result<http_client_response>>> answers;
  for (int i = 0; i < 20; ++i)
    answers.push_back(send(client, {.url = url("/" + std::to_string(i))}));
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(answers[i].get().value().body, "GET /" + std::to_string(i) + "  ");
  EXPECT_LE(server_->stats().accepted_total, 2u);
}

TEST_F(HttpClientTest, SaysWhenItIsRefused) {
  std::string target;
  {
    asio::io_context context;
    tcp::acceptor closed(context, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    target = "http://127.0.0.1:" + std::to_string(closed.local_endpoint().port()) + "/";
  }
  EXPECT_EQ(http_fetch({.url = target}).error(), asio::error::connection_refused);
}

TEST_F(HttpClientTest, StopsAtTheCapWhateverTheFraming) {
  const std::string body(2'000, 'x');
  const std::vector<std::string> answers = {
      "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + body,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + body + "\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\n\r\n" + body,
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
  };
  scripted_server server(answers);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(http_fetch({.url = server.url()}, {.max_response = 1'000}).error(), errc::too_large)
        << i;
  }
}

TEST_F(HttpClientTest, ReadsEveryFraming) {
  const std::vector<std::string> answers = {
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x\r\ndy\r\n0\r\nT: "
      "x\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\nbody",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 "
      "OK\r\nContent-Length: 4\r\n\r\nbody",
      "HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nbody",
  };
  scripted_server server(answers);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto got = http_fetch({.url = server.url()});
    ASSERT_TRUE(got) << i << got.error().message();
    EXPECT_EQ(got->body, "body") << i;
  }
}

TEST_F(HttpClientTest, TakesNoBodyWithHeadAnd304) {
  scripted_server server(
      {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
       "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\nContent-Length: 10\r\n\r\n"}
  );
  const auto head = http_fetch({.method = http_method::head, .url = server.url()});
  EXPECT_EQ(head.value().header("content-length"), "10");
  const auto unchanged = http_fetch({.url = server.url(), .fields = {{"If-None-Match", "\"1\""}}});
  EXPECT_EQ(unchanged.value().status, 304u);
  EXPECT_EQ(unchanged.value().body, "");
}

TEST_F(HttpClientTest, DoesNotFollowRedirects) {
  scripted_server server(
      {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"}
  );
  EXPECT_EQ(http_fetch({.url = server.url()}).value().status, 302u);
}

TEST_F(HttpClientTest, SaysWhenAnAnswerIsCutOff) {
  const std::vector<std::string> answers = {
      "",
      "HTTP/1.1 20",
      "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"};
  scripted_server server(answers);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(http_fetch({.url = server.url()}).error(), asio::error::eof) << i;
  }
}

TEST_F(HttpClientTest, RefusesWhatIsNotHttp) {
  const std::vector<std::string> answers = {
      "SSH-2.0-OpenSSH_9.2\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.1 999 No\r\n\r\n",
      "HTTP/1.1 200 OK\nA: b\n\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
      "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n"};
  scripted_server server(answers);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    EXPECT_EQ(http_fetch({.url = server.url()}).error(), errc::protocol) << i;
  }
}

TEST_F(HttpClientTest, RefusesRequestsThatWouldNotReadBackAsSent) {
  serve();
  for (const auto& fields : std::vector<std::vector<std::pair<std::string, std::string>>>{
           {{"A\r\nB", "x"}},
           {{"A", "x\r\nB: y"}},
           {{"", "x"}},
           {{"Host", "x"}},
           {{"content-length", "1"}}}) {
    EXPECT_EQ(http_fetch({.url = url("/"), .fields = fields}).error(), errc::bad_request);
  }
}

TEST_F(HttpClientTest, RefusesUrlsItCannotRead) {
  for (const char* bad :
       {"",
        "httpss://a/",
        "https:/a/",
        "ftp://a/",
        "http://",
        "http:///x",
        "http://u:p@h/",
        "http://h:0/",
        "http://h:70000/",
        "http://h/a b",
        "http://h/a#b",
        "http://h/\r\n",
        "http://::1/",
        "http://[::1/",
        "http://[h]/",
        "http://h:/",
        "http://a..b/",
        "http://127.1/",
        "http://[fe80::1%25eth0]/",
        "http://h:80x/"}) {
    EXPECT_FALSE(parse_http_url(bad)) << bad;
  }
}

TEST_F(HttpClientTest, ReadsUrls) {
  EXPECT_EQ(parse_http_url("http://h").value().target, "/");
  EXPECT_EQ(parse_http_url("HTTP://h?x=1").value().target, "/?x=1");
  EXPECT_EQ(parse_http_url("http://h/a?b").value().server, (host_port{"h", 80}));
  EXPECT_EQ(parse_http_url("http://[::1]:81/").value().server, (host_port{"::1", 81}));
  EXPECT_EQ(parse_http_url("http://[::1]/").value().server, (host_port{"::1", 80}));
  EXPECT_EQ(parse_http_url("https://h/a").value().server, (host_port{"h", 443}));
  EXPECT_EQ(parse_http_url("http://h.test./").value().server, (host_port{"h.test.", 80}));
  EXPECT_TRUE(parse_http_url("https://h/a").value().is_https);
}

TEST_F(HttpClientTest, FindsNamesInTheHostsFile) {
  serve();
  const auto port = address_.substr(address_.rfind(':'));
  const auto got = http_fetch({.url = "http://localhost" + port + "/"});
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 200u);
}

}  // namespace
}  // namespace weir
