// The messages of leases, feeds and votes: their limits and what a peer may get wrong in them.

#include "tests/transport/peer/peer_samples.hpp"
#include "transport/peer/wire/peer_codec_parts.hpp"
#include "transport/peer/wire/peer_wire_fields.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace test;

peer_fault fault_of(frame_type type, std::string_view payload) {
  frame_message message;
  message.header.type = type;
  message.payload = payload;
  peer_request request;
  peer_reply reply;
  return is_request(type) ? read_request(message, request) : read_reply(message, reply);
}

// The payload of a message that fits one chunk.
std::string payload_of(const std::string& frame) {
  return frame.substr(frame_header_size);
}

ping_reply reread(const ping_reply& sent) {
  frame_decoder decoder({}, frame_decoder::phase::replies);
  const auto input = wire(peer_reply{0, sent});
  std::string_view rest = input;
  frame_message message;
  peer_reply got;
  EXPECT_EQ(decoder.next(rest, message), frame_decoder::status::message);
  EXPECT_EQ(read_reply(message, got), peer_fault::none);
  return std::get<ping_reply>(got.body);
}

electorate_note reread(electorate_state state) {
  ping_reply sent;
  sent.note = {5, std::make_shared<const electorate_state>(std::move(state))};
  return reread(sent).note;
}

peer_request feed_of(std::vector<change_record> records) {
  feed_request feed;
  feed.records = std::move(records);
  return {0, milliseconds(1000), feed};
}

// A feed without note, with the list of records that `write` makes.
template <class Write>
std::string feed_payload(Write write) {
  std::string payload(1 + 8 + 8 + 8 + 1, '\0');
  field_writer out(payload);
  write(out);
  return payload;
}

struct wire_record {
  std::string keyspace = "users";
  std::string key = "k";
  std::uint32_t ttl = 0;
  std::uint32_t age = 0;
  std::string value;
};

std::string feed_payload(const wire_record& record) {
  return feed_payload([&](field_writer& out) {
    out.number(std::uint16_t{1});
    out.text8(record.keyspace);
    out.text16(record.key, 65'535);
    out.number(std::uint64_t{1});
    out.number(std::uint64_t{2});
    out.number(record.ttl);
    out.number(record.age);
    out.number(static_cast<std::uint32_t>(record.value.size()));
    out.raw(record.value.data(), record.value.size());
  });
}

std::vector<member_life> lives(std::size_t count) {
  std::vector<member_life> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back({"node-" + std::to_string(i), i});
  return all;
}

TEST(PeerAgreementCodecTest, RecordsUpToTheirLimitsMaySetOut) {
  const auto of_size = [](std::size_t bytes) {
    return feed_of({a_push("k", std::string(bytes - 1, 'v'))});
  };
  EXPECT_EQ(check_request(feed_of(std::vector(4096, a_record("k"))), {}), error_code());
  EXPECT_EQ(check_request(feed_of(std::vector(4097, a_record("k"))), {}), errc::too_large);
  EXPECT_EQ(check_request(of_size(1u << 20), {}), error_code());
  EXPECT_EQ(check_request(of_size((1u << 20) + 1), {}), errc::too_large);
  EXPECT_EQ(check_request(feed_of({a_record(std::string(4097, 'k'))}), {}), errc::too_large);
  auto nowhere = a_record("k");
  nowhere.keyspace = "No Such";
  EXPECT_EQ(check_request(feed_of({nowhere}), {}), errc::no_keyspace);
}

TEST(PeerAgreementCodecTest, TheFullestMessagesStayBelowTheLongestLength) {
  auto state = std::make_shared<electorate_state>();
  state->members = state->removed = lives(1024);
  for (int i = 0; i < 64; ++i)
    state->views.push_back(std::vector<std::string>(1024, std::string(15, 'v')));
  auto record = a_push(std::string(255, 'k'), "v");
  record.keyspace = std::string(64, 'k');
  vote_request vote{{1, state}, {"n3", 5}, 1, 1, false, std::vector(4096, record)};
  ASSERT_EQ(check_request({0, milliseconds(1000), vote}, {}), error_code());
  frame_header header;
  const auto sent = wire(peer_request{0, milliseconds(1000), vote});
  ASSERT_EQ(read_header(sent.data(), header), peer_fault::none);
  EXPECT_GT(header.remaining, 2u << 20);
  EXPECT_LE(header.remaining, max_length(frame_type::vote, {}));
  ping_request ping;
  ping.note = {1, state};
  ping.silent.assign(1024, std::string(max_name, 's'));
  const auto pinged = wire(peer_request{0, milliseconds(1000), ping});
  ASSERT_EQ(read_header(pinged.data(), header), peer_fault::none);
  EXPECT_LE(header.remaining, max_length(frame_type::ping, {}));
}

TEST(PeerAgreementCodecTest, MoreRecordsThanAllowedAreRefusedAtTheirCount) {
  const auto promising = [](std::uint16_t count) {
    return fault_of(frame_type::feed, feed_payload([&](field_writer& out) { out.number(count); }));
  };
  EXPECT_EQ(promising(0), peer_fault::none);
  EXPECT_EQ(promising(1), peer_fault::truncated);
  EXPECT_EQ(promising(4096), peer_fault::truncated);
  EXPECT_EQ(promising(4097), peer_fault::bad_value);
  EXPECT_EQ(promising(UINT16_MAX), peer_fault::bad_value);
}

TEST(PeerAgreementCodecTest, RecordsThatNoNodeWritesAreRefused) {
  const auto fault = [](wire_record record) {
    return fault_of(frame_type::feed, feed_payload(record));
  };
  EXPECT_EQ(fault({}), peer_fault::none);
  EXPECT_EQ(fault({.key = ""}), peer_fault::none) << "every key";
  EXPECT_EQ(fault({.ttl = 1000, .age = 1, .value = "v"}), peer_fault::none);
  EXPECT_EQ(fault({.keyspace = ""}), peer_fault::bad_value);
  EXPECT_EQ(fault({.keyspace = "../x"}), peer_fault::bad_value);
  EXPECT_EQ(fault({.key = std::string(4097, 'k')}), peer_fault::bad_value);
  EXPECT_EQ(fault({.value = "v"}), peer_fault::bad_value) << "pushed without a TTL";
  EXPECT_EQ(fault({.age = 1}), peer_fault::bad_value);
  EXPECT_EQ(fault({.ttl = UINT32_MAX, .value = "v"}), peer_fault::bad_value);
  EXPECT_EQ(fault({.ttl = 1, .value = std::string(1u << 20, 'v')}), peer_fault::bad_value)
      << "one byte of key too much";
  EXPECT_EQ(fault({.ttl = 1, .value = std::string((1u << 20) - 1, 'v')}), peer_fault::none);
}

TEST(PeerAgreementCodecTest, AMessageCutAnywhereIsTruncatedOneByteMoreIsTrailing) {
  const auto check = [](frame_type type, const std::string& payload) {
    for (std::size_t size = 0; size < payload.size(); ++size)
      ASSERT_EQ(fault_of(type, payload.substr(0, size)), peer_fault::truncated) << size;
    EXPECT_EQ(fault_of(type, payload + "x"), peer_fault::trailing);
  };
  const auto later = [](frame_type type) {
    return type != frame_type::get && type != frame_type::get_many && type != frame_type::change;
  };
  for (const auto& request : every_request()) {
    const auto sent = wire(request);
    if (later(type_of(request.body)) && sent.size() < 10'000)
      check(type_of(request.body), payload_of(sent));
  }
  for (const auto& reply : every_reply()) {
    const auto sent = wire(reply);
    if (type_of(reply.body) == frame_type::report_reply) continue;  // text, to wherever it ends
    if (sent.size() < 10'000) check(type_of(reply.body), payload_of(sent));
  }
}

TEST(PeerAgreementCodecTest, ReservedFlagsAreRefused) {
  for (const auto& body :
       std::vector<request_body>{ping_request{}, feed_request{}, vote_request{}, relay_request{}}) {
    auto payload = payload_of(wire(peer_request{0, milliseconds(1), body}));
    payload[0] = '\x80';
    EXPECT_EQ(fault_of(type_of(body), payload), peer_fault::bad_value);
  }
  for (const auto& body : std::vector<reply_body>{change_reply{}, vote_reply{}}) {
    auto payload = payload_of(wire(peer_reply{0, body}));
    payload[0] = '\x80';
    EXPECT_EQ(fault_of(type_of(body), payload), peer_fault::bad_value);
  }
  EXPECT_EQ(fault_of(frame_type::relay_reply, std::string(8, 'd') + '\x02'), peer_fault::bad_value);
}

TEST(PeerAgreementCodecTest, AnUnchangedAnswerHasNoBytes) {
  auto reply = a_hit("Ada");
  reply.steps.clear();
  auto payload = payload_of(wire(peer_reply{0, reply}));
  payload[3] |= answer_flags::unchanged >> 8;
  EXPECT_EQ(fault_of(frame_type::get_reply, payload), peer_fault::bad_value);
  reply.is_unchanged = true;
  const auto sent = payload_of(wire(peer_reply{0, reply}));
  EXPECT_EQ(sent.find("Ada"), std::string::npos);
  EXPECT_EQ(fault_of(frame_type::get_reply, sent), peer_fault::none);
}

TEST(PeerAgreementCodecTest, AnElectorateOverItsLimitsIsLeftOut) {
  EXPECT_NE(reread({.members = lives(1024)}).state, nullptr);
  EXPECT_EQ(reread({.members = lives(1025)}).state, nullptr);
  EXPECT_EQ(reread({.removed = lives(1025)}).state, nullptr);
  EXPECT_EQ(reread({.forgotten = std::vector<std::string>(1025, "n")}).state, nullptr);
  EXPECT_NE(reread({.views = std::vector(64, std::vector<std::string>{"n1"})}).state, nullptr);
  EXPECT_EQ(reread({.views = std::vector(65, std::vector<std::string>{"n1"})}).state, nullptr);
  EXPECT_EQ(reread({.members = {{"", 1}}}).state, nullptr);
  EXPECT_NE(reread({.members = {{std::string(max_name, 'n'), 1}}}).state, nullptr);
  EXPECT_EQ(reread({.members = {{std::string(max_name + 1, 'n'), 1}}}).state, nullptr);
  const std::vector<std::string> wide(1024, std::string(64, 'n'));
  EXPECT_NE(reread({.views = std::vector(16, wide)}).state, nullptr);
  EXPECT_EQ(reread({.views = std::vector(17, wide)}).state, nullptr) << "over 1 MiB of ids";
  EXPECT_EQ(reread({.members = lives(1025)}).digest, 5u);
}

TEST(PeerAgreementCodecTest, AnElectorateOverItsLimitsIsRefused) {
  const auto state_of = [](auto write) {
    std::string payload(8, 'd');
    payload += '\1';
    field_writer out(payload);
    write(out);
    return fault_of(frame_type::relay_reply, payload);
  };
  const auto starting_with = [&](std::uint16_t count) {
    return state_of([&](field_writer& out) { out.number(count); });
  };
  EXPECT_EQ(starting_with(1024), peer_fault::truncated);
  EXPECT_EQ(starting_with(1025), peer_fault::bad_value);
  const auto with_views = [&](std::uint16_t views, std::uint16_t ids, const std::string& id) {
    return state_of([&](field_writer& out) {
      for (int i = 0; i < 3; ++i) out.number(std::uint16_t{0});
      out.number(views);
      for (int i = 0; i < views; ++i) {
        out.number(ids);
        for (int n = 0; n < ids; ++n) out.text8(id);
      }
    });
  };
  EXPECT_EQ(with_views(64, 1, "n"), peer_fault::none);
  EXPECT_EQ(with_views(65, 1, "n"), peer_fault::bad_value);
  EXPECT_EQ(with_views(1, 1, ""), peer_fault::bad_value);
  EXPECT_EQ(with_views(1, 1025, "n"), peer_fault::bad_value);
  EXPECT_EQ(with_views(1, 1, std::string(max_name, 'n')), peer_fault::none);
  EXPECT_EQ(with_views(1, 1, std::string(max_name + 1, 'n')), peer_fault::bad_value);
  EXPECT_EQ(with_views(16, 1024, std::string(64, 'n')), peer_fault::none);
  EXPECT_EQ(with_views(17, 1024, std::string(64, 'n')), peer_fault::bad_value);
}

TEST(PeerAgreementCodecTest, HintsOverTheirLimitsBecomeDropEverything) {
  ping_reply reply;
  reply.hints = std::vector(4097, a_record("k"));
  reply.hints_number = 9;
  const auto got = reread(reply);
  EXPECT_TRUE(got.must_flush);
  EXPECT_TRUE(got.hints.empty());
  EXPECT_EQ(got.hints_number, 9u);
}

TEST(PeerAgreementCodecTest, AVoteNamesSomebody) {
  const auto about = [](std::string id) {
    return check_request(
        {0, milliseconds(1), vote_request{{}, {std::move(id), 1}, 1, 1, false, {}}}, {}
    );
  };
  EXPECT_EQ(about("n3"), error_code());
  EXPECT_EQ(about(""), errc::bad_request);
  EXPECT_EQ(about(std::string(max_name, 'n')), error_code());
  EXPECT_EQ(about(std::string(max_name + 1, 'n')), errc::bad_request);
}

TEST(PeerAgreementCodecTest, LongListsOfNamesAreCut) {
  change_reply reply;
  reply.unconfirmed = std::vector(1025, std::string(300, 'n'));
  reply.view = a_view();
  frame_decoder decoder({}, frame_decoder::phase::replies);
  const auto input = wire(peer_reply{0, reply});
  std::string_view rest = input;
  frame_message message;
  peer_reply got;
  ASSERT_EQ(decoder.next(rest, message), frame_decoder::status::message);
  ASSERT_EQ(read_reply(message, got), peer_fault::none);
  reply.unconfirmed = std::vector(1024, std::string(max_name, 'n'));
  EXPECT_EQ(describe(got), describe(peer_reply{0, reply}));
}

// The ids of the messages in the order in which they begin to leave.
std::vector<std::uint64_t> order_of(frame_queue& queue) {
  std::vector<std::uint64_t> order;
  const auto all = drain(queue);
  for (std::size_t at = 0; at < all.size();) {
    frame_header header;
    EXPECT_EQ(read_header(all.data() + at, header), peer_fault::none);
    if (std::find(order.begin(), order.end(), header.id) == order.end()) order.push_back(header.id);
    at += frame_header_size + header.chunk();
  }
  return order;
}

TEST(PeerAgreementCodecTest, HeartbeatsAndVotesOvertakeEverything) {
  frame_queue replies;
  append_reply(replies, 1, {0, a_hit(std::string(1 << 20, 'L'))}, {});
  append_reply(replies, 2, {0, a_hit("small")}, {});
  append_reply(replies, 3, {0, ping_reply{.note = a_note(), .hints = some_records()}}, {});
  append_reply(replies, 4, {0, vote_reply{a_note(), 1, true, false}}, {});
  EXPECT_EQ(order_of(replies), (std::vector<std::uint64_t>{3, 4, 2, 1}));
  frame_queue requests;
  append_request(requests, 1, feed_of({a_push("k", std::string(1 << 19, 'v'))}), milliseconds(1));
  append_request(requests, 2, {0, {}, get_request{"users", "k"}}, milliseconds(1));
  append_request(requests, 3, {0, {}, vote_request{a_note(), {"n3", 1}, 1, 1, false, {}}}, {});
  append_request(requests, 4, {0, {}, ping_request{.note = a_note()}}, milliseconds(1));
  EXPECT_EQ(order_of(requests), (std::vector<std::uint64_t>{3, 4, 2, 1}));
}

TEST(PeerAgreementCodecTest, ALongHeartbeatBeginsBeforeOtherLongMessages) {
  frame_queue queue;
  for (std::uint64_t id = 1; id <= 20; ++id)
    append_reply(queue, id, {0, a_hit(std::string(100'000, 'L'))}, {});
  append_reply(queue, 21, {0, ping_reply{.hints = std::vector(4096, a_record("k"))}}, {});
  EXPECT_EQ(order_of(queue).front(), 21u);
}

TEST(PeerAgreementCodecTest, ManyHintsLeaveTheWayToSmallMessages) {
  frame_queue queue;
  append_reply(queue, 1, {0, ping_reply{.hints = std::vector(4096, a_record("k"))}}, {});
  append_reply(queue, 2, {0, a_hit("small")}, {});
  EXPECT_EQ(order_of(queue), (std::vector<std::uint64_t>{2, 1}));
}

}  // namespace
}  // namespace weir
