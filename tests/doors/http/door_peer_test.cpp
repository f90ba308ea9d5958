// The door of a node with a peer: what comes from elsewhere, and changes that not everybody
// confirms.
#include "tests/doors/http/door_support.hpp"

#include <future>

namespace weir::test {
namespace {

class DoorPeer : public door_fixture {
 protected:
  DoorPeer() {
    add_peer();
    owned_by_peer_ = key_of("n2");
    owned_here_ = key_of("n1");
  }

  /// n2 answers gets with `value` from `from`.
  void peer_has(std::string_view value, origin from, version v = {0xa, 0x1f}) {
    peer.answers([=](const peer_request& request) -> result<peer_reply> {
      get_reply reply;
      reply.answer.found = true;
      reply.answer.entry.value = bytes(value);
      reply.answer.entry.version = v;
      reply.answer.entry.ttl = milliseconds(57'900);
      reply.answer.entry.age = milliseconds(2'000);
      reply.answer.entry.from = from;
      return peer_reply{request.view_digest, reply};
    });
  }

  void peer_answers_changes_with(result<change_reply> with) {
    peer.answers([=](const peer_request& request) -> result<peer_reply> {
      if (!with) return with.error();
      return peer_reply{request.view_digest, *with};
    });
  }

  /// n2 takes no changes and holds a lease, as it asked for it just now; this node is settled:
  /// before, too few take note of a change.
  void peer_is_deaf() {
    peer_answers_changes_with(errc::unavailable);
    ASSERT_TRUE(eventually([&] {
      return request("PURGE", "/v1/users/" + owned_here_, soon).status == 200u;
    }));
    std::promise<void> granted;
    peer_request ping{.body = ping_request{.life = scripted_peer::life}};
    engine_.serve({.id = "n2"}, std::move(ping), [&](peer_reply) { granted.set_value(); });
    granted.get_future().wait();
  }

  // Shorter than the lease of a node that does not confirm.
  static constexpr auto soon = "Weir-Timeout: 200ms\r\n";

  std::string owned_by_peer_, owned_here_;
};

TEST_F(DoorPeer, AHitElsewhereNamesTheOtherNodeFirst) {
  peer_has("Ada", {.from = served_from::memory, .stored = true});
  const auto got = get("/v1/users/" + owned_by_peer_);
  EXPECT_EQ(got.body, "Ada");
  EXPECT_EQ(field(got, "Cache-Status"), "n2; hit; ttl=57, n1; fwd=miss");
  EXPECT_EQ(field(got, "Age"), "2");
  EXPECT_EQ(field(got, "ETag"), "\"a-1f\"");
}

TEST_F(DoorPeer, ALoadElsewhereShowsBothMisses) {
  peer_has("Ada", {.from = served_from::load, .stored = true});
  const auto got = get("/v1/users/" + owned_by_peer_);
  EXPECT_EQ(field(got, "Cache-Status"), "n2; fwd=miss; stored, n1; fwd=miss");
}

TEST_F(DoorPeer, AValueWithoutVersionHasNoEntityTag) {
  peer_has("Ada", {.from = served_from::load}, {});
  EXPECT_EQ(field(get("/v1/users/" + owned_by_peer_), "ETag"), "");
}

TEST_F(DoorPeer, WhenTheOwnerCannotBeAskedThisNodeLoadsAsGutter) {
  source->has(owned_by_peer_, "Ada");
  peer.answers([](const peer_request&) { return result<peer_reply>(errc::unavailable); });
  const auto got = get("/v1/users/" + owned_by_peer_);
  EXPECT_EQ(got.body, "Ada");
  EXPECT_EQ(field(got, "ETag"), "");
  EXPECT_THAT(field(got, "Cache-Status"), testing::HasSubstr("detail=gutter"));
}

TEST_F(DoorPeer, WhenThePeerLacksTheKeyspaceTheValuePassesThrough) {
  source->has(owned_by_peer_, "Ada");
  peer.answers([](const peer_request& request) -> result<peer_reply> {
    return peer_reply{request.view_digest, get_reply{.error = errc::no_keyspace}};
  });
  const auto got = get("/v1/users/" + owned_by_peer_);
  EXPECT_EQ(got.body, "Ada");
  EXPECT_EQ(field(got, "Cache-Status"), "n1; fwd=miss; detail=passthrough");
}

TEST_F(DoorPeer, APeerThatBreaksTheProtocolIsUnavailable) {
  peer.answers([](const peer_request&) { return result<peer_reply>(errc::protocol); });
  EXPECT_EQ(code_of(get("/v1/users/" + owned_by_peer_)), "unavailable");
}

TEST_F(DoorPeer, APurgeThatANodeDidNotConfirmInTimeIsPartial) {
  peer_is_deaf();
  const auto done = request("PURGE", "/v1/users/" + owned_here_, soon);
  EXPECT_EQ(done.status, 202u);
  const auto told = json_of(done);
  ASSERT_EQ(told.at("nodes").as_array().size(), 1u);
  EXPECT_EQ(told.at("nodes").as_array()[0].as_string(), "n2");
  EXPECT_GT(told.at("bound_ms").to_number<int>(), 0);
}

TEST_F(DoorPeer, APurgeOfManyKeysNamesEachNodeOnce) {
  peer_is_deaf();
  std::string keys;
  for (int i = 0; i != 100; ++i) {
    const auto key = std::to_string(i);
    if (engine_.place_of("users", key).owner != "n1") continue;
    keys += (keys.empty() ? "\"" : ",\"") + key + "\"";
  }
  const auto done = request("POST", "/v1/users?purge", soon, "{\"keys\":[" + keys + "]}");
  EXPECT_EQ(done.status, 202u);
  EXPECT_EQ(json_of(done).at("nodes").as_array().size(), 1u);
}

TEST_F(DoorPeer, APurgeOfManyKeysSaysHowManyFailed) {
  peer_answers_changes_with(change_reply{.version = {}, .error = errc::overloaded, .view = {}});
  const auto body = "{\"keys\":[\"" + owned_by_peer_ + "\",\"" + owned_by_peer_ + "\"]}";
  const auto done = post("/v1/users?purge", body);
  EXPECT_EQ(code_of(done), "overloaded");
  EXPECT_EQ(field(done, "Retry-After"), "1");
  EXPECT_THAT(done.body, testing::HasSubstr("2 of 2 keys"));
}

TEST_F(DoorPeer, APutThatItsOwnerDidNotTakeDidNotHappen) {
  peer_answers_changes_with(change_reply{.version = {}, .error = errc::unavailable, .view = {}});
  const auto done = put("/v1/notes/" + key_of("n2", "notes"), "x");
  EXPECT_EQ(done.status, 503u);
  EXPECT_EQ(code_of(done), "unavailable");
}

TEST_F(DoorPeer, APutThatANodeDidNotConfirmInTimeIsPartialAndHasItsVersion) {
  peer_is_deaf();
  const auto done = put("/v1/notes/" + key_of("n1", "notes"), "x", soon);
  EXPECT_EQ(done.status, 202u);
  EXPECT_NE(field(done, "ETag"), "");
  EXPECT_EQ(field(done, "Weir-Stored"), "cache");
  EXPECT_EQ(json_of(done).at("nodes").as_array()[0].as_string(), "n2");
}

TEST_F(DoorPeer, APutAtTheOwnerGivesTheOwnersVersion) {
  peer_answers_changes_with(change_reply{.version = {0xb, 2}, .error = {}, .view = {}});
  const auto done = put("/v1/notes/" + key_of("n2", "notes"), "x");
  EXPECT_EQ(done.status, 204u);
  EXPECT_EQ(field(done, "ETag"), "\"b-2\"");
}

TEST_F(DoorPeer, APutThatWasSentAndNotAnsweredMayHaveHappened) {
  peer_answers_changes_with(errc::deadline_exceeded);
  const auto done = put("/v1/notes/" + key_of("n2", "notes"), "x");
  EXPECT_EQ(done.status, 500u);
  EXPECT_EQ(code_of(done), "unknown_outcome");
}

TEST_F(DoorPeer, ExplainShowsTheHop) {
  peer_has("Ada", {.from = served_from::memory, .stored = true});
  const auto told = get("/v1/users/" + owned_by_peer_ + "?explain");
  EXPECT_THAT(told.body, testing::HasSubstr("\"step\":\"peer\""));
  EXPECT_THAT(told.body, testing::HasSubstr("n2 answered"));
}

}  // namespace
}  // namespace weir::test
