// What must be refused; names are the rows of the bad-input list.

#include "tests/transport/peer/peer_feed.hpp"
#include "tests/transport/peer/peer_samples.hpp"
#include "transport/peer/wire/peer_wire_fields.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace test;
using phase = frame_decoder::phase;
using status = frame_decoder::status;

peer_fault fault_of(const std::string& input, phase allowed = phase::requests) {
  return feed(input, allowed).fault;
}

std::string frame(frame_type type, const std::string& payload, std::uint64_t id = 1) {
  frame_header header;
  header.type = type;
  header.id = id;
  header.remaining = static_cast<std::uint32_t>(payload.size());
  std::string out;
  append_frame(out, header, payload);
  return out;
}

std::string header_with_length(std::uint32_t length, frame_type type = frame_type::get) {
  frame_header header;
  header.type = type;
  header.remaining = length;
  std::string out;
  append_frame(out, header, "");
  return out;
}

TEST(PeerBadInputTest, B1_LengthsThatCannotBe) {
  EXPECT_EQ(fault_of(frame(frame_type::get, "")), peer_fault::truncated);
  EXPECT_EQ(fault_of(frame(frame_type::get, std::string(1, '\0'))), peer_fault::truncated);
  for (std::uint32_t length : {1u << 31, UINT32_MAX, 8u * 1024 + 1}) {
    EXPECT_EQ(fault_of(header_with_length(length)), peer_fault::too_large) << length;
  }
  EXPECT_EQ(fault_of(header_with_length(1, frame_type::leave)), peer_fault::too_large);
  EXPECT_EQ(fault_of(header_with_length((2u << 20) + 1, frame_type::ping)), peer_fault::too_large);
  EXPECT_EQ(fault_of(header_with_length((4u << 20) + 1, frame_type::feed)), peer_fault::too_large);
}

TEST(PeerBadInputTest, B1_MemoryFollowsTheBytesReceived) {
  frame_decoder decoder({}, phase::requests);
  const auto input = header_with_length(64u << 20, frame_type::change) + std::string(100, 'v');
  std::string_view view = input;
  frame_message message;
  EXPECT_EQ(decoder.next(view, message), status::need_more);
  EXPECT_EQ(decoder.held(), 100u);
}

TEST(PeerBadInputTest, B3_WrongMagicVersionTypeAndFlags) {
  const auto good = wire(every_request()[0]);
  const auto with = [&](std::size_t at, char value) {
    auto bad = good;
    bad[at] = value;
    return fault_of(resealed(bad));
  };
  EXPECT_EQ(with(0, 'G'), peer_fault::magic);
  EXPECT_EQ(with(4, 1), peer_fault::version);
  EXPECT_EQ(with(4, 5), peer_fault::version);
  EXPECT_EQ(with(5, 99), peer_fault::type);
  EXPECT_EQ(with(5, 0), peer_fault::type);
  for (int bit = 0; bit < 8; ++bit) EXPECT_EQ(with(6, char(1 << bit)), peer_fault::flags);
  for (int bit = 0; bit < 8; ++bit) EXPECT_EQ(with(7, char(1 << bit)), peer_fault::flags);
}

TEST(PeerBadInputTest, B4_FieldsThatReachBeyondTheMessage) {
  const auto good = wire(every_request()[5]).substr(frame_header_size);
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(fault_of(frame(frame_type::change, good.substr(0, size))), peer_fault::truncated)
        << size;
  }
  EXPECT_EQ(fault_of(frame(frame_type::change, good + "x")), peer_fault::trailing);
  auto huge = good;
  huge.replace(huge.size() - 7, 4, "\xff\xff\xff\xff");  // the value's length
  EXPECT_EQ(fault_of(frame(frame_type::change, huge)), peer_fault::truncated);
}

TEST(PeerBadInputTest, B5_AGoodMessageBeforeGarbageIsServed) {
  const auto got = feed(wire(every_request()[0]) + std::string(64, '\xee'), phase::requests);
  EXPECT_EQ(got.messages.size(), 1u);
  EXPECT_EQ(got.fault, peer_fault::magic);
}

TEST(PeerBadInputTest, ChunksThatDoNotContinueTheirMessage) {
  const auto big = wire(every_request()[7]);  // 300,000 bytes: 19 chunks
  const auto chunk = frame_header_size + frame_chunk;
  EXPECT_EQ(fault_of(big.substr(0, chunk) + big.substr(2 * chunk)), peer_fault::length);
  EXPECT_EQ(fault_of(big.substr(0, chunk) + big.substr(0, chunk)), peer_fault::length);
  EXPECT_EQ(fault_of(big.substr(0, chunk) + wire(every_request()[0])), peer_fault::length);
}

TEST(PeerBadInputTest, TooManyLongMessagesSideBySide) {
  std::string input;
  for (std::uint64_t id = 1; id <= 17; ++id) {
    input += wire(every_request()[7], id).substr(0, frame_header_size + frame_chunk);
  }
  EXPECT_EQ(fault_of(input), peer_fault::too_many_partial);
}

TEST(PeerBadInputTest, EachSideMaySendOnlyItsOwnKind) {
  EXPECT_EQ(fault_of(wire(every_request()[0]), phase::handshake), peer_fault::unexpected);
  EXPECT_EQ(fault_of(wire(every_request()[0]), phase::replies), peer_fault::unexpected);
  EXPECT_EQ(fault_of(wire(every_reply()[0]), phase::requests), peer_fault::unexpected);
  std::string greeting;
  append_hello(greeting, {});
  EXPECT_EQ(fault_of(greeting, phase::requests), peer_fault::unexpected);
}

TEST(PeerBadInputTest, B11_ViewsThatNoNodeCanHave) {
  const auto pong = [](std::vector<member> view) {
    return fault_of(wire(peer_reply{0, ping_reply{std::move(view)}}), phase::replies);
  };
  std::vector<member> full;
  for (std::size_t i = 0; i < max_view_members; ++i)
    full.push_back(a_member("node-" + std::to_string(i)));
  EXPECT_EQ(pong(full), peer_fault::none);
  EXPECT_EQ(pong({a_member("n1"), a_member("n1")}), peer_fault::bad_view);
  EXPECT_EQ(pong({a_member("")}), peer_fault::bad_view);
  EXPECT_EQ(pong({a_member("n1", 0)}), peer_fault::none) << "it takes no slots";
  EXPECT_EQ(pong({a_member("n1", 1001)}), peer_fault::bad_view);
  EXPECT_EQ(pong({a_member("n1", UINT32_MAX)}), peer_fault::bad_view);
  EXPECT_EQ(
      fault_of(frame(frame_type::ping_reply, std::string(21, '\0') + "\x01\x01"), phase::replies),
      peer_fault::bad_view
  );
  EXPECT_EQ(
      fault_of(
          frame(
              frame_type::ping_reply, std::string(21, '\0') + "\xff\xff" + std::string(16'000, 'x')
          ),
          phase::replies
      ),
      peer_fault::bad_view
  );
}

TEST(PeerBadInputTest, B12_B13_B15_KeysAndNamesOutOfRange) {
  const auto check = [](std::string keyspace, std::string key) {
    return check_request({0, {}, get_request{std::move(keyspace), std::move(key)}}, {});
  };
  EXPECT_EQ(check("users", ""), errc::bad_key);
  EXPECT_EQ(check("users", std::string(4096, 'k')), error_code());
  EXPECT_EQ(check("users", std::string(4097, 'k')), errc::too_large);
  EXPECT_EQ(check("", "k"), errc::no_keyspace);
  EXPECT_EQ(check("..", "k"), errc::no_keyspace);
  EXPECT_EQ(check("Users", "k"), errc::no_keyspace);
  EXPECT_EQ(check(std::string(65, 'u'), "k"), errc::no_keyspace);
  EXPECT_EQ(fault_of(header_with_length(1 << 20)), peer_fault::too_large) << "not buffered";
}

TEST(PeerBadInputTest, B16_ValuesAtTheLimit) {
  const frame_limits limits{.max_value = 1000};
  const auto check = [&](std::size_t size) {
    return check_request(
        {0,
         {},
         change_request{"users", change_kind::put, "k", bytes(std::string(size, 'v')), {}, {}}},
        limits
    );
  };
  EXPECT_EQ(check(0), error_code());
  EXPECT_EQ(check(1000), error_code());
  EXPECT_EQ(check(1001), errc::too_large);
  frame_queue queue(limits);
  append_reply(queue, 1, {0, a_hit(std::string(1001, 'v'))}, limits);
  get_reply refused;
  refused.error = errc::too_large;
  EXPECT_EQ(
      feed(drain(queue), phase::replies).messages,
      std::vector<std::string>{describe(peer_reply{0, refused})}
  );
  EXPECT_EQ(
      fault_of(header_with_length((64u << 20) + frame_slack + 1, frame_type::change)),
      peer_fault::too_large
  );
}

TEST(PeerBadInputTest, B17_TtlsOutOfRange) {
  const auto check = [](milliseconds ttl) {
    return check_request(
        {0, {}, change_request{"users", change_kind::put, "k", bytes("v"), ttl, {}}}, {}
    );
  };
  EXPECT_EQ(check(milliseconds(-1)), errc::bad_request);
  EXPECT_EQ(check(milliseconds(0)), error_code());
  EXPECT_EQ(check(max_ttl), error_code());
  EXPECT_EQ(check(milliseconds(INT64_MAX)), errc::bad_request);
  auto on_wire = wire(every_request()[5]);
  on_wire.replace(frame_header_size + 19, 4, "\xff\xff\xff\xff");
  EXPECT_EQ(fault_of(resealed(on_wire)), peer_fault::bad_value);
}

TEST(PeerBadInputTest, B18_BatchSizes) {
  const auto batch = [](std::size_t count) {
    return peer_request{0, {}, get_many_request{"users", std::vector<std::string>(count, "k")}};
  };
  EXPECT_EQ(check_request(batch(0), {}), error_code());
  EXPECT_EQ(check_request(batch(max_batch_keys), {}), error_code());
  EXPECT_EQ(check_request(batch(max_batch_keys + 1), {}), errc::too_large);
  EXPECT_EQ(feed(wire(batch(1000)), phase::requests).messages.size(), 1u);
}

TEST(PeerBadInputTest, NobodyOrdersAnotherNodeToClear) {
  const change_request everything{.keyspace = "users", .kind = change_kind::clear, .key = {}};
  EXPECT_EQ(check_request({0, {}, everything}, {}), errc::bad_request);
}

TEST(PeerBadInputTest, B18_ABatchReplyKeepsItsLimit) {
  const frame_limits limits{.max_batch_reply = 100'000};
  get_many_reply reply;
  for (int i = 0; i < 1000; ++i) reply.answers.push_back(a_hit(std::string(1000, 'v')));
  frame_queue queue(limits);
  append_reply(queue, 1, {0, reply}, limits);
  const auto input = drain(queue);
  EXPECT_LT(input.size(), 200'000u);
  const auto got = feed(input, phase::replies);
  ASSERT_EQ(got.messages.size(), 1u);
}

TEST(PeerBadInputTest, RandomEnumsAndReservedBitsAreRefused) {
  auto get = wire(every_request()[0]);
  get[frame_header_size] = '\x80';
  EXPECT_EQ(fault_of(resealed(get)), peer_fault::bad_value);
  get[frame_header_size] = 0;
  get[frame_header_size + 1] = 5;
  EXPECT_EQ(fault_of(resealed(get)), peer_fault::bad_value);
  auto hit = wire(peer_reply{0, get_reply{}});
  hit[frame_header_size] = 17;  // errc after the last
  EXPECT_EQ(fault_of(resealed(hit), phase::replies), peer_fault::bad_value);
}

}  // namespace
}  // namespace weir
