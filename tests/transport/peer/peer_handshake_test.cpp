#include "transport/peer/peer_handshake.hpp"

#include "tests/support/enum_names.hpp"
#include "transport/peer/peer_calls.hpp"
#include "transport/peer/remark_limiter.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace weir {
namespace {

using kind = peer_handshake::outcome::kind;
using namespace std::chrono_literals;

const identity me{"test", "n1", 10, 1, "10.0.0.1:7420"};
const identity other{"test", "n2", 20, 1, "10.0.0.2:7420"};

frame_message parse(const std::string& bytes) {
  static std::string kept;
  kept = bytes;
  frame_decoder decoder;
  std::string_view rest = kept;
  frame_message message;
  EXPECT_EQ(decoder.next(rest, message), frame_decoder::status::message);
  return message;
}

peer_handshake::outcome answer_to(
    hello greeting, peer_side side = peer_side::acceptor, const admission& admit = {}
) {
  std::string bytes;
  append_hello(bytes, greeting);
  const peer_handshake handshake(side, me);
  return handshake.on_message(parse(bytes), admit);
}

std::optional<refusal_reason> reason_of(const hello& greeting, const admission& admit = {}) {
  const auto why = judge_hello(greeting, {me}, admit);
  return why ? std::optional(why->reason) : std::nullopt;
}

TEST(PeerHandshakeRulesTest, TheDiallerSpeaksFirst) {
  EXPECT_FALSE(peer_handshake(peer_side::dialler, me).opening().empty());
  EXPECT_TRUE(peer_handshake(peer_side::acceptor, me).opening().empty());
}

TEST(PeerHandshakeRulesTest, TheAcceptorAnswersAHelloWithItsOwn) {
  const auto outcome = answer_to({other});
  EXPECT_EQ(outcome.what, kind::up);
  EXPECT_EQ(outcome.peer.id, "n2");
  EXPECT_EQ(outcome.peer.incarnation, 20u);
  EXPECT_EQ(outcome.peer.address, "10.0.0.2:7420");
  EXPECT_EQ(parse(outcome.send).header.type, frame_type::hello);
}

TEST(PeerHandshakeRulesTest, TheDiallerIsUpWithTheAcceptorsHello) {
  const auto outcome = answer_to({other}, peer_side::dialler);
  EXPECT_EQ(outcome.what, kind::up);
  EXPECT_TRUE(outcome.send.empty());
}

TEST(PeerHandshakeRulesTest, B9_RefusesWhoCannotBeAPeer) {
  auto foreign = other;
  foreign.cluster = "prod";
  EXPECT_EQ(reason_of({foreign}), refusal_reason::other_cluster);
  EXPECT_EQ(reason_of({me}), refusal_reason::self);
  auto twin = me;
  twin.incarnation = 11;
  EXPECT_EQ(reason_of({twin}), refusal_reason::own_id);
  EXPECT_EQ(reason_of({other, 5, 7}), refusal_reason::version);
  EXPECT_EQ(reason_of({other, 0, 0}), refusal_reason::version);
  EXPECT_EQ(reason_of({other, 0, 9}), std::nullopt) << "4 is among them";
  EXPECT_EQ(reason_of({other, 2, 1}), refusal_reason::bad_hello);
  const auto lives = [](const identity&) { return std::optional<std::string>("10.0.0.9:1"); };
  EXPECT_EQ(reason_of({other}, lives), refusal_reason::doubled_id);
}

TEST(PeerHandshakeRulesTest, ANodeWithAnotherRingIsRefusedWithBothValues) {
  auto odd = other;
  odd.ring = {.vnodes = 256, .bounded_load = 1.5};
  const auto why = judge_hello({odd}, {me}, {});
  ASSERT_TRUE(why);
  EXPECT_EQ(why->reason, refusal_reason::other_ring);
  EXPECT_EQ(
      why->text,
      "ring.vnodes is 512 at \"n1\" and 256 at \"n2\", ring.bounded_load is 1.25 at \"n1\" and 1.5 "
      "at \"n2\"; they would disagree about who owns what: set the same on all nodes"
  );
  const auto sent = answer_to({odd});
  EXPECT_EQ(sent.what, kind::refused) << "the ring travels in the hello";
}

TEST(PeerHandshakeRulesTest, ADoubledIdIsRefusedWithThePlaceOfTheFirst) {
  const auto lives = [](const identity&) { return std::optional<std::string>("10.0.0.9:7420"); };
  EXPECT_EQ(
      judge_hello({other}, {me}, lives)->text,
      "another living process (10.0.0.9:7420) uses node id \"n2\""
  );
  auto twin = me;
  twin.incarnation = 11;
  EXPECT_EQ(
      judge_hello({twin}, {me}, {})->text,
      "another living process (10.0.0.1:7420) uses node id \"n1\""
  );
}

TEST(RemarkLimiterTest, TheFirstIsToldAndThenACountAMinute) {
  remark_limiter remarks;
  time_point now{1'000s};
  EXPECT_EQ(remarks.take("a", now), 1u);
  for (int i = 0; i != 100; ++i) EXPECT_EQ(remarks.take("a", now), 0u);
  EXPECT_EQ(remarks.take("b", now), 1u);
  now += 60s;
  EXPECT_EQ(remarks.take("a", now), 101u);
  EXPECT_EQ(remarks.take("a", now), 0u);
}

TEST(RemarkLimiterTest, InventedKindsAreCountedAsOne) {
  remark_limiter remarks;
  time_point now{1'000s};
  std::uint64_t lines = 0;
  for (int i = 0; i != 10'000; ++i) lines += remarks.take(std::to_string(i), now) != 0;
  EXPECT_LE(lines, 65u);
  EXPECT_EQ(remarks.take("again", now + 60s), 1u) << "old kinds make room";
}

TEST(PeerHandshakeRulesTest, B9_FieldsAtAndOverTheirLimits) {
  auto odd = other;
  odd.id = std::string(max_name, 'n');
  EXPECT_EQ(reason_of({odd}), std::nullopt);
  odd.id = std::string(max_name + 1, 'n');
  EXPECT_EQ(reason_of({odd}), refusal_reason::bad_hello);
  EXPECT_EQ(
      judge_hello({odd}, {me}, {})->text, "node id has 65 bytes; it must be 1 to 64 of A-Za-z0-9._-"
  );
  odd.id = "n 2";
  EXPECT_EQ(reason_of({odd}), refusal_reason::bad_hello);
  odd.id = "";
  EXPECT_EQ(reason_of({odd}), refusal_reason::bad_hello);
  odd = other;
  odd.weight = 0;
  EXPECT_EQ(reason_of({odd}), refusal_reason::bad_hello);
  odd.weight = max_weight;
  EXPECT_EQ(reason_of({odd}), std::nullopt);
  odd.weight = max_weight + 1;
  EXPECT_EQ(reason_of({odd}), refusal_reason::bad_hello);
  odd = other;
  odd.cluster = std::string(max_name, 'c');
  EXPECT_EQ(reason_of({odd}), refusal_reason::other_cluster);
  odd.cluster = std::string(max_name + 1, 'c');
  EXPECT_EQ(reason_of({odd}), refusal_reason::bad_hello);
}

TEST(PeerHandshakeRulesTest, B9_AMebibyteOfNameIsRefusedAtItsHeader) {
  frame_header header;
  header.type = frame_type::hello;
  header.remaining = 1 << 20;
  std::string bytes;
  append_frame(bytes, header, "");
  frame_decoder decoder;
  std::string_view rest = bytes;
  frame_message message;
  EXPECT_EQ(decoder.next(rest, message), frame_decoder::status::failed);
  EXPECT_EQ(decoder.fault(), peer_fault::too_large);
}

TEST(PeerHandshakeRulesTest, ARefusalCarriesReasonAndText) {
  auto foreign = other;
  foreign.cluster = "prod";
  const auto outcome = answer_to({foreign});
  EXPECT_EQ(outcome.what, kind::refused);
  const auto at_the_other_end =
      peer_handshake(peer_side::dialler, foreign).on_message(parse(outcome.send), {});
  EXPECT_EQ(at_the_other_end.what, kind::was_refused);
  EXPECT_EQ(at_the_other_end.reason.reason, refusal_reason::other_cluster);
  EXPECT_NE(at_the_other_end.reason.text.find("\"prod\""), std::string::npos);
}

TEST(RedialPauseTest, GrowsFrom100MillisecondsToASecond) {
  redial_pause pause(100ms, 1000ms);
  for (auto expected : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms})
    EXPECT_EQ(pause.next(false, 0), expected);
  pause.reset();
  EXPECT_EQ(pause.next(false, 0), 100ms);
}

TEST(RedialPauseTest, ChanceTakesAtMostAQuarterOff) {
  for (std::uint64_t random = 0; random < 256; ++random) {
    redial_pause pause(100ms, 1000ms);
    const auto next = pause.next(false, random);
    EXPECT_GE(next, 75ms);
    EXPECT_LE(next, 100ms);
  }
}

TEST(RedialPauseTest, TheTimeThatAnAttemptTookIsPartOfThePause) {
  redial_pause pause(100ms, 1000ms);
  for (int i = 0; i < 5; ++i) pause.next(false, 0);
  EXPECT_EQ(pause.next(false, 0, 400ms), 600ms);
  EXPECT_EQ(pause.next(false, 0, 5000ms), 100ms);
  EXPECT_EQ(pause.next(true, 0, 500ms), 4500ms);
}

TEST(RedialPauseTest, ALastingRefusalIsAskedEvery5Seconds) {
  redial_pause pause(100ms, 1000ms);
  EXPECT_EQ(pause.next(true, 0), 5s);
  EXPECT_EQ(pause.next(true, 0), 5s);
}

// ---- the table of pending calls
// ------------------------------------------------------------------------------

using match = peer_calls::match;

struct pending_calls : testing::Test {
  peer_calls calls;
  int answered = 0;

  std::uint64_t add(time_point deadline = time_point::max(), frame_type type = frame_type::get) {
    peer_callback done = [this](result<peer_reply>) { ++answered; };
    return calls.add(type, {}, deadline, done).value();
  }
};

using PeerCallsTest = pending_calls;

TEST_F(PeerCallsTest, AReplyFindsItsCallOnce) {
  const auto first = add(), second = add();
  EXPECT_NE(first, second);
  EXPECT_EQ(calls.take(second, frame_type::get_reply).how, match::taken);
  EXPECT_EQ(calls.take(second, frame_type::get_reply).how, match::unknown) << "B6: finished";
  EXPECT_EQ(calls.take(first, frame_type::fault).how, match::taken);
  EXPECT_TRUE(calls.empty());
}

struct counting_watcher : call_watcher {
  void on_loading() override { ++told; }

  int told = 0;
};

TEST_F(PeerCallsTest, ThatAGetLoadsIsToldOnceAndTheReplyStillComes) {
  const auto watcher = std::make_shared<counting_watcher>();
  peer_callback done = [this](result<peer_reply>) { ++answered; };
  const auto id = calls.add(frame_type::get, {}, time_point::max(), done, watcher).value();
  const auto first = calls.note_loading(id);
  EXPECT_EQ(first.how, match::taken);
  EXPECT_EQ(first.watcher, watcher);
  EXPECT_EQ(calls.note_loading(id).how, match::mismatched) << "once";
  EXPECT_EQ(calls.take(id, frame_type::get_reply).how, match::taken);
  EXPECT_EQ(calls.note_loading(id).how, match::unknown);
}

TEST_F(PeerCallsTest, OnlyAGetThatSomebodyWaitsForIsLoaded) {
  EXPECT_EQ(calls.note_loading(77).how, match::unknown);
  EXPECT_EQ(calls.note_loading(add(time_point::max(), frame_type::ping)).how, match::mismatched);
  const auto late = add(time_point{1ms});
  std::vector<peer_callback> expired;
  calls.expire(time_point{1s}, {}, expired);
  EXPECT_EQ(calls.note_loading(late).how, match::late);
}

TEST_F(PeerCallsTest, B6_NobodyAskedForThat) {
  add();
  for (std::uint64_t id :
       {0ull, 1ull, 77ull, (5ull << 16), std::numeric_limits<unsigned long long>::max()}) {
    EXPECT_EQ(calls.take(id, frame_type::get_reply).how, match::unknown) << id;
  }
}

TEST_F(PeerCallsTest, ANewCallInAnOldPlaceHasAnotherId) {
  const auto old_id = add();
  calls.take(old_id, frame_type::get_reply);
  const auto new_id = add();
  EXPECT_NE(old_id, new_id);
  EXPECT_EQ(calls.take(old_id, frame_type::get_reply).how, match::unknown);
}

TEST_F(PeerCallsTest, AReplyOfAnotherTypeDoesNotFit) {
  const auto id = add(time_point::max(), frame_type::ping);
  EXPECT_EQ(calls.take(id, frame_type::get_reply).how, match::mismatched);
}

TEST_F(PeerCallsTest, AnExpiredCallIsLateUntilItsReplyComes) {
  const auto id = add(time_point(1s));
  std::vector<peer_callback> out;
  calls.expire(time_point(999ms), time_point(), out);
  EXPECT_TRUE(out.empty());
  calls.expire(time_point(1s), time_point(), out);
  EXPECT_EQ(out.size(), 1u);
  EXPECT_EQ(calls.waiting(), 0u);
  EXPECT_EQ(calls.take(id, frame_type::get_reply).how, match::late);
  EXPECT_TRUE(calls.empty());
}

TEST_F(PeerCallsTest, CountsPingsThatRanOutAndWereSentIntoTheSilence) {
  add(time_point(1s), frame_type::ping);
  add(time_point(1s));
  add(time_point(2s), frame_type::ping);
  std::vector<peer_callback> out;
  EXPECT_EQ(calls.expire(time_point(1s), time_point(-1s), out), 1u) << "a get is no ping";
  EXPECT_EQ(calls.expire(time_point(2s), time_point(0s), out), 0u) << "something came since";
  EXPECT_EQ(out.size(), 3u);
}

TEST_F(PeerCallsTest, ALateCallIsForgottenAfterAMinute) {
  const auto id = add(time_point(1s));
  std::vector<peer_callback> out;
  calls.expire(time_point(1s), time_point(), out);
  calls.expire(time_point(60s), time_point(), out);
  EXPECT_FALSE(calls.empty());
  calls.expire(time_point(61s), time_point(), out);
  EXPECT_TRUE(calls.empty());
  EXPECT_EQ(calls.take(id, frame_type::get_reply).how, match::unknown);
  EXPECT_EQ(out.size(), 1u) << "answered once";
}

TEST_F(PeerCallsTest, AbandonedCallsAreLateToo) {
  const auto id = add(time_point(1s));
  std::vector<peer_callback> out;
  calls.abandon(time_point(0s), out);
  EXPECT_EQ(out.size(), 1u);
  calls.expire(time_point(2s), time_point(), out);
  EXPECT_EQ(out.size(), 1u);
  EXPECT_EQ(calls.take(id, frame_type::get_reply).how, match::late);
}

TEST_F(PeerCallsTest, AFullTableTakesNoMore) {
  for (std::size_t i = 0; i < peer_calls::capacity; ++i) add();
  peer_callback one_more = [](result<peer_reply>) {};
  EXPECT_FALSE(calls.add(frame_type::get, {}, {}, one_more));
  EXPECT_TRUE(one_more) << "untouched";
}

TEST(PeerNamesTest, EachFaultAndEachRefusalHasOne) {
  test::expect_named<peer_fault>(peer_fault_count);
  std::set<std::string_view> names;
  const auto last = static_cast<std::size_t>(refusal_reason::own_id);
  for (std::size_t i = 1; i <= last; ++i) names.insert(name(static_cast<refusal_reason>(i)));
  EXPECT_EQ(names.size(), last);
  EXPECT_EQ(name(static_cast<refusal_reason>(last + 1)), "none");
}

}  // namespace
}  // namespace weir
