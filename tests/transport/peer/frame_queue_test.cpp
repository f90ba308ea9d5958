#include "tests/transport/peer/peer_feed.hpp"
#include "tests/transport/peer/peer_samples.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace test;
using phase = frame_decoder::phase;
using status = frame_decoder::status;

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
