// What an engine believes of whom, and what it shows of its members.

#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>

#include <boost/asio/post.hpp>
#include <gmock/gmock.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <set>

namespace weir {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

/// Peers that never answer; links come up when the test says so.
class mute_network final : public peer_network {
 public:
  explicit mute_network(environment& env) : env_(env) {}

  void connect(const std::string& address) override {
    const std::lock_guard lock(mutex_);
    dialled_.insert(address);
  }

  void disconnect(const std::string&) override {}

  void call(const std::string&, peer_request, time_point, completion<result<peer_reply>> done)
      override {
    asio::post(env_.executor(), [done = std::move(done)]() mutable {
      std::move(done)(make_error_code(errc::unavailable));
    });
  }

  void abandon(const std::string&) override {}

  std::size_t dialled() const {
    const std::lock_guard lock(mutex_);
    return dialled_.size();
  }

 private:
  environment& env_;
  mutable std::mutex mutex_;
  std::set<std::string> dialled_;
};

class MembershipTest : public testing::Test {
 protected:
  MembershipTest() {
    node_.on_event([this](const cluster_event& event) {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
      changed_.notify_all();
    });
    node_.join(network_);
    node_.set_candidates({{"n2", "10.0.0.2:7420"}});
  }

  ~MembershipTest() override {
    node_.stop();
    runtime_.stop();
  }

  static identity of(const std::string& id, std::uint64_t incarnation = 7) {
    return {
        .cluster = "test",
        .id = id,
        .incarnation = incarnation,
        .address = "10.0.0." + id.substr(1) + ":7420"};
  }

  void link_up(const std::string& id) { node_.on_link_up(of(id).address, of(id)); }

  template <class Reply>
  Reply ask(const identity& from, request_body body) {
    std::promise<peer_reply> answer;
    node_.serve(from, {.body = std::move(body)}, [&](peer_reply reply) {
      answer.set_value(std::move(reply));
    });
    return std::get<Reply>(answer.get_future().get().body);
  }

  ping_reply ping(const identity& from, ping_request request = {}) {
    request.life = from.incarnation;
    return ask<ping_reply>(from, std::move(request));
  }

  member_status status(const std::string& id) {
    for (const auto& each : node_.members()) {
      if (each.id == id) return each;
    }
    return {};
  }

  /// The details of the events of that name, once there are `count` of them.
  std::vector<std::string> events(const std::string& name, std::size_t count) {
    std::vector<std::string> out;
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 10s, [&] {
      out.clear();
      for (const auto& each : events_) {
        if (each.name == name) out.push_back(each.detail);
      }
      return out.size() >= count;
    });
    return out;
  }

  runtime runtime_{{.threads = 1}};
  mute_network network_{runtime_};
  engine node_{runtime_, of("n1")};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<cluster_event> events_;
};

ping_request naming(const std::vector<std::string>& ids) {
  auto state = std::make_shared<electorate_state>();
  for (const auto& id : ids) state->members.push_back({id, 1});
  state->views = {ids};
  ping_request out;
  out.note = {.digest = 99, .state = state};
  return out;
}

TEST_F(MembershipTest, AStrangersNoteIsNotBelieved) {
  const auto pong = ping(of("n9"), naming({"x1", "x2", "x3", "x4", "x5"}));
  EXPECT_FALSE(pong.is_granted);
  EXPECT_EQ(node_.lease().members, 2u) << "n1 and n2, as discovery says";
}

TEST_F(MembershipTest, AMembersNoteIs) {
  EXPECT_FALSE(ping(of("n2")).is_granted) << "named, but not met yet";
  link_up("n2");
  ping(of("n2"), naming({"n1", "n2", "n3"}));
  EXPECT_EQ(node_.lease().members, 3u);
}

TEST_F(MembershipTest, ANewcomerThatDiscoveryDoesNotNameIsDialledAndThenBelieved) {
  const auto dialled = network_.dialled();
  EXPECT_FALSE(ping(of("n4")).is_granted);
  EXPECT_EQ(network_.dialled(), dialled + 1);
  link_up("n4");
  EXPECT_TRUE(ping(
                  of("n4"),
                  [] {
                    ping_request empty;
                    empty.is_empty = true;
                    return empty;
                  }()
  )
                  .is_granted);
  EXPECT_EQ(node_.lease().members, 3u);
}

TEST_F(MembershipTest, AnAddressThatNothingSpeaksForIsNotDialled) {
  const auto dialled = network_.dialled();
  auto odd = of("n4");
  odd.address.clear();
  ping(odd);
  EXPECT_EQ(network_.dialled(), dialled);
}

TEST_F(MembershipTest, ThousandsOfForgedHellosCostAFewPlaces) {
  for (int i = 0; i != 3'000; ++i) {
    node_.on_peer_seen(
        {.cluster = "test",
         .id = "x" + std::to_string(i),
         .incarnation = 1,
         .address = "10.9.0.1:" + std::to_string(1'000 + i)}
    );
  }
  EXPECT_EQ(node_.members().size(), 2u + 32u);
  EXPECT_EQ(network_.dialled(), 1u + 32u);
}

vote_request forged_vote(const std::string& missing, int round) {
  vote_request out;
  out.missing = {missing, 1};
  for (int i = 0; i != 1'000; ++i) {
    change_record record;
    record.keyspace = "users";
    record.key = std::to_string(round) + '-' + std::to_string(i) + std::string(400, 'k');
    out.records.push_back(std::move(record));
  }
  return out;
}

TEST_F(MembershipTest, HintsForInventedIdsAreIgnoredAndCounted) {
  for (int i = 0; i != 100; ++i) {
    const auto reply = ask<vote_reply>(of("n9"), forged_vote("ghost" + std::to_string(i), i));
    EXPECT_EQ(reply.kept, 0u);
    EXPECT_FALSE(reply.is_leaseless);
  }
  EXPECT_EQ(node_.changes().hint_bytes, 0u);
  EXPECT_EQ(node_.changes().votes_ignored, 100u);
}

TEST_F(MembershipTest, HintsForAMemberAreBoundedInBytes) {
  link_up("n2");
  for (int i = 0; i != 60; ++i) {
    EXPECT_EQ(ask<vote_reply>(of("n2"), forged_vote("n2", i)).kept, 1'000u);
    EXPECT_LE(node_.changes().hint_bytes, 16u << 20);
  }
  EXPECT_TRUE(ping(of("n2")).must_flush) << "what does not fit becomes: drop everything";
}

/// Records `first` to `last` of those that "n2" has not confirmed from `since` on.
vote_request vote_about(std::uint64_t since, std::uint64_t first, std::uint64_t last) {
  vote_request out;
  out.missing = {"n2", 1};
  out.since = since;
  out.first = first;
  for (auto number = first; number <= last; ++number) {
    out.records.push_back({.keyspace = "users", .key = std::to_string(number)});
  }
  return out;
}

TEST_F(MembershipTest, AVoterIsToldOnlyWhatItDoesNotKeepYet) {
  link_up("n2");
  const auto kept = [&](vote_request vote, std::uint64_t life = 7) {
    return ask<vote_reply>(of("n2", life), std::move(vote)).kept;
  };
  EXPECT_EQ(kept(vote_about(1, 1, 3)), 3u);
  EXPECT_EQ(kept(vote_about(1, 4, 5)), 5u);
  EXPECT_EQ(node_.changes().hints, 5u);
  EXPECT_EQ(kept(vote_about(1, 6, 5)), 5u) << "asked once more about the same";
  EXPECT_EQ(kept(vote_about(1, 9, 9)), 5u) << "6 to 8 are missing: its word would stand for them";
  EXPECT_EQ(node_.changes().hints, 5u);
  EXPECT_EQ(kept(vote_about(9, 9, 9)), 9u) << "those before are settled";
  EXPECT_EQ(kept(vote_about(1, 2, 2), 8), 0u) << "another life counts anew";
  auto flush = vote_about(1, 20, 19);
  flush.must_flush = true;
  EXPECT_EQ(kept(std::move(flush), 8), 19u);
  EXPECT_TRUE(ping(of("n2")).must_flush);
}

TEST_F(MembershipTest, AMemberThatDrainsAndGoesIsShownAsSuch) {
  link_up("n2");
  EXPECT_EQ(status("n2").state, member_state::reachable);
  ping_request draining;
  draining.is_draining = true;
  ping(of("n2"), draining);
  EXPECT_EQ(status("n2").state, member_state::draining);
  ask<leave_reply>(of("n2"), leave_request{});
  EXPECT_EQ(status("n2").state, member_state::draining) << "it still answers";
  node_.on_link_down(of("n2").address, link_loss::refused);
  const auto gone = status("n2");
  EXPECT_EQ(gone.state, member_state::left);
  EXPECT_FALSE(gone.is_granting);
  EXPECT_EQ(gone.last_failure, "");
  EXPECT_LT(gone.since, 10s);
}

TEST_F(MembershipTest, AMemberThatDiesIsUnreachable) {
  link_up("n2");
  node_.on_link_down(of("n2").address, link_loss::refused);
  const auto gone = status("n2");
  EXPECT_EQ(gone.state, member_state::unreachable);
  EXPECT_EQ(gone.last_failure, "refused");
  EXPECT_LT(gone.failed_since, 10s);
}

TEST_F(MembershipTest, WhomDiscoveryForgotKeepsItsIdWhileItCounts) {
  link_up("n2");
  node_.on_link_down(of("n2").address, link_loss::reset);
  node_.set_candidates({{"n3", "10.0.0.3:7420"}});
  EXPECT_EQ(status("n2").state, member_state::unreachable);
  EXPECT_EQ(status("n2").address, "") << "nobody names it";
}

TEST_F(MembershipTest, ARingThatChangesOftenIsToldSeldomAndByName) {
  events("ring.changed", 1);
  link_up("n2");
  ping_request with_slots;
  with_slots.slot_turns = 1;
  ping(of("n2"), with_slots);
  node_.set_candidates({{"n2", "10.0.0.2:7420"}, {"n3", "10.0.0.3:7420"}});
  link_up("n3");
  ping(of("n3"), with_slots);
  node_.on_link_down(of("n3").address, link_loss::reset);
  const auto told = events("ring.changed", 2);
  ASSERT_GE(told.size(), 2u);
  EXPECT_EQ(told[0], "2 nodes in the ring; came: n2");
  EXPECT_THAT(told.back(), AllOf(HasSubstr("2 nodes in the ring; "), HasSubstr("n3")));
  EXPECT_LE(told.size(), 3u) << "one line for what changes within 0.1 s, two on a busy machine";
}

TEST_F(MembershipTest, AnIdThatAnotherProcessUsesIsSaidInTheLeaseLine) {
  const std::string text = "another living process (10.0.0.7:7420) uses node id \"n1\"";
  node_.on_id_conflict({.text = text, .is_said_by_other = true});
  ASSERT_TRUE(node_.id_conflict());
  EXPECT_EQ(node_.lease().why, "no lease: " + text);
  EXPECT_EQ(events("node.id_taken", 1).size(), 1u);
  link_up("n2");
  EXPECT_FALSE(node_.id_conflict()) << "somebody takes it for what it is";
}

}  // namespace
}  // namespace weir
