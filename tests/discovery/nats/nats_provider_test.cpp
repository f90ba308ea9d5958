#include "discovery/nats/nats_outcome.hpp"
#include "discovery/nats/nats_presence.hpp"
#include "tests/support/waiting.hpp"
#include "tests/transport/nats/scripted_nats.hpp"

#include <weir/discovery/nats_provider.hpp>
#include <weir/engine/runtime.hpp>

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::scripted_nats;
using testing::ElementsAre;
using testing::HasSubstr;
using names = std::vector<std::string>;

constexpr const char* secret = "sixteen bytes or more";

class NatsProviderTest : public testing::Test {
 protected:
  ~NatsProviderTest() override {
    if (provider_) provider_->stop();
  }

  nats_options options() const {
    return {
        .servers = {server_.url()},
        .subject = "test.peers",
        .secret = secret,
        .heartbeat = 100ms,
        .expire = 500ms,
        .wall_clock =
            [this] {
              return std::chrono::system_clock::time_point(std::chrono::milliseconds(wall_.load()));
            },
    };
  }

  void start(nats_options options) {
    provider_ = std::make_unique<nats_provider>(std::move(options));
    provider_->start(runtime_, [this](result<std::vector<candidate>> found) {
      const std::lock_guard lock(mutex_);
      told_.push_back(std::move(found));
    });
    const identity self{.cluster = "demo", .id = "n1", .incarnation = 1, .address = "h1:1"};
    provider_->announce(self);
  }

  /// What a node of this number says now; later each time.
  nats_presence presence(int number) {
    const auto text = std::to_string(number);
    return {
        .cluster = "demo",
        .id = "n" + text,
        .address = "h" + text + ":1",
        .incarnation = 7,
        .at = static_cast<std::uint64_t>(++wall_),
    };
  }

  void hear(const nats_presence& what, std::string_view key = secret) {
    server_.send_message(write_nats_presence(what, key));
  }

  std::uint64_t count(nats_outcome outcome) const {
    for (const auto& each : provider_->counts()) {
      if (each.outcome == name(outcome)) return each.count;
    }
    return 0;
  }

  bool counted(nats_outcome outcome, std::uint64_t least = 1) {
    return eventually([&] { return count(outcome) >= least; });
  }

  std::size_t findings() {
    const std::lock_guard lock(mutex_);
    return told_.size();
  }

  /// The last finding as addresses, or as the text of its error.
  names told() {
    const std::lock_guard lock(mutex_);
    if (told_.empty()) return {};
    const auto& last = told_.back();
    if (!last) return {last.error().message()};
    names out;
    for (const auto& each : *last) out.push_back(each.address);
    return out;
  }

  bool tells(const names& wanted) {
    return eventually([&] { return told() == wanted; });
  }

  bool tells(nats_outcome wanted) { return tells(names{make_error_code(wanted).message()}); }

  /// n1 and n2 are known. They stay so: the server brings n2 only now and then.
  void start_with_two() {
    start(options());
    ASSERT_TRUE(tells({"h1:1"}));
    hear(presence(2));
    ASSERT_TRUE(tells({"h1:1", "h2:1"}));
  }

  std::atomic<std::int64_t> wall_{1'700'000'000'000};
  std::mutex mutex_;
  std::vector<result<std::vector<candidate>>> told_;
  scripted_nats server_;
  runtime runtime_{{.threads = 1}};
  std::unique_ptr<nats_provider> provider_;
};

TEST_F(NatsProviderTest, RefusesOptionsThatCannotBeUsed) {
  const auto refused = [&](auto change) {
    auto wrong = options();
    change(wrong);
    EXPECT_THROW(nats_provider{wrong}, std::invalid_argument);
  };
  refused([](nats_options& o) { o.servers.clear(); });
  refused([](nats_options& o) { o.servers = {"http://a:1"}; });
  refused([](nats_options& o) { o.subject = ""; });
  refused([](nats_options& o) { o.subject = "a.*"; });
  refused([](nats_options& o) { o.subject = "a b"; });
  refused([](nats_options& o) { o.subject = "a\r\nPUB b 0"; });
  refused([](nats_options& o) { o.heartbeat = 99ms; });
  refused([](nats_options& o) { o.expire = 299ms; });
  refused([](nats_options& o) { o.ca = "/nonexistent.pem"; });
}

TEST_F(NatsProviderTest, SubscribesPublishesAndNamesWhomItHears) {
  start_with_two();
  EXPECT_THAT(server_.received(), HasSubstr("SUB test.peers 1\r\n"));
  EXPECT_THAT(server_.received(), HasSubstr("weir1 here demo n1 h1:1 0000000000000001 17"));
  provider_->leave();
  EXPECT_TRUE(eventually([&] {
    return server_.received().find("weir1 gone demo n1") != std::string::npos;
  }));
}

TEST_F(NatsProviderTest, HostileMessagesChangeNothingAndAreCounted) {
  start_with_two();
  const auto before = findings();
  const auto good = write_nats_presence(presence(3), secret);
  server_.send_message("");
  server_.send_message(std::string(2'000, '\xff'));
  server_.send_message(good.substr(1));
  EXPECT_TRUE(counted(nats_outcome::malformed, 3));
  server_.send_message(std::string(2'049, 'x'));
  server_.send_message(std::string(1'000'000, 'x'));
  EXPECT_TRUE(counted(nats_outcome::too_large, 2));
  hear(presence(4), "");
  EXPECT_TRUE(counted(nats_outcome::is_unsigned));
  hear(presence(5), "another secret");
  EXPECT_TRUE(counted(nats_outcome::forged));
  auto old = presence(6);
  old.at -= 100'000;
  hear(old);
  EXPECT_TRUE(counted(nats_outcome::stale));
  auto replayed = presence(2);
  replayed.at -= 10;
  hear(replayed);
  EXPECT_TRUE(counted(nats_outcome::replayed));
  auto other = presence(7);
  other.cluster = "prod";
  hear(other);
  EXPECT_TRUE(counted(nats_outcome::other_cluster));
  auto twin = presence(1);
  hear(twin);
  EXPECT_TRUE(counted(nats_outcome::duplicate));
  EXPECT_EQ(findings(), before);
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(NatsProviderTest, ABrokenProtocolEndsTheConnectionOnly) {
  start_with_two();
  int broken = 0;
  for (const std::string bad :
       {"HMSG a 1 1 1\r\n", "MSG test.peers 2 1\r\nx\r\n", "\x16\x03\x01"}) {
    const auto connected = count(nats_outcome::connected);
    server_.send(bad);
    EXPECT_TRUE(counted(nats_outcome::protocol, static_cast<std::uint64_t>(++broken))) << bad;
    EXPECT_TRUE(counted(nats_outcome::connected, connected + 1)) << bad;
  }
  EXPECT_TRUE(tells({"h1:1", "h2:1"}));
}

TEST_F(NatsProviderTest, WhatAnswersIsNoNatsServer) {
  for (const std::string bad :
       {"HTTP/1.1 200 OK\r\n\r\n", "PING\r\n", "INFO []\r\n", "INFO {\"tls_required\":1}\r\n"}) {
    server_.greet_with(bad);
    start(options());
    EXPECT_TRUE(tells(nats_outcome::protocol)) << bad;
    provider_->stop();
    told_.clear();
  }
}

TEST_F(NatsProviderTest, ARefusalIsToldAndTriedAgain) {
  server_.answer_ping_with("-ERR 'Authorization Violation'\r\n");
  auto wanted = options();
  wanted.user = "u";
  wanted.password = "p\"w";
  start(wanted);
  EXPECT_TRUE(tells(nats_outcome::refused));
  EXPECT_THAT(server_.received(), HasSubstr(R"("user":"u","pass":"p\"w")"));
  server_.answer_ping_with("PONG\r\n");
  EXPECT_TRUE(tells({"h1:1"}));
}

TEST_F(NatsProviderTest, PermissionsThatAreMissingAreARefusal) {
  start_with_two();
  server_.answer_ping_with("-ERR 'Permissions Violation for Subscription to \"test.peers\"'\r\n");
  server_.send("-ERR 'Permissions Violation for Publish to \"test.peers\"'\r\n");
  EXPECT_TRUE(tells(nats_outcome::refused));
  server_.answer_ping_with("PONG\r\n");
  EXPECT_TRUE(tells({"h1:1", "h2:1"}));
}

TEST_F(NatsProviderTest, WithoutTheTlsThatIsWantedNothingIsSaid) {
  auto wanted = options();
  wanted.token = "very secret";
  wanted.servers = {"tls" + server_.url().substr(4)};
  start(wanted);
  EXPECT_TRUE(tells(nats_outcome::untrusted));
  server_.greet_with("INFO {\"tls_required\":true}\r\nPING\r\n");
  EXPECT_TRUE(counted(nats_outcome::untrusted, 4));
  EXPECT_EQ(server_.received(), "");
}

TEST_F(NatsProviderTest, ASilentServerIsLeft) {
  server_.greet_with("");
  start(options());
  EXPECT_TRUE(tells(nats_outcome::failed));
}

TEST_F(NatsProviderTest, MayBeStoppedAtAnyTime) {
  for (int i = 0; i != 20; ++i) {
    start(options());
    if (i % 3 != 0) counted(nats_outcome::connected);
    if (i % 3 == 1) provider_->leave();
    provider_->stop();
  }
  nats_provider never(options());
  never.announce({});
  never.leave();
  never.stop();
  EXPECT_TRUE(never.counts().empty());
}

}  // namespace
}  // namespace weir
