// An origin that moves, half dies, or has a name in a rare form.
#include "tests/transport/http/http_support.hpp"
#include "transport/http/client/http_exchange.hpp"
#include "transport/net/connect_race.hpp"

#include <weir/engine/errc.hpp>
#include <weir/transport/http_client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <mutex>
#include <sys/socket.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;

std::string head_of(const std::string& url) {
  return write_http_request({.url = url}, parse_http_url(url).value()).value();
}

TEST(HttpHostTest, IsWrittenAsInTheUrl) {
  EXPECT_NE(head_of("http://[::1]/a").find("Host: [::1]\r\n"), std::string::npos);
  EXPECT_NE(head_of("http://[::1]:80/a").find("Host: [::1]\r\n"), std::string::npos);
  EXPECT_NE(head_of("https://[2001:db8::1]/a").find("Host: [2001:db8::1]\r\n"), std::string::npos);
  EXPECT_NE(head_of("http://[::1]:8080/a").find("Host: [::1]:8080\r\n"), std::string::npos);
  EXPECT_NE(head_of("https://[::1]:80/a").find("Host: [::1]:80\r\n"), std::string::npos);
  EXPECT_NE(head_of("http://10.0.0.1/a").find("Host: 10.0.0.1\r\n"), std::string::npos);
  EXPECT_NE(head_of("http://h.test./a").find("Host: h.test.\r\n"), std::string::npos);
}

TEST(HostNameTest, TakesNamesAndNoOddNumbers) {
  for (const char* good :
       {"h", "a.b", "a.b.", "my_host", "a-b.c1", "1a", "1.2.3.4.example", "xn--a"})
    EXPECT_TRUE(is_host_name(good)) << good;
  const std::string long_label = std::string(64, 'a') + ".test";
  for (const char* bad :
       {"",
        ".",
        "..",
        "a..b",
        ".a",
        "-a",
        "a b",
        "a!",
        "127.1",
        "127.1.",
        "0x7f000001",
        "a.0x1",
        "[::1]",
        "::1",
        long_label.c_str()})
    EXPECT_FALSE(is_host_name(bad)) << bad;
}

/// Answers requests on each connection until it is frozen; from then on only those on new ones.
class freezing_server {
 public:
  freezing_server() { asio::co_spawn(loops_.front(), accept(), asio::detached); }

  ~freezing_server() { loops_.stop(); }

  std::string url() const {
    return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + "/";
  }

  /// The first so many requests are answered together, so that each takes a connection.
  void hold_until(std::size_t requests) {
    const std::lock_guard lock(mutex_);
    together_ = requests;
  }

  void freeze() {
    const std::lock_guard lock(mutex_);
    ++frozen_;
  }

  int connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      error_code failed;
      auto token = asio::redirect_error(asio::use_awaitable, failed);
      auto socket = std::make_shared<tcp::socket>(co_await acceptor_.async_accept(token));
      if (failed) co_return;
      int born = 0;
      {
        const std::lock_guard lock(mutex_);
        ++connections_;
        born = frozen_;
      }
      asio::co_spawn(loops_.front(), serve(socket, born), asio::detached);
    }
  }

  asio::awaitable<void> serve(std::shared_ptr<tcp::socket> socket, int born) {
    std::string request;
    for (;;) {
      error_code failed;
      auto token = asio::redirect_error(asio::use_awaitable, failed);
      auto buffer = asio::dynamic_buffer(request);
      const auto size = co_await asio::async_read_until(*socket, buffer, "\r\n\r\n", token);
      if (failed) co_return;
      request.erase(0, size);
      std::vector<std::shared_ptr<tcp::socket>> to;
      {
        const std::lock_guard lock(mutex_);
        if (born != frozen_) continue;
        waiting_.push_back(socket);
        if (waiting_.size() >= together_) {
          to.swap(waiting_);
          together_ = 0;
        }
      }
      static const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
      for (const auto& each : to) {
        auto bytes = asio::buffer(ok);
        co_await asio::async_write(*each, bytes, token);
      }
    }
  }

  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<tcp::socket>> waiting_;
  std::size_t together_ = 0;
  int frozen_ = 0;
  int connections_ = 0;
  test::loop_threads loops_;
  tcp::acceptor acceptor_{loops_.front(), {asio::ip::address_v4::loopback(), 0}};
};

class HttpMovesTest : public ::testing::Test {
 protected:
  std::future<result<http_client_response>> start(
      http_client& client, std::chrono::milliseconds most = 10s, std::size_t loop = 0
  ) {
    auto work = client.async_request({.url = server_.url(), .deadline = clock::now() + most});
    return asio::co_spawn(*loops_.loops()[loop], std::move(work), asio::use_future);
  }

  freezing_server server_;
  test::loop_threads loops_{2};
};

TEST_F(HttpMovesTest, AHostThatFellSilentCostsOneTimeOut) {
  http_client client(loops_.loops());
  server_.hold_until(5);
  std::vector<std::future<result<http_client_response>>> all;
  for (int i = 0; i != 5; ++i) all.push_back(start(client));
  for (auto& each : all) EXPECT_TRUE(each.get());
  EXPECT_EQ(server_.connections(), 5);
  server_.freeze();
  EXPECT_EQ(start(client, 100ms).get().error(), errc::deadline_exceeded);
  for (int i = 0; i != 5; ++i) {
    const auto answer = start(client, 10s).get();
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->body, "ok");
  }
  EXPECT_EQ(server_.connections(), 6);
}

TEST_F(HttpMovesTest, TheTimeOutOfOneLoopIsALessonToAll) {
  http_client client(loops_.loops());
  for (const std::size_t loop : {0, 1}) EXPECT_TRUE(start(client, 10s, loop).get());
  EXPECT_EQ(server_.connections(), 2);
  server_.freeze();
  EXPECT_EQ(start(client, 100ms, 0).get().error(), errc::deadline_exceeded);
  EXPECT_TRUE(start(client, 10s, 1).get());
  EXPECT_TRUE(start(client, 10s, 0).get());
}

TEST_F(HttpMovesTest, AConnectionIsUsedNoLongerThanItsAge) {
  http_client young(loops_.loops(), {.connection_age = 0ms});
  for (int i = 0; i != 3; ++i) EXPECT_TRUE(start(young).get());
  EXPECT_EQ(server_.connections(), 3);
  http_client old(loops_.loops());
  for (int i = 0; i != 3; ++i) EXPECT_TRUE(start(old).get());
  EXPECT_EQ(server_.connections(), 4);
}

class ConnectRaceTest : public ::testing::Test {
 protected:
  /// A port where nobody listens.
  static tcp::endpoint refusing() {
    asio::io_context io;
    tcp::acceptor closed(io, {asio::ip::address_v4::loopback(), 0});
    return closed.local_endpoint();
  }

  result<tcp::endpoint> race(
      std::vector<tcp::endpoint> endpoints,
      connect_options options = {.deadline = clock::now() + 10s}
  ) {
    auto run = [](asio::io_context& loop, std::vector<tcp::endpoint> to, connect_options how
               ) -> asio::awaitable<result<tcp::endpoint>> {
      const auto made = std::make_shared<connect_race>(loop.get_executor(), how);
      auto connected = co_await made->run(std::move(to));
      if (!connected) co_return connected.error();
      co_return made->reached();
    };
    auto work = run(loops_.front(), std::move(endpoints), options);
    return asio::co_spawn(loops_.front(), std::move(work), asio::use_future).get();
  }

  asio::io_context io_;
  tcp::acceptor open_{io_, {asio::ip::address_v4::loopback(), 0}};
  test::loop_threads loops_;
};

/// Listens and answers no handshake: its queue is full.
class silent_listener {
 public:
  silent_listener() {
    acceptor_.open(tcp::v4());
    acceptor_.bind({asio::ip::address_v4::loopback(), 0});
    acceptor_.listen(0);
    for (auto& each : fill_) {
      each.open(tcp::v4());
      each.native_non_blocking(true);
      const auto to = acceptor_.local_endpoint();
      ::connect(each.native_handle(), to.data(), static_cast<socklen_t>(to.size()));  // not awaited
    }
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  asio::io_context io_;
  tcp::acceptor acceptor_{io_};
  std::array<tcp::socket, 4> fill_{
      tcp::socket(io_), tcp::socket(io_), tcp::socket(io_), tcp::socket(io_)};
};

TEST_F(ConnectRaceTest, GoesOnAtOnceWhereAnAddressRefuses) {
  const connect_options options{.deadline = clock::now() + 10s, .next_after = 10s};
  EXPECT_EQ(race({refusing(), open_.local_endpoint()}, options).value(), open_.local_endpoint());
}

TEST_F(ConnectRaceTest, GivesASilentAddressCompany) {
  const silent_listener silent;
  const connect_options options{
      .deadline = clock::now() + 10s, .per_address = 10s, .next_after = 20ms};
  const auto got = race({silent.endpoint(), open_.local_endpoint()}, options);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, open_.local_endpoint());
}

TEST_F(ConnectRaceTest, SaysWhatTheLastOneSaid) {
  EXPECT_EQ(race({refusing()}).error(), asio::error::connection_refused);
  EXPECT_EQ(race({refusing(), refusing()}).error(), asio::error::connection_refused);
  EXPECT_EQ(race({}).error(), asio::error::host_not_found);
  const silent_listener silent;
  const connect_options impatient{.deadline = clock::now() + 10s, .per_address = 20ms};
  EXPECT_EQ(race({silent.endpoint()}, impatient).error(), asio::error::timed_out);
}

TEST_F(ConnectRaceTest, EndsAtItsDeadline) {
  const silent_listener silent;
  const connect_options options{.deadline = clock::now() + 50ms};
  EXPECT_EQ(race({silent.endpoint(), silent.endpoint()}, options).error(), errc::deadline_exceeded);
}

TEST_F(ConnectRaceTest, TakesTheFirstOfSeveralThatAnswer) {
  tcp::acceptor other(io_, {asio::ip::address_v4::loopback(), 0});
  EXPECT_EQ(race({open_.local_endpoint(), other.local_endpoint()}).value(), open_.local_endpoint());
}

}  // namespace
}  // namespace weir
