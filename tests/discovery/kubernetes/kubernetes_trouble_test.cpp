// Servers that fail, are slow, or answer what cannot be.

#include "tests/discovery/kubernetes/kubernetes_provider_fixture.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::event_json;
using test::kubernetes_server;
using test::status_json;

class KubernetesTroubleTest : public test::kubernetes_provider_fixture {
 protected:
  /// Whatever is answered so is told as `wanted`; what was known is told again when that ends.
  void freezes(const std::string& bytes, outcome wanted) {
    start();
    server_.answer_with([bytes](const request&) { return answer{bytes}; });
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
};

TEST_F(KubernetesTroubleTest, ForbiddenFreezes) {
  start();
  server_.answer_with([](const request&) {
    return answer{kubernetes_server::http(403, status_json(403, "Forbidden"))};
  });
  server_.send({}, after::close);
  EXPECT_TRUE(tells(outcome::forbidden));
  EXPECT_NE(provider_->detail().find("the server says: as told"), std::string::npos);
  server_.answer_with(nullptr);
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesTroubleTest, AServerErrorFreezes) {
  freezes(kubernetes_server::http(500, status_json(500, "InternalError")), outcome::failed);
}

TEST_F(KubernetesTroubleTest, ARedirectFreezes) {
  freezes(kubernetes_server::http(302, "", "Location: https://127.0.0.1:1/\r\n"), outcome::failed);
}

TEST_F(KubernetesTroubleTest, WhatIsNoHttpFreezes) {
  freezes("SSH-2.0-OpenSSH_9.2\r\n\r\n", outcome::malformed);
}

TEST_F(KubernetesTroubleTest, WhatIsNoListFreezes) {
  freezes(kubernetes_server::http(200, "<html></html>\n"), outcome::malformed);
}

TEST_F(KubernetesTroubleTest, ADeepListFreezes) {
  freezes(kubernetes_server::http(200, std::string(10'000, '[')), outcome::malformed);
}

TEST_F(KubernetesTroubleTest, AHugeListFreezes) {
  freezes(kubernetes_server::http(200, std::string(4'300'000, ' ')), outcome::too_many);
}

TEST_F(KubernetesTroubleTest, AListWithPortZeroFreezes) {
  auto wrong = test::slice_json("a", 7, pods({1, 2, 3}));
  wrong.replace(wrong.find("7420"), 4, "0");
  freezes(kubernetes_server::http(200, test::list_json(7, {wrong})), outcome::malformed);
}

TEST_F(KubernetesTroubleTest, TooManyNodesFreeze) {
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

TEST_F(KubernetesTroubleTest, AServerThatWantsToBeLeftAloneIs) {
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

TEST_F(KubernetesTroubleTest, ASilentWatchIsGivenUp) {
  auto impatient = options();
  impatient.silence = 200ms;
  start(impatient);
  ASSERT_TRUE(tells(at({1, 2})));
  wait_for(outcome::timed_out);
  wait_for("another watch", [&] { return server_.watches() >= 2; });
  server_.set("a", pods({1}));
  EXPECT_TRUE(tells(at({1})));
}

TEST_F(KubernetesTroubleTest, ASilentListIsGivenUp) {
  server_.answer_with([](const request&) { return answer{"HTTP/1.1 200 OK\r\n", after::hold}; });
  auto impatient = options();
  impatient.request_timeout = 200ms;
  start(impatient);
  EXPECT_TRUE(tells(outcome::timed_out));
  server_.answer_with(nullptr);
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesTroubleTest, AWatchThatIsCutWithinALineGoesOn) {
  start();
  server_.send(R"({"type":"DELETED","object":{"kind":)", after::close);
  wait_for(outcome::failed);
  server_.set("a", pods({1, 2, 3}));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(server_.lists(), 1);
  EXPECT_EQ(tellings(), 2u);
}

TEST_F(KubernetesTroubleTest, AWrongEventIsPassedOver) {
  survives("{\"type\":\"ADDED\",\"object\":[]}\n", outcome::malformed);
}

TEST_F(KubernetesTroubleTest, AnEventOfAnotherServiceIsPassedOver) {
  auto other = pods({7});
  other.service = "other";
  survives(event_json("ADDED", test::slice_json("x", 2'000, other)) + '\n', outcome::malformed);
}

TEST_F(KubernetesTroubleTest, ALineWithoutEndIsGivenUp) {
  survives(std::string(1'100'000, ' '), outcome::too_many);
}

TEST_F(KubernetesTroubleTest, AnErrorEventIsPassedOver) {
  survives(event_json("ERROR", status_json(500, "InternalError")) + '\n', outcome::failed);
}

TEST_F(KubernetesTroubleTest, AServerThatIsGoneFreezes) {
  start();
  server_.stop();
  EXPECT_TRUE(tells(outcome::failed));
  server_.start();
  EXPECT_TRUE(tells(at({1, 2})));
}

}  // namespace
}  // namespace weir
