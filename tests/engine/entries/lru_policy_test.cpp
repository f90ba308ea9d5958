#include "engine/entries/eviction/lru_policy.hpp"

#include "tests/engine/entries/store_fixture.hpp"

#include <gtest/gtest.h>

#include <list>
#include <random>

namespace weir::test {
namespace {

struct LruPolicyTest : testing::Test {
  stored_entry& add(int i) {
    entries.push_back(table_fixture::make(std::to_string(i), "", {}));
    policy.on_insert(*entries.back());
    return *entries.back();
  }

  void hit(stored_entry& entry) {
    if (rule.counted_uses == 0) return policy.on_hit(entry);
    if (entry.uses < rule.counted_uses) ++entry.uses;
  }

  std::string evict() {
    auto* victim = policy.victim();
    if (victim == nullptr) return "(none)";
    policy.on_erase(*victim);
    return std::string(victim->key());
  }

  hit_rule rule;
  lru_policy policy{rule};
  std::vector<stored_entry::pointer> entries;
};

TEST_F(LruPolicyTest, HasNoVictimWhenEmpty) {
  EXPECT_EQ(evict(), "(none)");
  policy.on_erase(add(1));
  EXPECT_EQ(evict(), "(none)");
}

TEST_F(LruPolicyTest, EvictsInTheOrderOfInsertion) {
  for (int i = 0; i != 100; ++i) add(i);
  for (int i = 0; i != 100; ++i) EXPECT_EQ(evict(), std::to_string(i));
}

TEST_F(LruPolicyTest, AHitSavesAnEntry) {
  auto& first = add(1);
  add(2);
  hit(first);
  EXPECT_EQ(evict(), "2");
  EXPECT_EQ(evict(), "1");
}

TEST_F(LruPolicyTest, IsExactForFewEntries) {
  std::list<stored_entry*> exact;
  for (std::size_t i = 0; i != lru_policy::exact_up_to; ++i) {
    exact.push_front(&add(static_cast<int>(i)));
  }
  std::mt19937 random(3);
  for (int step = 0; step != 2000; ++step) {
    auto chosen = exact.begin();
    std::advance(chosen, random() % exact.size());
    hit(**chosen);
    exact.splice(exact.begin(), exact, chosen);
    ASSERT_EQ(policy.victim(), exact.back());
  }
  for (; !exact.empty(); exact.pop_back()) EXPECT_EQ(evict(), exact.back()->key());
}

TEST_F(LruPolicyTest, MovesNothingOnAHitAmongMany) {
  for (int i = 0; i != 400; ++i) add(i);
  hit(*entries[0]);
  EXPECT_EQ(entries[0]->newer, entries[1].get());
  EXPECT_EQ(entries[0]->uses, 1);
  hit(*entries[0]);
  EXPECT_EQ(entries[0]->uses, 1);
}

TEST_F(LruPolicyTest, GivesASecondChanceAmongMany) {
  for (int i = 0; i != 400; ++i) add(i);
  for (const std::size_t used : {0u, 1u, 4u}) hit(*entries[used]);
  EXPECT_EQ(evict(), "2");
  EXPECT_EQ(evict(), "3");
  EXPECT_EQ(evict(), "5");
}

TEST_F(LruPolicyTest, GivesOnlyOneSecondChancePerHit) {
  for (int i = 0; i != 100; ++i) add(i);
  hit(*entries[0]);
  for (int i = 1; i != 100; ++i) EXPECT_EQ(evict(), std::to_string(i));
  EXPECT_EQ(evict(), "0");
}

TEST_F(LruPolicyTest, BoundsTheWorkPerVictim) {
  for (int i = 0; i != 400; ++i) add(i);
  for (auto& each : entries) hit(*each);
  EXPECT_EQ(evict(), std::to_string(lru_policy::max_chances));
}

TEST_F(LruPolicyTest, NamesTheSameVictimUntilItIsGone) {
  for (int i = 0; i != 100; ++i) add(i);
  hit(*entries[0]);
  auto* victim = policy.victim();
  EXPECT_EQ(policy.victim(), victim);
}

TEST_F(LruPolicyTest, IsExactAgainWhenFewAreLeft) {
  for (int i = 0; i != 100; ++i) add(i);
  for (int i = 0; i != 50; ++i) evict();
  hit(*entries[60]);
  for (int i = 50; i != 100; ++i) {
    if (i == 60) continue;
    EXPECT_EQ(evict(), std::to_string(i));
  }
  EXPECT_EQ(evict(), "60");
}

}  // namespace
}  // namespace weir::test
