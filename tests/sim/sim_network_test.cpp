#include "tests/sim/world/sim_network.hpp"

#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_fabric.hpp"
#include "tests/sim/world/sim_scheduler.hpp"

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

namespace {

struct fake_node : peer_handler {
  fake_node(scheduler& world, fabric& wires, const std::string& id, owner_id owner)
      : env(std::make_unique<sim_environment>(world, owner, machine{.seed = owner})),
        net(std::make_unique<sim_network>(wires, *env, identity{"test", id, owner, 1, id + ":1"})) {
    net->listen(*this);
  }

  ~fake_node() override { crash(going_down::process); }

  void crash(going_down how) {
    if (!net) return;
    net->crash(how);
    env->crash();
    net.reset();
    env.reset();
  }

  bool try_serve(const peer_request&, peer_reply& reply) override {
    ++served;
    if (answer_after > 0ns) return false;
    reply.body = ping_reply{};
    return true;
  }

  void serve(identity from, peer_request, completion<peer_reply> reply, completion<> loading)
      override {
    last_from = from;
    if (says_loading && loading) std::move(loading)();
    if (forget_reply) return;
    env->schedule(env->now() + answer_after, [reply = std::move(reply)]() mutable {
      std::move(reply)(peer_reply{7, ping_reply{}});
    });
  }

  void on_link_up(const std::string& address, const identity& peer) override {
    ups.push_back(address + "=" + peer.id);
  }

  void on_link_down(const std::string& address, link_loss cause) override {
    downs.emplace_back(address, cause);
  }

  void on_peer_seen(const identity& peer) override { seen.push_back(peer.id); }

  void ping(const std::string& address, duration timeout = 5s) {
    auto done = [this](result<peer_reply> got) {
      outcomes.push_back(got ? error_code() : got.error());
    };
    net->call(address, {1, 5000ms, ping_request{}}, env->now() + timeout, done);
    EXPECT_EQ(outcomes.size(), before_call);
  }

  std::unique_ptr<sim_environment> env;
  std::unique_ptr<sim_network> net;
  duration answer_after{0};
  bool forget_reply = false;
  bool says_loading = false;
  int served = 0;
  identity last_from;
  std::vector<std::string> ups, seen;
  std::vector<std::pair<std::string, link_loss>> downs;
  std::vector<error_code> outcomes;
  std::size_t before_call = 0;
};

struct SimNetworkTest : testing::Test {
  scheduler world{1};
  fabric wires{world, 1};
  std::optional<fake_node> a{std::in_place, world, wires, "a", 1};
  std::optional<fake_node> b{std::in_place, world, wires, "b", 2};

  void link() {
    a->net->connect("b:1");
    world.run_for(100ms);
  }

  error_code outcome() { return a->outcomes.empty() ? asio::error::in_progress : a->outcomes[0]; }
};

TEST_F(SimNetworkTest, AHandshakeTellsBothSidesWhoTheOtherIs) {
  link();
  EXPECT_EQ(a->ups, (std::vector<std::string>{"b:1=b"}));
  EXPECT_EQ(b->seen, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(a->net->is_linked("b:1"));
  EXPECT_FALSE(b->net->is_linked("a:1"));
}

TEST_F(SimNetworkTest, ACallIsAnsweredOnce) {
  link();
  a->ping("b:1");
  world.run_for(10s);
  EXPECT_EQ(a->outcomes, (std::vector<error_code>{{}}));
  b->answer_after = 10ms;
  a->before_call = 1;
  a->ping("b:1");
  world.run_for(10s);
  EXPECT_EQ(a->outcomes.size(), 2u);
  EXPECT_EQ(b->last_from.id, "a");
}

TEST_F(SimNetworkTest, TheAskerHearsThatAPeerLoadsAndASilenceIsNoted) {
  struct counting : call_watcher {
    void on_loading() override { ++told; }

    int told = 0;
  };

  link();
  b->answer_after = 500ms;
  b->says_loading = true;
  const auto watcher = std::make_shared<counting>();
  auto done = [this](result<peer_reply> got) {
    a->outcomes.push_back(got ? error_code() : got.error());
  };
  const peer_request read{1, 5000ms, get_request{"users", "k"}};
  a->net->call_watched("b:1", read, a->env->now() + 5s, done, watcher);
  world.run_for(100ms);
  EXPECT_EQ(watcher->told, 1);
  EXPECT_TRUE(a->outcomes.empty());
  EXPECT_GE(a->net->heard("b:1"), a->env->now() - 100ms);
  world.run_for(1s);
  EXPECT_EQ(outcome(), error_code());
  EXPECT_TRUE(wires.silences().empty()) << "it said that it loads";
  b->says_loading = false;
  a->net->call("b:1", read, a->env->now() + 5s, done);
  world.run_for(1s);
  ASSERT_EQ(wires.silences().size(), 1u);
  EXPECT_EQ(wires.silences()[0].silent, "b:1");
}

TEST_F(SimNetworkTest, ACallWithoutALinkIsUnavailable) {
  a->ping("b:1");
  world.run_for(1ms);
  EXPECT_EQ(outcome(), errc::unavailable);
}

TEST_F(SimNetworkTest, ACallEndsAtItsDeadlineWhateverThePeerDoes) {
  link();
  b->answer_after = 2s;
  a->ping("b:1", 500ms);
  world.run_for(499ms);
  EXPECT_TRUE(a->outcomes.empty());
  world.run_for(2ms);
  EXPECT_EQ(outcome(), errc::deadline_exceeded);
  world.run_for(10s);
  EXPECT_EQ(a->outcomes.size(), 1u);
}

TEST_F(SimNetworkTest, AKilledProcessResetsItsLinksAndRefusesUntilItIsBack) {
  link();
  b->answer_after = 2s;
  a->ping("b:1");
  world.run_for(10ms);
  b->crash(going_down::process);
  world.run_for(10ms);
  EXPECT_EQ(outcome(), errc::unavailable);
  ASSERT_EQ(a->downs.size(), 1u);
  EXPECT_EQ(a->downs[0].second, link_loss::reset);
  world.run_for(3s);
  ASSERT_GE(a->downs.size(), 3u);
  EXPECT_EQ(a->downs.back().second, link_loss::refused);
  b.emplace(world, wires, "b", 3);
  world.run_for(2s);
  EXPECT_EQ(a->ups.size(), 2u);
}

TEST_F(SimNetworkTest, PowerLossIsSilenceUntilTheUserTimeout) {
  link();
  a->ping("b:1", 20s);
  b->crash(going_down::machine);
  world.run_for(2900ms);
  EXPECT_TRUE(a->outcomes.empty());
  world.run_for(1s);
  EXPECT_EQ(outcome(), errc::unavailable);
  world.run_for(3s);
  EXPECT_EQ(a->downs.back().second, link_loss::timeout);
}

TEST_F(SimNetworkTest, ACutHoldsMessagesBackUntilItHeals) {
  link();
  wires.cut("a:1", "b:1");
  a->ping("b:1");
  world.run_for(1s);
  EXPECT_EQ(b->served, 0);
  wires.heal();
  world.run_for(1s);
  EXPECT_EQ(b->served, 1);
  EXPECT_EQ(outcome(), error_code());
}

TEST_F(SimNetworkTest, ACutIsOneWay) {
  link();
  wires.cut("b:1", "a:1");
  a->ping("b:1", 1s);
  world.run_for(2s);
  EXPECT_EQ(b->served, 1);
  EXPECT_EQ(outcome(), errc::deadline_exceeded);
}

TEST_F(SimNetworkTest, MessagesForAFrozenNodeWaitForIt) {
  link();
  world.hold(b->env->owner());
  a->ping("b:1", 10s);
  world.run_for(5s);
  EXPECT_EQ(b->served, 0);
  world.release(b->env->owner());
  world.run_for(1s);
  EXPECT_EQ(b->served, 1);
  EXPECT_EQ(outcome(), error_code());
}

TEST_F(SimNetworkTest, ADuplicateIsHandledTwiceAndAnsweredOnce) {
  link();
  wires.set_faults({.duplicate = 1});
  a->ping("b:1");
  world.run_for(1s);
  EXPECT_EQ(b->served, 2);
  EXPECT_EQ(a->outcomes.size(), 1u);
}

TEST_F(SimNetworkTest, ALostMessageEndsInOneOutcomeAllTheSame) {
  link();
  wires.set_faults({.loss = 1});
  for (int i = 0; i < 100; ++i) {
    a->before_call = a->outcomes.size();
    a->ping("b:1");
    world.run_for(10s);
    ASSERT_EQ(a->outcomes.size(), a->before_call + 1);
  }
  EXPECT_GT(a->downs.size(), 0u);
  EXPECT_GT(b->served, 0);
}

TEST_F(SimNetworkTest, AbandonFailsWhatIsPendingAndKeepsTheLink) {
  link();
  b->answer_after = 2s;
  a->ping("b:1");
  world.run_for(100ms);
  a->net->abandon("b:1");
  EXPECT_TRUE(a->outcomes.empty());
  world.run_for(1ms);
  EXPECT_EQ(outcome(), errc::unavailable);
  EXPECT_TRUE(a->net->is_linked("b:1"));
}

TEST_F(SimNetworkTest, DisconnectEndsCallsAndDialling) {
  link();
  b->answer_after = 2s;
  a->ping("b:1");
  world.run_for(100ms);
  a->net->disconnect("b:1");
  world.run_for(10s);
  EXPECT_EQ(outcome(), errc::unavailable);
  EXPECT_FALSE(a->net->is_linked("b:1"));
  EXPECT_EQ(a->ups.size(), 1u);
}

TEST_F(SimNetworkTest, AnotherClusterIsRejected) {
  sim_environment env(world, 9, {});
  sim_network stranger(wires, env, identity{"other", "c", 9, 1, "c:1"});
  a->net->connect("c:1");
  fake_node unused(world, wires, "d", 10);
  stranger.listen(unused);
  world.run_for(3s);
  ASSERT_FALSE(a->downs.empty());
  EXPECT_EQ(a->downs.back().second, link_loss::rejected);
  EXPECT_TRUE(a->ups.empty());
}

TEST_F(SimNetworkTest, AForgottenReplyIsNoticed) {
  link();
  b->answer_after = 1ms;
  b->forget_reply = true;
  a->ping("b:1", 1s);
  world.run_for(2s);
  EXPECT_EQ(outcome(), errc::deadline_exceeded);
  EXPECT_EQ(wires.counts().replies_dropped.size(), 1u);
}

}  // namespace

}  // namespace weir::sim
