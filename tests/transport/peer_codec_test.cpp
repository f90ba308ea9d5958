#include "peer_samples.hpp"
#include "transport/peer_wire_fields.hpp"

#include <gtest/gtest.h>

#include <random>

namespace weir {
namespace {

using namespace test;
using phase = frame_decoder::phase;
using status = frame_decoder::status;

// Feeds `input` in pieces of the given sizes, the last one repeated, and returns the messages as
// text.
struct feed_result {
  std::vector<std::string> messages;
  peer_fault fault = peer_fault::none;
  bool idle = true;
};

peer_fault decode_one(const frame_message& message, std::vector<std::string>& messages) {
  if (is_request(message.header.type)) {
    peer_request request;
    const auto fault = read_request(message, request);
    if (fault == peer_fault::none) messages.push_back(describe(request));
    return fault;
  }
  peer_reply reply;
  const auto fault = read_reply(message, reply);
  if (fault == peer_fault::none) messages.push_back(describe(reply));
  return fault;
}

feed_result feed(
    const std::string& input, phase allowed, std::vector<std::size_t> sizes = {SIZE_MAX}
) {
  frame_decoder decoder({}, allowed);
  feed_result result;
  std::string_view rest = input;
  std::size_t turn = 0;
  while (!rest.empty() && result.fault == peer_fault::none) {
    std::string piece(
        rest.substr(0, std::max<std::size_t>(1, sizes[std::min(turn++, sizes.size() - 1)]))
    );
    rest.remove_prefix(piece.size());
    std::string_view view = piece;
    frame_message message;
    status now;
    while ((now = decoder.next(view, message)) == status::message &&
           result.fault == peer_fault::none) {
      result.fault = decode_one(message, result.messages);
    }
    if (now == status::failed) result.fault = decoder.fault();
  }
  result.idle = decoder.idle();
  return result;
}

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

TEST(PeerCodecTest, EveryRequestSurvivesTheTripUnchanged) {
  for (const auto& request : every_request()) {
    EXPECT_EQ(check_request(request, {}), error_code()) << describe(request).substr(0, 80);
    const auto got = feed(wire(request), phase::requests);
    ASSERT_EQ(got.fault, peer_fault::none) << name(got.fault);
    ASSERT_EQ(got.messages.size(), 1u);
    EXPECT_EQ(got.messages[0], describe(request));
    EXPECT_TRUE(got.idle);
  }
}

TEST(PeerCodecTest, EveryReplySurvivesTheTripUnchanged) {
  for (const auto& reply : every_reply()) {
    const auto got = feed(wire(reply), phase::replies);
    ASSERT_EQ(got.fault, peer_fault::none) << name(got.fault);
    ASSERT_EQ(got.messages.size(), 1u);
    EXPECT_EQ(got.messages[0], describe(reply));
    EXPECT_TRUE(got.idle);
  }
}

TEST(PeerCodecTest, EveryMessageSurvivesACutAtEveryByte) {
  const auto check = [](const std::string& input, const std::string& expected, phase allowed) {
    const std::size_t step = input.size() > 4096 ? input.size() / 97 : 1;
    for (std::size_t cut = 1; cut < input.size(); cut += step) {
      const auto got = feed(input, allowed, {cut, SIZE_MAX});
      ASSERT_EQ(got.messages, std::vector<std::string>{expected}) << "cut at " << cut;
    }
  };
  for (const auto& request : every_request())
    check(wire(request), describe(request), phase::requests);
  for (const auto& reply : every_reply()) check(wire(reply), describe(reply), phase::replies);
}

TEST(PeerCodecTest, AHalfMessageHasNoEffect) {
  for (const auto& request : every_request()) {
    const auto whole = wire(request);
    const std::size_t step = whole.size() > 4096 ? whole.size() / 97 : 1;
    for (std::size_t size = 1; size < whole.size(); size += step) {
      const auto got = feed(whole.substr(0, size), phase::requests);
      EXPECT_TRUE(got.messages.empty());
      EXPECT_EQ(got.fault, peer_fault::none);
      EXPECT_FALSE(got.idle);
    }
  }
}

TEST(PeerCodecTest, MessagesInAnyOrderAndAnyPiecesArriveWhole) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    const auto samples = every_reply();
    frame_queue queue;
    std::vector<std::string> expected;
    for (std::uint64_t id = 1; id <= 20; ++id) {
      const auto& reply = samples[random() % samples.size()];
      append_reply(queue, id, reply, {});
      expected.push_back(describe(reply));
    }
    std::vector<std::size_t> sizes(2000);
    for (auto& size : sizes) size = 1 + random() % (random() % 4 == 0 ? 100'000 : 40);
    auto got = feed(drain(queue), phase::replies, sizes);
    ASSERT_EQ(got.fault, peer_fault::none);
    std::sort(expected.begin(), expected.end());
    std::sort(got.messages.begin(), got.messages.end());
    EXPECT_EQ(got.messages, expected) << "seed " << seed;
  }
}

TEST(PeerCodecTest, GarbageNeverGetsThrough) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto samples = every_request();
    std::string input = wire(samples[random() % samples.size()]);
    for (unsigned i = 0; i <= random() % 4; ++i)
      input[random() % std::min<std::size_t>(input.size(), 200)] ^= char(1 + random() % 255);
    const auto got = feed(resealed(input), phase::requests);
    EXPECT_LE(got.messages.size(), 1u);
  }
}

TEST(PeerCodecTest, NoFlippedBitOfAnyMessageGetsThrough) {
  const auto check = [](const std::string& good, phase allowed) {
    const std::size_t step = good.size() > 512 ? good.size() / 101 : 1;
    for (std::size_t at = 0; at < good.size(); at += step) {
      for (int bit = 0; bit < 8; ++bit) {
        auto bad = good;
        bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
        for (const auto& sizes : {std::vector<std::size_t>{SIZE_MAX}, {1000}}) {
          const auto got = feed(bad, allowed, sizes);
          ASSERT_TRUE(got.messages.empty()) << "byte " << at << ", bit " << bit;
          ASSERT_EQ(
              got.fault,
              at < 4    ? peer_fault::magic
              : at == 4 ? peer_fault::version
                        : peer_fault::checksum
          ) << "byte "
            << at << ", bit " << bit;
        }
      }
    }
  };
  for (const auto& request : every_request()) check(wire(request), phase::requests);
  for (const auto& reply : every_reply()) {
    if (const auto good = wire(reply); good.size() < 100'000) check(good, phase::replies);
  }
}

TEST(PeerCodecTest, ForeignErrorsBecomeSourceFailed) {
  get_reply reply;
  reply.error = boost::system::errc::make_error_code(boost::system::errc::connection_refused);
  peer_reply got;
  frame_decoder decoder({}, phase::replies);
  const auto input = wire(peer_reply{0, reply});
  std::string_view view = input;
  frame_message message;
  ASSERT_EQ(decoder.next(view, message), status::message);
  ASSERT_EQ(read_reply(message, got), peer_fault::none);
  EXPECT_EQ(std::get<get_reply>(got.body).error, errc::source_failed);
}

TEST(PeerCodecTest, TimesOutsideTheirRangeAreCutByTheWriter) {
  get_reply reply = a_hit("x");
  reply.answer.entry.ttl = milliseconds(INT64_MAX);
  reply.answer.entry.age = milliseconds(-5);
  const auto got = feed(wire(peer_reply{0, reply}), phase::replies);
  reply.answer.entry.ttl = max_wire_ttl;
  reply.answer.entry.age = milliseconds(0);
  EXPECT_EQ(got.messages, std::vector<std::string>{describe(peer_reply{0, reply})});
}

// ---- what must be refused: names are the rows of the bad-input list
// -------------------------------------------

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
  EXPECT_EQ(with(4, 3), peer_fault::version);
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
  EXPECT_EQ(check(max_wire_ttl), error_code());
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
  EXPECT_EQ(check_request(batch(1000), {}), error_code());
  EXPECT_EQ(check_request(batch(1001), {}), errc::too_large);
  EXPECT_EQ(feed(wire(batch(1000)), phase::requests).messages.size(), 1u);
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

// ---- the order of what is written
// ----------------------------------------------------------------------------

TEST(FrameQueueTest, SmallMessagesOvertakeLongOnes) {
  frame_queue queue;
  append_reply(queue, 1, {0, a_hit(std::string(1 << 20, 'L'))}, {});
  std::string first;
  queue.take(first);
  append_reply(queue, 2, {0, a_hit("small")}, {});
  append_reply(queue, 3, {0, ping_reply{}}, {});
  std::string second;
  queue.take(second);
  frame_header header;
  ASSERT_EQ(read_header(second.data(), header), peer_fault::none);
  EXPECT_EQ(header.id, 3u) << "control first";
  ASSERT_EQ(
      read_header(second.data() + frame_header_size + header.remaining, header), peer_fault::none
  );
  EXPECT_EQ(header.id, 2u) << "then the short one";
  EXPECT_LT(first.size(), 2 * frame_chunk);
  EXPECT_FALSE(queue.empty());
}

TEST(FrameQueueTest, OnlyControlFramesGoWhereThereIsNoRoom) {
  frame_queue queue;
  append_reply(queue, 1, {0, a_hit(std::string(1 << 20, 'L'))}, {});
  append_reply(queue, 2, {0, a_hit("small")}, {});
  std::string out;
  queue.take(out, 0);
  EXPECT_TRUE(out.empty());
  append_reply(queue, 3, {0, ping_reply{}}, {});
  queue.take(out, 0);
  EXPECT_EQ(feed(out, phase::replies).messages.size(), 1u);
  EXPECT_LT(out.size(), 200u);
  EXPECT_EQ(feed(drain(queue), phase::replies).messages.size(), 2u);
}

TEST(FrameQueueTest, ManyShortMessagesGoInSeveralWritesOfWholeFrames) {
  frame_queue queue;
  const std::string value(5000, 's');
  for (std::uint64_t id = 1; id <= 1000; ++id) append_reply(queue, id, {0, a_hit(value)}, {});
  std::size_t messages = 0;
  std::string out;
  while (!queue.empty()) {
    const auto before = queue.size();
    queue.take(out);
    EXPECT_EQ(queue.size(), before - out.size());
    EXPECT_LT(out.size(), frame_queue::least_room + 2 * value.size());
    const auto got = feed(out, phase::replies);
    EXPECT_TRUE(got.idle);
    messages += got.messages.size();
    if (messages == 500) append_reply(queue, 0, {0, a_hit("late")}, {});
  }
  EXPECT_GE(messages, 1000u);
}

TEST(FrameQueueTest, LongMessagesTakeTurns) {
  frame_queue queue;
  for (std::uint64_t id = 1; id <= 3; ++id)
    append_reply(queue, id, {0, a_hit(std::string(200'000, 'L'))}, {});
  std::vector<std::uint64_t> order;
  const auto all = drain(queue);
  for (std::size_t at = 0; at < all.size();) {
    frame_header header;
    ASSERT_EQ(read_header(all.data() + at, header), peer_fault::none);
    order.push_back(header.id);
    at += frame_header_size + header.chunk();
  }
  EXPECT_EQ(
      std::vector<std::uint64_t>(order.begin(), order.begin() + 6),
      (std::vector<std::uint64_t>{1, 2, 3, 1, 2, 3})
  );
}

TEST(FrameQueueTest, TakesOverWhatAnotherQueueHolds) {
  frame_queue queue, other;
  append_reply(queue, 1, {0, a_hit("first")}, {});
  append_reply(other, 2, {0, a_hit("second")}, {});
  append_reply(other, 3, {0, a_hit(std::string(200'000, 'L'))}, {});
  append_reply(other, 4, {0, ping_reply{}}, {});
  queue.absorb(std::move(other));
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(feed(drain(queue), phase::replies).messages.size(), 4u);
}

TEST(FrameQueueTest, NeverHasMoreUnderwayThanTheReceiverHolds) {
  const frame_limits limits{.max_value = 300'000, .max_batch_reply = 300'000};
  frame_queue queue(limits);
  for (std::uint64_t id = 1; id <= 50; ++id)
    append_reply(queue, id, {0, a_hit(std::string(290'000, 'L'))}, limits);
  frame_decoder decoder(limits, phase::replies);
  std::size_t messages = 0;
  std::string part;
  while (!queue.empty()) {
    queue.take(part);
    std::string_view view = part;
    frame_message message;
    while (decoder.next(view, message) == status::message) ++messages;
    ASSERT_EQ(decoder.fault(), peer_fault::none);
  }
  EXPECT_EQ(messages, 50u);
}

}  // namespace
}  // namespace weir
