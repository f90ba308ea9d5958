#include "tests/transport/peer/peer_feed.hpp"
#include "tests/transport/peer/peer_samples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace weir {
namespace {

using namespace test;
using phase = frame_decoder::phase;
using status = frame_decoder::status;

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
  reply.answer.entry.ttl = max_ttl;
  reply.answer.entry.age = milliseconds(0);
  EXPECT_EQ(got.messages, std::vector<std::string>{describe(peer_reply{0, reply})});
}

}  // namespace
}  // namespace weir
