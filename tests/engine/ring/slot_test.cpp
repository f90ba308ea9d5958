#include <weir/engine/slot.hpp>

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

namespace weir {
namespace {

// The definition, bit by bit, as the reference for the table-driven one.
std::uint16_t slow_crc16(std::string_view text) {
  unsigned crc = 0;
  for (const unsigned char byte : text) {
    crc ^= static_cast<unsigned>(byte) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    crc &= 0xffff;
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint16_t slot_of_text(std::string_view text) {
  return slow_crc16(text) % slot_count;
}

TEST(SlotTest, CrcIsXmodem) {
  EXPECT_EQ(crc16("123456789"), 0x31C3);
  EXPECT_EQ(crc16(""), 0);
}

TEST(SlotTest, CrcOfAnyLengthAndByteIsThatOfTheDefinition) {
  std::mt19937_64 random(1);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string text(size, '\0');
    for (auto& byte : text) byte = static_cast<char>(random());
    EXPECT_EQ(crc16(text), slow_crc16(text)) << size;
    const auto half = std::string_view(text).substr(0, size / 2);
    EXPECT_EQ(crc16(std::string_view(text).substr(size / 2), crc16(half)), slow_crc16(text));
  }
}

TEST(SlotTest, SlotsAreThoseOfRedisCluster) {
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("bar"), 5061);
  EXPECT_EQ(slot_of("123456789"), 12739);
  EXPECT_EQ(slot_of(""), 0);
}

TEST(SlotTest, TagRuleIsThatOfRedisCluster) {
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("{user1000}.followers"));
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of_text("user1000"));
  EXPECT_EQ(slot_of("foo{}{bar}"), slot_of_text("foo{}{bar}"));  // an empty tag: the whole text
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of_text("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of_text("bar"));
  EXPECT_EQ(slot_of("foo{bar"), slot_of_text("foo{bar"));
  EXPECT_EQ(slot_of("foo}bar{"), slot_of_text("foo}bar{"));
  EXPECT_EQ(slot_of("}foo{bar}"), slot_of_text("bar"));
  EXPECT_EQ(slot_of("{}"), slot_of_text("{}"));
}

TEST(SlotTest, KeysWithOneTagShareASlotAcrossKeyspaces) {
  EXPECT_EQ(slot_of("users", "{42}:a"), slot_of("orders", "{42}:b"));
  EXPECT_EQ(slot_of("users", "{42}:a"), slot_of_text("42"));
}

TEST(SlotTest, PartsHashLikeTheJoinedText) {
  const std::string alphabet = "ab{}:";
  std::mt19937 random(2);
  std::string keyspace, key;
  const auto fill = [&](std::string& text) {
    text.clear();
    for (auto left = random() % 7; left > 0; --left) text += alphabet[random() % alphabet.size()];
  };
  for (int round = 0; round < 20000; ++round) {
    fill(keyspace);
    fill(key);
    ASSERT_EQ(slot_of(keyspace, key), slot_of(keyspace + ":" + key)) << keyspace << " " << key;
  }
}

TEST(SlotTest, NumberedKeysReachNearlyAllSlots) {
  std::set<std::uint16_t> slots;
  for (int i = 0; i < 200000; ++i) slots.insert(slot_of("users", std::to_string(i)));
  EXPECT_GT(slots.size(), 16300u);
  EXPECT_LT(*slots.rbegin(), slot_count);
}

}  // namespace
}  // namespace weir
