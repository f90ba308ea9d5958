#include "tests/support/waiting.hpp"
#include "tests/transport/peer/peer_nodes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace weir {
namespace {

using namespace test;

TEST(PeerLinkTest, AnswersAtOnceWhatTheHandlerHas) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  echo_keys(b);
  a.link_to(b, "n2");
  auto reply = a.ask(b.address(), get_of("42")).get();
  EXPECT_EQ(value_of(reply), "42");
  EXPECT_EQ(reply->view_digest, 11u);
  EXPECT_EQ(a.network().counters().calls, 1u);
  EXPECT_EQ(b.network().counters().calls, 0u);
}

TEST(PeerLinkTest, TellsTheHandlerWhoAsksAndHowLongItWaits) {
  peer_node a({.id = "n1", .incarnation = 99}), b({.id = "n2"});
  std::promise<std::pair<identity, peer_request>> seen;
  b.handler.later([&](identity from, peer_request request, completion<peer_reply> reply) {
    seen.set_value({std::move(from), std::move(request)});
    std::move(reply)(hit("later"));
  });
  a.link_to(b, "n2");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("42"), 2s).get()), "later");
  const auto [from, request] = seen.get_future().get();
  EXPECT_EQ(from.id, "n1");
  EXPECT_EQ(from.incarnation, 99u);
  EXPECT_EQ(from.address, a.address());
  EXPECT_GT(request.timeout, 1s);
  EXPECT_LE(request.timeout, 2s);
  EXPECT_EQ(request.view_digest, 7u);
}

struct promising_watcher : call_watcher {
  void on_loading() override { told.set_value(); }

  std::promise<void> told;
};

TEST(PeerLinkTest, TheAskerHearsThatAGetLoadsBeforeItIsAnswered) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  std::promise<completion<peer_reply>> asked;
  b.handler.says_loading();
  b.handler.later([&](identity, peer_request, completion<peer_reply> reply) {
    asked.set_value(std::move(reply));
  });
  a.link_to(b, "n2");
  const auto watcher = std::make_shared<promising_watcher>();
  std::promise<result<peer_reply>> answered;
  auto done = [&](result<peer_reply> reply) { answered.set_value(std::move(reply)); };
  const auto deadline = a.loops().now() + 5s;
  a.network().call_watched(b.address(), {7, 5s, get_of("42")}, deadline, std::move(done), watcher);
  EXPECT_EQ(watcher->told.get_future().wait_for(5s), std::future_status::ready);
  auto answer = answered.get_future();
  EXPECT_EQ(answer.wait_for(0s), std::future_status::timeout);
  asked.get_future().get()(hit("later"));
  EXPECT_EQ(value_of(answer.get()), "later");
}

TEST(PeerLinkTest, ANodeKnowsWhenItHeardAPeerLast) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  echo_keys(b);
  EXPECT_EQ(a.network().heard(b.address()), time_point{});
  a.link_to(b, "n2");
  const auto before = a.loops().now();
  ASSERT_TRUE(a.ask(b.address(), get_of("1")).get());
  EXPECT_GE(a.network().heard(b.address()), before - 10ms);
  a.network().disconnect(b.address());
  const auto is_gone = [&] { return a.network().heard(b.address()) == time_point{}; };
  EXPECT_TRUE(eventually(is_gone));
}

TEST(PeerLinkTest, AThousandCallsAtOnceGetTheirOwnAnswers) {
  peer_node a({.id = "n1", .threads = 2}), b({.id = "n2", .threads = 2});
  echo_keys(b);
  b.handler.later([&](identity, peer_request request, completion<peer_reply> reply) {
    auto& batch = std::get<get_many_request>(request.body);
    get_many_reply answers;
    for (auto& key : batch.keys) answers.answers.push_back(std::get<get_reply>(hit(key).body));
    std::move(reply)(peer_reply{0, std::move(answers)});
  });
  a.link_to(b, "n2");
  std::vector<std::future<result<peer_reply>>> replies;
  for (int i = 0; i < 1000; ++i) {
    if (i % 10 == 0) {
      replies.push_back(a.ask(b.address(), get_many_request{"users", {std::to_string(i)}}));
    } else {
      replies.push_back(a.ask(b.address(), get_of(std::to_string(i))));
    }
  }
  for (int i = 0; i < 1000; ++i) {
    auto reply = replies[i].get();
    ASSERT_TRUE(reply) << reply.error();
    if (i % 10 == 0) {
      EXPECT_EQ(
          std::get<get_many_reply>(reply->body).answers.at(0).answer.entry.text(), std::to_string(i)
      );
    } else {
      EXPECT_EQ(value_of(reply), std::to_string(i));
    }
  }
}

TEST(PeerLinkTest, ASmallAnswerDoesNotWaitForALargeOne) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  const std::string large(48u << 20, 'L');
  b.handler.at_once([&](const peer_request& request, peer_reply& reply) {
    const bool wants_large = std::get<get_request>(request.body).key == "large";
    reply = hit(wants_large ? large : "small");
    return true;
  });
  a.link_to(b, "n2");
  auto slow = a.ask(b.address(), get_of("large"), 30s);
  auto quick = a.ask(b.address(), get_of("small"));
  EXPECT_EQ(value_of(quick.get()), "small");
  EXPECT_EQ(slow.wait_for(0s), std::future_status::timeout) << "the large one was still under way";
  EXPECT_EQ(value_of(slow.get()), large);
}

TEST(PeerLinkTest, ARequestWithALargeValueArrivesWhole) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  const std::string large(3u << 20, 'v');
  std::promise<bool> same;
  b.handler.later([&](identity, peer_request request, completion<peer_reply> reply) {
    same.set_value(std::get<change_request>(request.body).value.view() == large);
    std::move(reply)(peer_reply{0, change_reply{}});
  });
  a.link_to(b, "n2");
  change_request put{"users", change_kind::put, "k", bytes(large), {}, {}};
  EXPECT_TRUE(a.ask(b.address(), put).get());
  EXPECT_TRUE(same.get_future().get());
}

TEST(PeerLinkTest, TheDeadlineEndsACallThatIsNeverAnswered) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  a.link_to(b, "n2");
  const auto start = a.loops().now();
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("x"), 50ms).get()), "error deadline_exceeded");
  EXPECT_GE(a.loops().now() - start, 50ms);
  EXPECT_LT(a.loops().now() - start, 500ms);
  ASSERT_TRUE(b.handler.saw("kept"));
  b.handler.answer_kept(hit("too late"));
  echo_keys(b);
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("next")).get()), "next");
  EXPECT_EQ(a.network().counters().late_replies, 1u);
  EXPECT_EQ(a.network().counters().unknown_replies, 0u);
}

TEST(PeerLinkTest, ACallWithoutALinkFailsAtOnce) {
  peer_node a({.id = "n1"});
  EXPECT_EQ(value_of(a.ask("127.0.0.1:1", get_of("x")).get()), "error unavailable");
}

TEST(PeerLinkTest, ACallWhoseDeadlineHasPassedIsNotSent) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  a.link_to(b, "n2");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("x"), -1ms).get()), "error deadline_exceeded");
}

TEST(PeerLinkTest, TheDeathOfThePeerEndsItsCallsAtOnce) {
  peer_node a({.id = "n1"});
  auto b = std::make_unique<peer_node>(peer_node::setup{.id = "n2"});
  const auto address = b->address();
  a.link_to(*b, "n2");
  auto reply = a.ask(address, get_of("x"), 30s);
  ASSERT_TRUE(b->handler.saw("kept"));
  b.reset();
  EXPECT_EQ(value_of(reply.get()), "error unavailable");
  EXPECT_TRUE(a.handler.saw("down " + address + " reset"));
  EXPECT_TRUE(a.handler.saw("down " + address + " refused"));
}

TEST(PeerLinkTest, APeerThatReturnsIsFoundAgain) {
  peer_node a({.id = "n1"});
  auto b = std::make_unique<peer_node>(peer_node::setup{.id = "n2", .incarnation = 1});
  const auto address = b->address();
  a.link_to(*b, "n2");
  b.reset();
  ASSERT_TRUE(a.handler.saw("down " + address + " refused", 2));
  peer_node again({.id = "n2", .incarnation = 2, .listen = address});
  echo_keys(again);
  EXPECT_TRUE(a.handler.saw("up " + address + " n2", 2));
  EXPECT_EQ(value_of(a.ask(address, get_of("back")).get()), "back");
}

TEST(PeerLinkTest, AbandonFailsWhatIsPendingAndKeepsTheLink) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  a.link_to(b, "n2");
  auto reply = a.ask(b.address(), get_of("x"), 30s);
  ASSERT_TRUE(b.handler.saw("kept"));
  a.network().abandon(b.address());
  EXPECT_EQ(value_of(reply.get()), "error unavailable");
  b.handler.answer_kept(hit("ignored"));
  echo_keys(b);
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("next")).get()), "next");
}

TEST(PeerLinkTest, DisconnectEndsTheLinkAndDialsNoMore) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  a.link_to(b, "n2");
  auto reply = a.ask(b.address(), get_of("x"), 30s);
  ASSERT_TRUE(b.handler.saw("kept"));
  a.network().disconnect(b.address());
  EXPECT_EQ(value_of(reply.get()), "error unavailable");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("x")).get()), "error unavailable");
  EXPECT_TRUE(a.network().links().empty());
}

TEST(PeerLinkTest, ANodeThatWasNotDialledIsACandidate) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  a.link_to(b, "n2");
  EXPECT_TRUE(b.handler.saw("seen n1"));
}

TEST(PeerLinkTest, TwoNodesMayDialEachOther) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  echo_keys(a);
  echo_keys(b);
  a.link_to(b, "n2");
  b.link_to(a, "n1");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("to b")).get()), "to b");
  EXPECT_EQ(value_of(b.ask(a.address(), get_of("to a")).get()), "to a");
}

TEST(PeerLinkTest, AnAddressMayBeAName) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  echo_keys(b);
  const auto by_name = "localhost" + b.address().substr(b.address().find(':'));
  a.network().connect(by_name);
  ASSERT_TRUE(a.handler.saw("up " + by_name + " n2"));
  EXPECT_EQ(value_of(a.ask(by_name, get_of("k")).get()), "k");
}

TEST(PeerLinkTest, ANameThatDoesNotExistIsReportedAsDown) {
  peer_node a({.id = "n1"});
  a.network().connect("no-such-name.invalid:7420");
  EXPECT_TRUE(a.handler.saw("down no-such-name.invalid:7420 timeout"));
}

TEST(PeerLinkTest, PingsMeasureTheRoundTrip) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  b.handler.at_once([](const peer_request&, peer_reply& reply) {
    reply.body = ping_reply{};
    return true;
  });
  a.link_to(b, "n2");
  EXPECT_TRUE(a.ask(b.address(), ping_request{}).get());
  const auto links = a.network().links();
  ASSERT_EQ(links.size(), 1u);
  EXPECT_TRUE(links[0].up);
  EXPECT_EQ(links[0].id, "n2");
  EXPECT_GT(links[0].rtt.count(), 0);
  EXPECT_EQ(links[0].answered, 1u);
}

TEST(PeerLinkTest, TellsHowTheRequestsOfEachPeerEnded) {
  peer_node a({.id = "n1"});
  std::string address;
  {
    peer_node b({.id = "n2"});
    address = b.address();
    a.link_to(b, "n2");
    auto kept = a.ask(address, get_many_request{"users", {"k"}});
    ASSERT_TRUE(b.handler.saw("kept"));
    a.network().abandon(address);
    EXPECT_EQ(kept.get().error(), errc::unavailable);
    auto late = a.ask(address, get_many_request{"users", {"k"}}, 20ms);
    EXPECT_EQ(late.get().error(), errc::deadline_exceeded);
  }
  EXPECT_TRUE(a.handler.saw("down " + address + " reset"));
  const auto links = a.network().links();
  ASSERT_EQ(links.size(), 1u);
  EXPECT_EQ(links[0].id, "n2") << "the last one, while the link is down";
  EXPECT_EQ(links[0].answered, 0u);
  EXPECT_EQ(links[0].timed_out, 1u);
  EXPECT_EQ(links[0].lost, 1u);
}

TEST(PeerLinkTest, WhatIsOverALimitIsNotSent) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  a.link_to(b, "n2");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("")).get()), "error bad_key");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of(std::string(5000, 'k'))).get()), "error too_large");
  EXPECT_EQ(value_of(a.ask(b.address(), get_request{"No Such", "k"}).get()), "error no_keyspace");
}

TEST(PeerLinkTest, CoroutinesAwaitCallsOnTheirOwnLoop) {
  peer_node a({.id = "n1", .threads = 2}), b({.id = "n2"});
  echo_keys(b);
  a.link_to(b, "n2");
  std::promise<std::string> all;
  auto body = [&]() -> asio::awaitable<void> {
    std::string got;
    for (int i = 0; i < 100; ++i) {
      peer_request request{0, 1s, get_of(std::to_string(i))};
      auto initiate = [&](auto handler) {
        a.network().call(b.address(), std::move(request), a.loops().now() + 1s, std::move(handler));
      };
      auto reply =
          co_await asio::async_initiate<const asio::use_awaitable_t<>, void(result<peer_reply>)>(
              initiate, asio::use_awaitable
          );
      got += value_of(reply) + ",";
    }
    all.set_value(got);
  };
  asio::co_spawn(a.loops().executor(), body, asio::detached);
  std::string expected;
  for (int i = 0; i < 100; ++i) expected += std::to_string(i) + ",";
  EXPECT_EQ(all.get_future().get(), expected);
}

TEST(PeerLinkTest, StopWaitsForTheHandlerAndEndsEveryCall) {
  peer_node a({.id = "n1"}), b({.id = "n2"});
  a.link_to(b, "n2");
  auto reply = a.ask(b.address(), get_of("x"), 30s);
  ASSERT_TRUE(b.handler.saw("kept"));
  a.network().stop();
  EXPECT_EQ(value_of(reply.get()), "error unavailable");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("x")).get()), "error unavailable");
}

// ---- who may be a peer
// ---------------------------------------------------------------------------------------

TEST(PeerHandshakeTest, ANodeOfAnotherClusterIsRejected) {
  peer_node a({.id = "n1", .cluster = "blue"}), b({.id = "n2", .cluster = "green"});
  a.network().connect(b.address());
  EXPECT_TRUE(a.handler.saw("down " + b.address() + " rejected"));
  EXPECT_TRUE(a.logged("cluster"));
}

TEST(PeerHandshakeTest, ANodeDoesNotBecomeItsOwnPeer) {
  peer_node a({.id = "n1"});
  a.network().connect(a.address());
  EXPECT_TRUE(a.handler.saw("down " + a.address() + " rejected"));
  EXPECT_TRUE(a.logged("reached itself"));
}

TEST(PeerHandshakeTest, AnotherProcessWithThisNodesIdIsRejected) {
  peer_node a({.id = "n1", .incarnation = 1}), b({.id = "n1", .incarnation = 2});
  a.network().connect(b.address());
  EXPECT_TRUE(a.handler.saw("down " + b.address() + " rejected"));
}

TEST(PeerHandshakeTest, ADoubledIdIsRejectedWhileTheFirstLives) {
  peer_node a({.id = "n1"}), b({.id = "n2", .incarnation = 1}), c({.id = "n2", .incarnation = 2});
  a.link_to(b, "n2");
  a.network().connect(c.address());
  EXPECT_TRUE(a.handler.saw("down " + c.address() + " rejected"));
  EXPECT_TRUE(a.logged("another living process (" + b.address() + ") uses node id \"n2\""));
  EXPECT_TRUE(
      c.handler.saw("conflict another living process (" + b.address() + ") uses node id \"n2\"")
  );
}

TEST(PeerHandshakeTest, ATwinIsToldWhereTheOtherIs) {
  peer_node a({.id = "n1", .incarnation = 1}), b({.id = "n1", .incarnation = 2});
  a.network().connect(b.address());
  EXPECT_TRUE(
      a.handler.saw("own conflict another living process (" + b.address() + ") uses node id \"n1\"")
  );
}

}  // namespace
}  // namespace weir
