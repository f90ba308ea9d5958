#include "engine/entries/entry_index.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace weir {
namespace {

/// An index and the entries that it points to. Hashes are the test's: bits 0-7 are the tag, bits 8
/// and up the place.
class EntryIndexTest : public testing::Test {
 protected:
  stored_entry& add(const std::string& key, std::uint64_t hash) {
    index_.reserve_one();
    entries_.push_back(stored_entry::make({.key = key, .hash = hash}));
    index_.insert(*entries_.back());
    return *entries_.back();
  }

  std::multiset<std::string> visited() {
    std::multiset<std::string> keys;
    for (std::size_t i = 0; i != index_.group_count(); ++i)
      index_.visit_group(i, [&](stored_entry& entry) { keys.emplace(entry.key()); });
    return keys;
  }

  std::vector<stored_entry::pointer> entries_;
  entry_index index_;
};

TEST_F(EntryIndexTest, EmptyItFindsNothingAndTakesNoMemory) {
  EXPECT_EQ(index_.find("a", 0), nullptr);
  EXPECT_EQ(index_.memory(), 0u);
  EXPECT_EQ(index_.group_count(), 0u);
  EXPECT_EQ(index_.size(), 0u);
  index_.prefetch(77);
}

TEST_F(EntryIndexTest, FindsByKeyAndHash) {
  auto& entry = add("a", 0x1234);
  EXPECT_EQ(index_.find("a", 0x1234), &entry);
  EXPECT_EQ(index_.find("b", 0x1234), nullptr);
  EXPECT_EQ(index_.find("a", 0x1235), nullptr);
  EXPECT_EQ(index_.size(), 1u);
}

TEST_F(EntryIndexTest, KeysOfOneHashStayApart) {
  auto& one = add("a", 5);
  auto& other = add("b", 5);
  EXPECT_EQ(index_.find("a", 5), &one);
  EXPECT_EQ(index_.find("b", 5), &other);
}

TEST_F(EntryIndexTest, ATagOf0IsAnEntryLikeAnyOther) {
  auto& entry = add("a", 0);
  EXPECT_EQ(index_.find("a", 0), &entry);
  index_.erase(entry);
  EXPECT_EQ(index_.find("a", 0), nullptr);
}

TEST_F(EntryIndexTest, MoreThanAGroupHoldsGoOnToTheNext) {
  for (int i = 0; i != 40; ++i) add(std::to_string(i), static_cast<std::uint64_t>(i) % 3);
  for (std::size_t i = 0; i != 40; ++i)
    EXPECT_EQ(index_.find(std::to_string(i), i % 3), entries_[i].get()) << i;
  EXPECT_EQ(index_.find("none", 1), nullptr);
}

TEST_F(EntryIndexTest, WhatWentOnIsFoundAfterTheFullGroupEmptied) {
  for (int i = 0; i != 20; ++i) add(std::to_string(i), 9);
  for (std::size_t i = 0; i != 19; ++i) {
    index_.erase(*entries_[i]);
    EXPECT_EQ(index_.find("19", 9), entries_[19].get()) << i;
    EXPECT_EQ(index_.find(std::to_string(i), 9), nullptr);
  }
  EXPECT_EQ(index_.size(), 1u);
}

// The number of entries that went on saturates at 255 and then never falls: a search may take
// longer, but misses nothing.
TEST_F(EntryIndexTest, MoreThan255ThatWentOnAreFoundStill) {
  for (int i = 0; i != 300; ++i) add(std::to_string(i), 9);
  for (std::size_t i = 0; i != 299; ++i) index_.erase(*entries_[i]);
  EXPECT_EQ(index_.find("299", 9), entries_[299].get());
}

TEST_F(EntryIndexTest, GrowsWhenFourFifthsAreFull) {
  add("a", 0);
  EXPECT_EQ(index_.group_count(), 1u);
  EXPECT_EQ(index_.memory(), 64u);
  for (int i = 1; i != 5; ++i) add(std::to_string(i), static_cast<std::uint64_t>(i) << 8);
  EXPECT_EQ(index_.group_count(), 1u) << "5 of 7";
  add("6", 6 << 8);
  EXPECT_EQ(index_.group_count(), 2u);
  EXPECT_EQ(index_.size(), 6u);
}

TEST_F(EntryIndexTest, VisitsEachEntryOnceAndMayErase) {
  std::multiset<std::string> keys;
  for (int i = 0; i != 100; ++i) {
    add(std::to_string(i), static_cast<std::uint64_t>(i) * 0x9e3779b97f4a7c15);
    keys.insert(std::to_string(i));
  }
  EXPECT_EQ(visited(), keys);
  for (std::size_t i = 0; i != index_.group_count(); ++i)
    index_.visit_group(i, [&](stored_entry& entry) { index_.erase(entry); });
  EXPECT_EQ(index_.size(), 0u);
  EXPECT_TRUE(visited().empty());
}

TEST_F(EntryIndexTest, AgreesWithAMapOverManySteps) {
  std::map<std::string, stored_entry*> known;
  std::uint64_t random = 1;
  for (int step = 0; step != 20'000; ++step) {
    random = random * 6364136223846793005 + 1442695040888963407;
    const auto key = std::to_string((random >> 33) % 500);
    const std::uint64_t hash = std::hash<std::string>()(key) & 0xfff;  // many meet
    const auto at = known.find(key);
    ASSERT_EQ(index_.find(key, hash), at == known.end() ? nullptr : at->second) << step;
    if (at == known.end()) {
      known[key] = &add(key, hash);
    } else {
      index_.erase(*at->second);
      known.erase(at);
    }
    ASSERT_EQ(index_.size(), known.size());
  }
}

}  // namespace
}  // namespace weir
