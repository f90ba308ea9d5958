#include "tests/discovery/kubernetes/kubernetes_provider_fixture.hpp"

#include <gmock/gmock.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::event_json;
using test::kubernetes_server;
using KubernetesProviderTest = test::kubernetes_provider_fixture;

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

TEST_F(KubernetesProviderTest, AnEventThatComesInPiecesIsOne) {
  start();
  const auto line = event_json("MODIFIED", test::slice_json("a", 2'000, pods({1, 2, 3}))) + '\n';
  server_.send(line.substr(0, 100));
  server_.send(line.substr(100));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(server_.watches(), 1);
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
