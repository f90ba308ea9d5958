#include "tests/transport/http/http_support.hpp"

#include <weir/engine/errc.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <string>
#include <thread>

namespace weir {
namespace {

using namespace std::chrono_literals;
using asio::ip::udp;
using addresses = std::vector<std::string>;

/// A DNS server on loopback: A records by name, NXDOMAIN for names that begin with "no" and for those
/// of "app" but in corp.test, silence for those that begin with "mute", SERVFAIL and REFUSED for those
/// with "broken" and "refused" in them.
class dns_server {
 public:
  dns_server() : socket_(context_, udp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {
    thread_ = std::thread([this] { run(); });
  }

  ~dns_server() {
    stopping_ = true;
    udp::socket poke(context_, udp::v4());
    poke.send_to(asio::buffer("x", 1), socket_.local_endpoint());
    thread_.join();
  }

  std::string address() const {
    return "127.0.0.1:" + std::to_string(socket_.local_endpoint().port());
  }

  std::atomic<int> questions{0};
  std::atomic<unsigned char> ttl{3};

 private:
  void run() {
    std::array<char, 512> packet;
    while (!stopping_) {
      udp::endpoint asker;
      error_code failed;
      const auto size = socket_.receive_from(asio::buffer(packet), asker, 0, failed);
      if (failed || size < 17) continue;
      answer(std::string(packet.data(), size), asker);
    }
  }

  void answer(const std::string& question, const udp::endpoint& asker) {
    std::size_t end = 12;
    const std::string first = question.substr(13, static_cast<unsigned char>(question[12]));
    while (end < question.size() && question[end] != 0)
      end += static_cast<unsigned char>(question[end]) + 1;
    end += 5;
    const bool is_a = question[end - 3] == 1;
    if (is_a) ++questions;
    if (first.starts_with("mute")) return;
    const auto has = [&](const char* text) { return question.find(text) != std::string::npos; };
    const bool fails = has("broken") || has("refused");
    const bool is_app = question.substr(12, end - 16) == std::string("\3app\4corp\4test\0", 15);
    const bool unknown = fails || first.starts_with("no") || (first == "app" && !is_app);
    const char code = has("broken") ? '\x82' : has("refused") ? '\x85' : unknown ? '\x83' : '\x80';
    std::string reply = question.substr(0, 2);
    reply.append(1, '\x81').append(1, code);
    reply.append("\0\1", 2).append(1, 0).append(1, is_a && !unknown ? 1 : 0).append(4, 0);
    reply.append(question, 12, end - 12);
    if (is_a && !unknown) {
      reply.append("\xc0\x0c\0\1\0\1\0\0\0", 9)
          .append(1, static_cast<char>(ttl.load()))
          .append("\0\4\x0a\1\2\3", 6);
    }
    error_code ignored;
    socket_.send_to(asio::buffer(reply), asker, 0, ignored);
  }

  asio::io_context context_;
  udp::socket socket_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class ResolverTest : public ::testing::Test {
 protected:
  ResolverTest() {
    run([this] {
      resolver_ = std::make_unique<resolver>(
          loop_.front(),
          resolver_options{.query_timeout = 100ms, .tries = 1, .servers = dns_.address()}
      );
    });
  }

  ~ResolverTest() override {
    run([this] { resolver_.reset(); });
  }

  void run(std::function<void()> action) {
    asio::post(loop_.front(), asio::use_future(std::move(action))).get();
  }

  std::future<result<addresses>> ask(
      const std::string& host, std::chrono::milliseconds time = 10s
  ) {
    auto ask_on_loop = [](resolver& asked, std::string name, std::chrono::milliseconds most
                       ) -> asio::awaitable<result<addresses>> {
      co_return co_await asked.async_resolve(
          std::move(name), std::chrono::steady_clock::now() + most
      );
    };
    return asio::co_spawn(loop_.front(), ask_on_loop(*resolver_, host, time), asio::use_future);
  }

  dns_server dns_;
  test::loop_threads loop_;
  std::unique_ptr<resolver> resolver_;
};

TEST_F(ResolverTest, AsksTheServer) {
  const auto got = ask("weir.test").get();
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, addresses{"10.1.2.3"});
}

TEST_F(ResolverTest, KeepsAnAnswer) {
  EXPECT_TRUE(ask("weir.test").get());
  EXPECT_TRUE(ask("weir.test").get());
  EXPECT_EQ(dns_.questions, 1);
}

TEST_F(ResolverTest, AsksOnceForConcurrentCallers) {
  auto first = ask("weir.test");
  auto second = ask("weir.test");
  EXPECT_EQ(first.get().value(), second.get().value());
  EXPECT_EQ(dns_.questions, 1);
}

TEST_F(ResolverTest, AnswersLiteralsAndHostsFileWithoutTheServer) {
  EXPECT_EQ(ask("192.0.2.7").get().value(), addresses{"192.0.2.7"});
  EXPECT_EQ(ask("2001:db8::1").get().value(), addresses{"2001:db8::1"});
  EXPECT_TRUE(ask("localhost").get());
  EXPECT_EQ(dns_.questions, 0);
}

TEST_F(ResolverTest, TellsAnUnknownNameFromASilentServer) {
  EXPECT_EQ(ask("nobody.test").get().error(), asio::error::host_not_found);
  EXPECT_EQ(ask("mute.test").get().error(), asio::error::host_not_found_try_again);
}

TEST_F(ResolverTest, GivesUpAtTheDeadline) {
  EXPECT_EQ(ask("mute.test", 10ms).get().error(), errc::deadline_exceeded);
}

TEST_F(ResolverTest, EndsQuestionsWhenItGoes) {
  auto waiting = ask("mute.test");
  run([this] { resolver_.reset(); });
  EXPECT_EQ(waiting.get().error(), asio::error::operation_aborted);
}

/// What the environment says of the search list, as resolv.conf(5) has it; gone with the object.
class search_list {
 public:
  search_list(const char* domains, const char* options) {
    ::setenv("LOCALDOMAIN", domains, 1);
    ::setenv("RES_OPTIONS", options, 1);
  }

  ~search_list() {
    ::unsetenv("LOCALDOMAIN");
    ::unsetenv("RES_OPTIONS");
  }
};

struct Searching {
  search_list list_{"broken.test refused.test empty.test corp.test", "ndots:5"};
};

class ResolverSearchTest : private Searching, public ResolverTest {};

TEST_F(ResolverSearchTest, ADomainWhoseServerFailsDoesNotEndTheSearch) {
  const auto got = ask("app").get();
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, addresses{"10.1.2.3"});
}

TEST_F(ResolverSearchTest, AFullNameWithFewDotsIsAskedForAsItStandsAtLast) {
  const auto got = ask("app.corp.test").get();
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(*got, addresses{"10.1.2.3"});
  EXPECT_GT(dns_.questions, 4);
}

TEST_F(ResolverSearchTest, ANameThatEndsWithADotIsAskedForAsItStands) {
  const auto got = ask("app.corp.test.").get();
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(dns_.questions, 1);
}

TEST_F(ResolverSearchTest, FailsForNowWhenOneServerFailedAndNoneAnswered) {
  EXPECT_EQ(ask("nobody").get().error(), asio::error::host_not_found_try_again);
}

struct Empty {
  search_list list_{"empty.test", "ndots:1"};
};

class ResolverEmptySearchTest : private Empty, public ResolverTest {};

TEST_F(ResolverEmptySearchTest, AnUnknownNameIsUnknownOnceAllDomainsSaySo) {
  EXPECT_EQ(ask("nobody").get().error(), asio::error::host_not_found);
  EXPECT_EQ(dns_.questions, 2);
}

TEST_F(ResolverEmptySearchTest, ANameWithEnoughDotsIsAskedForAsItStandsFirst) {
  EXPECT_EQ(ask("app.corp.test").get().value(), addresses{"10.1.2.3"});
  EXPECT_EQ(dns_.questions, 1);
}

TEST(ResolverOptionsTest, RefusesServersItCannotRead) {
  asio::io_context loop;
  EXPECT_THROW(resolver(loop, {.servers = "not an address"}), std::invalid_argument);
}

}  // namespace
}  // namespace weir
