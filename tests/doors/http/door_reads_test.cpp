// What reads count as when a second node is in play, and what nodes tell of themselves.
#include "tests/doors/http/door_support.hpp"

#include <weir/engine/session.hpp>

#include <future>
#include <optional>

namespace weir::test {
namespace {

class DoorReads : public door_fixture {
 protected:
  DoorReads() {
    add_peer();
    far_ = key_of("n2");
    near_ = key_of("n1");
  }

  static get_reply reply_with(origin from, version v) {
    get_reply reply;
    reply.answer.found = true;
    reply.answer.entry.value = bytes("Ada");
    reply.answer.entry.version = v;
    reply.answer.entry.ttl = milliseconds(57'900);
    reply.answer.entry.from = from;
    return reply;
  }

  /// n2 answers every get so, alone or in a batch.
  void peer_has(origin from, version v = {0xa, 0x1f}) {
    peer.answers([=](const peer_request& request) -> result<peer_reply> {
      const auto one = reply_with(from, v);
      const auto* many = std::get_if<get_many_request>(&request.body);
      if (many == nullptr) return peer_reply{request.view_digest, one};
      get_many_reply all;
      all.answers.assign(many->keys.size(), one);
      return peer_reply{request.view_digest, all};
    });
  }

  std::uint64_t count(read_outcome from) const {
    return users_.stats().reads[static_cast<std::size_t>(from)];
  }

  std::uint64_t all() const {
    std::uint64_t sum = 0;
    for (const auto each : users_.stats().reads) sum += each;
    return sum;
  }

  void get_far() { EXPECT_EQ(get("/v1/users/" + far_).status, 200u); }

  std::string far_, near_;
};

TEST_F(DoorReads, OfWhatTheOwnerKeepsAreOfTheOwner) {
  peer_has({.from = served_from::memory, .stored = true});
  get_far();
  EXPECT_EQ(post("/v1/users?get", R"({"keys":[")" + far_ + R"("]})").status, 200u);
  users_.get(far_).value();
  EXPECT_EQ(users_.get_many({far_}).size(), 1u);
  EXPECT_EQ(count(read_outcome::owner), 4u);
  EXPECT_EQ(all(), 4u);
}

TEST_F(DoorReads, OfALoadAtTheOwnerAreOfTheSource) {
  peer_has({.from = served_from::load, .stored = true});
  get_far();
  EXPECT_EQ(users_.get_many({far_}).size(), 1u);
  EXPECT_EQ(count(read_outcome::source), 2u);
  EXPECT_EQ(all(), 2u);
}

TEST_F(DoorReads, OfALoadThatAnotherReadBeganAtTheOwnerAreJoined) {
  peer_has({.from = served_from::load, .collapsed = true, .stored = true});
  get_far();
  EXPECT_EQ(count(read_outcome::joined), 1u);
  EXPECT_EQ(all(), 1u);
}

TEST_F(DoorReads, OfWhatAFormerOwnerHandedOverAreNoLoads) {
  peer_has({.from = served_from::peer, .stored = true});
  get_far();
  EXPECT_EQ(count(read_outcome::owner), 1u);
}

TEST_F(DoorReads, OfWhatTheGutterNodeKeepsAreOfTheGutter) {
  source->has(far_, "Ada");
  peer.answers([](const peer_request&) { return result<peer_reply>(errc::unavailable); });
  get_far();
  get_far();
  EXPECT_EQ(count(read_outcome::source), 1u);
  EXPECT_EQ(count(read_outcome::gutter), 1u);
  EXPECT_EQ(all(), 2u);
  EXPECT_EQ(users_.stats().gutter_answers, 2u);
}

TEST_F(DoorReads, ThatNobodyMayKeepArePassedAndNoHits) {
  source->has(far_, "Ada");
  peer.answers([](const peer_request& request) -> result<peer_reply> {
    return peer_reply{request.view_digest, get_reply{.error = errc::no_keyspace}};
  });
  get_far();
  EXPECT_EQ(count(read_outcome::passed), 1u);
  EXPECT_EQ(all(), 1u);
  EXPECT_DOUBLE_EQ(hit_ratio(users_.stats().reads).value(), 0);
}

TEST_F(DoorReads, OfOtherNodesCountThere) {
  source->has(near_, "Ada");
  for (int i = 0; i != 2; ++i) {
    peer_request asked{
        .view_digest = engine_.view_digest(),
        .body = get_request{.keyspace = "users", .key = near_},
    };
    peer_reply at_once;
    if (engine_.try_serve(asked, at_once)) continue;
    std::promise<void> served;
    engine_.serve({.id = "n2"}, std::move(asked), [&](peer_reply) { served.set_value(); });
    served.get_future().wait();
  }
  EXPECT_EQ(users_.stats().hits, 1u);
  EXPECT_EQ(users_.stats().loads_value, 1u);
  EXPECT_EQ(all(), 0u);
}

TEST_F(DoorReads, OnAConnectionWithChangesOfItsOwnCountOnce) {
  source->has(near_, "Ada");
  EXPECT_EQ(get("/v1/users/" + near_).status, 200u);
  auto client = connect();
  const auto line = [&](const char* method) {
    return std::string(method) + " /v1/users/" + near_ +
           " HTTP/1.1\r\nHost: test\r\nWeir-Timeout: 500ms\r\n\r\n";
  };
  client.send(line("PURGE")).receive();
  for (int i = 0; i != 3; ++i) EXPECT_EQ(client.send(line("GET")).receive().status, 200u);
  EXPECT_EQ(all(), 4u);
}

TEST_F(DoorReads, OfASessionCountOnce) {
  source->has(near_, "Ada");
  session own(users_, runtime_);
  own.get(near_).value();
  own.get(near_).value();
  EXPECT_EQ(all(), 2u);
}

class DoorStats : public DoorReads {
 protected:
  /// Nothing: n2 does not answer in time.
  void peer_reports(std::optional<report_reply> with) {
    peer.answers([=](const peer_request& request) -> result<peer_reply> {
      if (!std::holds_alternative<report_request>(request.body)) return errc::unavailable;
      if (!with) return errc::deadline_exceeded;
      return peer_reply{request.view_digest, *with};
    });
  }

  const boost::json::object& node_of(const boost::json::value& told, std::size_t i) {
    return told.at("nodes").as_array().at(i).as_object();
  }
};

TEST_F(DoorStats, AreThoseOfTheAskedNode) {
  source->has(near_, "Ada");
  get("/v1/users/" + near_);
  get("/v1/users/" + near_);
  const auto told = json_of(get("/cluster/stats"));
  EXPECT_EQ(told.at("asked").as_string(), "n1");
  EXPECT_EQ(told.at("members").to_number<int>(), 2);
  EXPECT_EQ(told.at("duration_bounds").as_array().size(), duration_bounds.size());
  ASSERT_EQ(told.at("nodes").as_array().size(), 1u);
  const auto users = node_of(told, 0).at("keyspaces").as_array().at(1);
  EXPECT_EQ(users.at("name").as_string(), "users");
  EXPECT_EQ(users.at("stats").at("reads").at("memory").to_number<int>(), 1);
  EXPECT_EQ(users.at("stats").at("reads").at("source").to_number<int>(), 1);
  EXPECT_DOUBLE_EQ(users.at("stats").at("hit_ratio").as_double(), 0.5);
  const auto& gets = users.at("durations").at("get");
  EXPECT_EQ(gets.at("count").to_number<int>(), 2);
  EXPECT_GT(gets.at("p99_ms").to_number<double>(), 0);
  EXPECT_GE(gets.at("p99_ms").to_number<double>(), gets.at("p50_ms").to_number<double>());
  EXPECT_EQ(gets.at("buckets").as_array().size(), duration_bounds.size() + 1);
}

TEST_F(DoorStats, OfAllNodesHoldWhatTheOthersTell) {
  peer_reports(report_reply{.error = {}, .text = R"({"node":"n2","keyspaces":[]})"});
  const auto told = json_of(get("/cluster/stats?all"));
  ASSERT_EQ(told.at("nodes").as_array().size(), 2u);
  EXPECT_EQ(node_of(told, 0).at("node").as_string(), "n1");
  EXPECT_EQ(node_of(told, 1).at("node").as_string(), "n2");
  EXPECT_TRUE(node_of(told, 1).at("keyspaces").is_array());
}

TEST_F(DoorStats, OfAllNodesNameWhoDidNotTell) {
  const std::vector<std::optional<report_reply>> outcomes{
      std::nullopt,
      report_reply{.error = errc::too_large, .text = {}},
      report_reply{.error = {}, .text = "no document"},
  };
  for (const auto& with : outcomes) {
    peer_reports(with);
    const auto told = json_of(get("/cluster/stats?all"));
    ASSERT_EQ(told.at("nodes").as_array().size(), 2u);
    EXPECT_EQ(node_of(told, 1).at("node").as_string(), "n2");
    const auto why = !with ? "deadline_exceeded" : with->error ? "too_large" : "protocol";
    EXPECT_EQ(node_of(told, 1).at("error").as_string(), why);
  }
}

TEST_F(DoorStats, AreToldToOthersWhoAsk) {
  engine_.set_report([this] { return door_.report(); });
  std::promise<peer_reply> answered;
  peer_request asked{.view_digest = engine_.view_digest(), .body = report_request{}};
  engine_.serve({.id = "n2"}, std::move(asked), [&](peer_reply reply) {
    answered.set_value(std::move(reply));
  });
  const auto reply = answered.get_future().get();
  EXPECT_EQ(std::get<report_reply>(reply.body).text, door_.report());
}

}  // namespace
}  // namespace weir::test
