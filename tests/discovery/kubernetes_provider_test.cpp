#include "discovery/kubernetes_watcher.hpp"
#include "tests/discovery/kubernetes_server.hpp"
#include "tests/waiting.hpp"

#include <weir/discovery/kubernetes_provider.hpp>
#include <weir/engine/runtime.hpp>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::api_slice;
using test::event_json;
using test::kubernetes_server;
using test::status_json;
using testing::ElementsAre;
using names = std::vector<std::string>;
using request = kubernetes_server::request;
using answer = kubernetes_server::answer;
using after = kubernetes_server::then;
using outcome = kubernetes_outcome;
using clock = std::chrono::steady_clock;

api_slice pods(const std::vector<int>& numbers) {
  api_slice out;
  for (const int each : numbers) {
    const auto text = std::to_string(each);
    out.endpoints.push_back({.pod = "weir-" + text, .address = "10.0.0." + text});
  }
  return out;
}

names at(const std::vector<int>& numbers) {
  names out;
  for (const int each : numbers) out.push_back("10.0.0." + std::to_string(each) + ":7420");
  return out;
}

class KubernetesProviderTest : public testing::Test {
 protected:
  KubernetesProviderTest() : ca_("api"), server_(ca_.issue("kubernetes.default.svc")) {
    files_.write("ca.crt", ca_.pem());
    files_.write("token", "old\n");
    server_.accept_token("old");
    server_.set("a", pods({1, 2}));
  }

  ~KubernetesProviderTest() override {
    if (provider_) provider_->stop();
  }

  kubernetes_options options() const {
    return {
        .service = "weir-peers",
        .service_namespace = "demo",
        .api = server_.address(),
        .token_file = files_.path("token"),
        .ca_file = files_.ca(),
        .linger = 0ms,
        .backoff = 50ms,
        .request_timeout = 2s,
    };
  }

  void start(kubernetes_options with) {
    provider_ = std::make_unique<kubernetes_provider>(std::move(with));
    provider_->start(runtime_, [this](result<std::vector<candidate>> found) {
      const std::lock_guard lock(mutex_);
      told_.push_back(std::move(found));
      changed_.notify_all();
    });
  }

  /// Knows pods 1 and 2, and watches.
  void start() {
    start(options());
    ASSERT_TRUE(tells(at({1, 2})));
    wait_for("a watch", [&] { return server_.open_watches() == 1; });
  }

  /// The last of what was told becomes this.
  bool tells(const names& wanted) {
    std::unique_lock lock(mutex_);
    const bool is_there = changed_.wait_for(lock, 10s, [&] { return last() == wanted; });
    EXPECT_EQ(last(), wanted);
    return is_there;
  }

  bool tells(outcome wanted) { return tells(names{"error: " + std::string(name(wanted))}); }

  names last() const {
    if (told_.empty()) return {"nothing"};
    const auto& found = told_.back();
    if (!found) return {"error: " + std::string(name(static_cast<outcome>(found.error().value())))};
    names out;
    for (const auto& each : *found) out.push_back(each.address);
    return out;
  }

  std::size_t tellings() {
    const std::lock_guard lock(mutex_);
    return told_.size();
  }

  template <class Condition>
  void wait_for(std::string_view what, Condition condition) {
    ASSERT_TRUE(test::eventually(condition)) << what;
  }

  std::uint64_t count(outcome of) const {
    for (const auto& each : provider_->counts()) {
      if (each.outcome == name(of)) return each.count;
    }
    return 0;
  }

  void wait_for(outcome of, std::uint64_t least = 1) {
    wait_for(name(of), [&] { return count(of) >= least; });
  }

  /// Every request is answered so.
  void answer_all(const std::string& bytes) {
    server_.answer_with([bytes](const request&) { return answer{bytes}; });
  }

  /// Whatever is answered so is told as `wanted`; what was known is told again when that ends.
  void freezes(const std::string& bytes, outcome wanted) {
    start();
    answer_all(bytes);
    server_.send({}, after::close);
    EXPECT_TRUE(tells(wanted));
    server_.answer_with(nullptr);
    EXPECT_TRUE(tells(at({1, 2})));
  }

  /// What a watch says so is counted as `wanted`, changes nothing, and leads to a new list.
  void survives(const std::string& text, outcome wanted) {
    start();
    const auto lists = server_.lists();
    server_.send(text);
    wait_for(wanted);
    wait_for("a list", [&] { return server_.lists() > lists; });
    server_.set("a", pods({1, 2, 3}));
    EXPECT_TRUE(tells(at({1, 2, 3})));
  }

  const weir_test::authority ca_;
  const weir_test::tls_folder files_;
  std::mutex mutex_;
  std::vector<std::string> targets_;      // of all requests, with mutex_
  std::vector<clock::time_point> asked_;  // when, with mutex_
  kubernetes_server server_;
  runtime runtime_{{.threads = 1}};
  std::condition_variable changed_;
  std::vector<result<std::vector<candidate>>> told_;
  std::unique_ptr<kubernetes_provider> provider_;
};

TEST_F(KubernetesProviderTest, ListsThenWatches) {
  start();
  server_.set("b", pods({3}));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  server_.remove("a");
  EXPECT_TRUE(tells(at({3})));
  EXPECT_EQ(server_.lists(), 1);
  EXPECT_EQ(server_.watches(), 1);
}

TEST_F(KubernetesProviderTest, AsksForTheSlicesOfItsService) {
  server_.answer_with([this](const request& asked) {
    const std::lock_guard lock(mutex_);
    targets_.push_back(asked.target);
    return std::nullopt;
  });
  start();
  const std::lock_guard lock(mutex_);
  const std::string list =
      "/apis/discovery.k8s.io/v1/namespaces/demo/endpointslices?labelSelector="
      "kubernetes.io%2Fservice-name%3Dweir-peers";
  ASSERT_EQ(targets_.size(), 2u);
  EXPECT_EQ(targets_[0], list);
  EXPECT_THAT(
      targets_[1],
      testing::StartsWith(
          list + "&watch=true&allowWatchBookmarks=true&resourceVersion=1001&timeoutSeconds="
      )
  );
}

TEST_F(KubernetesProviderTest, APodThatTerminatesIsDroppedAfterAMoment) {
  auto slow = options();
  slow.linger = 100ms;
  start(slow);
  ASSERT_TRUE(tells(at({1, 2})));
  auto changed = pods({1, 2});
  changed.endpoints[1].is_terminating = true;
  const auto begin = clock::now();
  server_.set("a", changed);
  EXPECT_TRUE(tells(at({1})));
  EXPECT_GE(clock::now() - begin, 100ms);
  EXPECT_EQ(tellings(), 2u);
}

TEST_F(KubernetesProviderTest, NobodyLeftChangesNothing) {
  start();
  server_.remove("a");
  EXPECT_TRUE(tells(outcome::empty));
  server_.set("a", pods({2}));
  EXPECT_TRUE(tells(at({2})));
}

TEST_F(KubernetesProviderTest, AWatchThatEndsOnTimeIsNoFailure) {
  auto often = options();
  often.watch = 1s;
  often.relist = 2s;
  start(often);
  wait_for("the second list", [&] { return server_.lists() >= 2 && server_.watches() >= 2; });
  EXPECT_EQ(count(outcome::failed) + count(outcome::timed_out), 0u);
  EXPECT_EQ(tellings(), 1u);
}

TEST_F(KubernetesProviderTest, ANewTokenIsReadWhenTheOldOneRanOut) {
  start();
  files_.write("token", "new\n");
  server_.accept_token("new");
  server_.send({}, after::close);
  wait_for("the second watch", [&] { return server_.watches() == 2; });
  server_.set("a", pods({1, 2, 3}));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(count(outcome::unauthorized), 0u);
}

TEST_F(KubernetesProviderTest, ATokenThatIsLateIsReadAgainAndAgain) {
  start();
  server_.accept_token("new");
  server_.send({}, after::close);
  EXPECT_TRUE(tells(outcome::unauthorized));
  files_.write("token", "new");
  EXPECT_TRUE(tells(at({1, 2})));
  EXPECT_GE(count(outcome::unauthorized), 2u);
}

TEST_F(KubernetesProviderTest, ATokenThatCannotBeReadIsWaitedFor) {
  auto later = options();
  later.token_file = files_.path("later");
  start(later);
  EXPECT_TRUE(tells(outcome::unauthorized));
  EXPECT_EQ(server_.lists(), 0);
  files_.write("later", "old");
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesProviderTest, ForbiddenFreezes) {
  freezes(kubernetes_server::http(403, status_json(403, "Forbidden")), outcome::forbidden);
}

TEST_F(KubernetesProviderTest, AServerErrorFreezes) {
  freezes(kubernetes_server::http(500, status_json(500, "InternalError")), outcome::failed);
}

TEST_F(KubernetesProviderTest, ARedirectFreezes) {
  freezes(kubernetes_server::http(302, "", "Location: https://127.0.0.1:1/\r\n"), outcome::failed);
}

TEST_F(KubernetesProviderTest, WhatIsNoHttpFreezes) {
  freezes("SSH-2.0-OpenSSH_9.2\r\n\r\n", outcome::malformed);
}

TEST_F(KubernetesProviderTest, WhatIsNoListFreezes) {
  freezes(kubernetes_server::http(200, "<html></html>\n"), outcome::malformed);
}

TEST_F(KubernetesProviderTest, ADeepListFreezes) {
  freezes(kubernetes_server::http(200, std::string(10'000, '[')), outcome::malformed);
}

TEST_F(KubernetesProviderTest, AHugeListFreezes) {
  freezes(kubernetes_server::http(200, std::string(4'300'000, ' ')), outcome::too_many);
}

TEST_F(KubernetesProviderTest, AListWithPortZeroFreezes) {
  auto wrong = test::slice_json("a", 7, pods({1, 2, 3}));
  wrong.replace(wrong.find("7420"), 4, "0");
  freezes(kubernetes_server::http(200, test::list_json(7, {wrong})), outcome::malformed);
}

TEST_F(KubernetesProviderTest, TooManyNodesFreeze) {
  std::vector<int> numbers(255);
  for (int i = 0; i != 255; ++i) numbers[static_cast<std::size_t>(i)] = i + 1;
  auto many = pods(numbers);
  many.endpoints.push_back({.pod = "weir-x", .address = "10.0.1.1"});
  many.endpoints.push_back({.pod = "weir-y", .address = "10.0.1.2"});
  freezes(
      kubernetes_server::http(200, test::list_json(7, {test::slice_json("a", 7, many)})),
      outcome::too_many
  );
}

TEST_F(KubernetesProviderTest, AServerThatWantsToBeLeftAloneIs) {
  start();
  server_.answer_with([this](const request&) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(clock::now());
    const auto status = status_json(429, "TooManyRequests");
    return answer{kubernetes_server::http(429, status, "Retry-After: 1\r\n")};
  });
  server_.send({}, after::close);
  wait_for(outcome::overloaded, 2);
  EXPECT_TRUE(tells(outcome::overloaded));
  const std::lock_guard lock(mutex_);
  EXPECT_GE(asked_.at(1) - asked_.at(0), 1s);
}

TEST_F(KubernetesProviderTest, AVersionThatIsGoneByStatusLists) {
  start();
  server_.forget(kubernetes_server::gone::status);
  server_.send({}, after::close);
  wait_for(outcome::expired);
  server_.set("a", pods({1, 2, 3}));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(server_.lists(), 2);
  EXPECT_EQ(tellings(), 2u);
}

TEST_F(KubernetesProviderTest, AVersionThatIsGoneByEventLists) {
  start();
  server_.forget(kubernetes_server::gone::event);
  server_.send({}, after::close);
  wait_for(outcome::expired);
  server_.set("a", pods({1, 2, 3}));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(server_.lists(), 2);
  EXPECT_EQ(tellings(), 2u);
}

TEST_F(KubernetesProviderTest, ASilentWatchIsGivenUp) {
  auto impatient = options();
  impatient.silence = 200ms;
  start(impatient);
  ASSERT_TRUE(tells(at({1, 2})));
  wait_for(outcome::timed_out);
  wait_for("another watch", [&] { return server_.watches() >= 2; });
  server_.set("a", pods({1}));
  EXPECT_TRUE(tells(at({1})));
}

TEST_F(KubernetesProviderTest, ASilentListIsGivenUp) {
  server_.answer_with([](const request&) { return answer{"HTTP/1.1 200 OK\r\n", after::hold}; });
  auto impatient = options();
  impatient.request_timeout = 200ms;
  start(impatient);
  EXPECT_TRUE(tells(outcome::timed_out));
  server_.answer_with(nullptr);
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesProviderTest, AnEventThatComesInPiecesIsOne) {
  start();
  const auto line = event_json("MODIFIED", test::slice_json("a", 2'000, pods({1, 2, 3}))) + '\n';
  server_.send(line.substr(0, 100));
  server_.send(line.substr(100));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(server_.watches(), 1);
}

TEST_F(KubernetesProviderTest, AWatchThatIsCutWithinALineGoesOn) {
  start();
  server_.send(R"({"type":"DELETED","object":{"kind":)", after::close);
  wait_for(outcome::failed);
  server_.set("a", pods({1, 2, 3}));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(server_.lists(), 1);
  EXPECT_EQ(tellings(), 2u);
}

TEST_F(KubernetesProviderTest, AWrongEventIsPassedOver) {
  survives("{\"type\":\"ADDED\",\"object\":[]}\n", outcome::malformed);
}

TEST_F(KubernetesProviderTest, AnEventOfAnotherServiceIsPassedOver) {
  auto other = pods({7});
  other.service = "other";
  survives(event_json("ADDED", test::slice_json("x", 2'000, other)) + '\n', outcome::malformed);
}

TEST_F(KubernetesProviderTest, ALineWithoutEndIsGivenUp) {
  survives(std::string(1'100'000, ' '), outcome::too_many);
}

TEST_F(KubernetesProviderTest, AnErrorEventIsPassedOver) {
  survives(event_json("ERROR", status_json(500, "InternalError")) + '\n', outcome::failed);
}

TEST_F(KubernetesProviderTest, AServerOfAnotherAuthorityIsNotTrusted) {
  const weir_test::authority other("other");
  files_.write("ca.crt", other.pem());
  start(options());
  EXPECT_TRUE(tells(outcome::untrusted));
  EXPECT_EQ(server_.lists(), 0);
  files_.write("ca.crt", ca_.pem());
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesProviderTest, AServerOfAnotherNameIsNotTrusted) {
  weir_test::certificate_request elsewhere;
  elsewhere.names = {"kubernetes.default.svc"};
  elsewhere.addresses = {"10.96.0.1"};
  server_.use_certificate(ca_.issue(elsewhere));
  start(options());
  EXPECT_TRUE(tells(outcome::untrusted));
  EXPECT_EQ(server_.lists(), 0);
}

TEST_F(KubernetesProviderTest, AuthoritiesMayOverlapAndChange) {
  start();
  const weir_test::authority next("next");
  files_.write("ca.crt", ca_.pem() + next.pem());
  server_.use_certificate(next.issue("kubernetes.default.svc"));
  server_.send({}, after::close);
  wait_for("the second watch", [&] { return server_.watches() == 2; });
  files_.write("ca.crt", "");  // being replaced
  server_.send({}, after::close);
  wait_for("the third watch", [&] { return server_.watches() == 3; });
  server_.set("a", pods({3}));
  EXPECT_TRUE(tells(at({3})));
  EXPECT_EQ(count(outcome::untrusted), 0u);
}

TEST_F(KubernetesProviderTest, PlainTextIsNotTakenForTls) {
  boost::asio::io_context loop;
  boost::asio::ip::tcp::acceptor plain(loop, {boost::asio::ip::address_v4::loopback(), 0});
  auto wrong = options();
  wrong.api = "https://127.0.0.1:" + std::to_string(plain.local_endpoint().port());
  start(wrong);
  auto socket = plain.accept();
  boost::system::error_code ignored;
  const std::string text = "HTTP/1.1 400 Bad Request\r\n\r\n";
  boost::asio::write(socket, boost::asio::buffer(text), ignored);
  EXPECT_TRUE(tells(outcome::malformed));
}

TEST_F(KubernetesProviderTest, ANameIsLookedUpAndChecked) {
  weir_test::certificate_request named;
  named.names = {"localhost"};
  server_.use_certificate(ca_.issue(named));
  auto by_name = options();
  by_name.api.replace(by_name.api.find("127.0.0.1"), 9, "localhost");
  start(by_name);
  EXPECT_TRUE(tells(at({1, 2})));
  EXPECT_EQ(count(outcome::untrusted), 0u);
}

TEST_F(KubernetesProviderTest, AProxyMayBePlainText) {
  boost::asio::io_context loop;
  boost::asio::ip::tcp::acceptor proxy(loop, {boost::asio::ip::address_v4::loopback(), 0});
  auto plain = options();
  plain.api = "http://127.0.0.1:" + std::to_string(proxy.local_endpoint().port());
  plain.token_file.clear();
  start(plain);
  auto socket = proxy.accept();
  std::string head;
  boost::system::error_code failed;
  boost::asio::read_until(socket, boost::asio::dynamic_buffer(head), "\r\n\r\n", failed);
  EXPECT_THAT(head, testing::HasSubstr("Host: 127.0.0.1:"));
  EXPECT_THAT(head, testing::Not(testing::HasSubstr("Authorization")));
  const auto list = test::list_json(7, {test::slice_json("a", 7, pods({5}))});
  boost::asio::write(socket, boost::asio::buffer(kubernetes_server::http(200, list)), failed);
  EXPECT_TRUE(tells(at({5})));
}

TEST_F(KubernetesProviderTest, AServerThatIsGoneFreezes) {
  start();
  server_.stop();
  EXPECT_TRUE(tells(outcome::failed));
  server_.start();
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesProviderTest, StopsWhileItWaitsForAnAnswer) {
  server_.answer_with([](const request&) { return answer{"HTTP/1.1 200 OK\r\n", after::hold}; });
  start(options());
  wait_for("a list", [&] { return server_.lists() == 1; });
  provider_->stop();
  EXPECT_EQ(tellings(), 0u);
  EXPECT_TRUE(provider_->counts().empty());
}

}  // namespace
}  // namespace weir
