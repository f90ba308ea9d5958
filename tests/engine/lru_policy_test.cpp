#include "engine/lru_policy.hpp"

#include "tests/engine/store_fixture.hpp"

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
    if (filter.passes(entry)) policy.on_hit(entry);
  }

  std::string evict() {
    auto* victim = policy.victim();
    if (victim == nullptr) return "(none)";
    policy.on_erase(*victim);
    return std::string(victim->key());
  }

  hit_filter filter;
  lru_policy policy{filter};
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

TEST_F(LruPolicyTest, LeavesTheYoungestQuarterAlone) {
  for (int i = 0; i != 400; ++i) add(i);
  const auto clock = filter.clock;
  for (int i = 300; i != 400; ++i) hit(*entries[static_cast<std::size_t>(i)]);
  EXPECT_EQ(filter.clock, clock);
  hit(*entries[299]);
  EXPECT_EQ(filter.clock, clock + 1);
}

TEST_F(LruPolicyTest, EvictsNothingFromTheYoungestHalf) {
  for (int i = 0; i != 400; ++i) add(i);
  std::mt19937 random(4);
  std::vector<int> last_hit(400, -1);
  for (int step = 0; step != 5000; ++step) {
    const auto chosen = random() % 400;
    hit(*entries[chosen]);
    last_hit[chosen] = step;
    // At least 150 other entries were used after the victim was.
    const auto victim = static_cast<std::size_t>(std::stoi(std::string(policy.victim()->key())));
    const auto younger = std::count_if(last_hit.begin(), last_hit.end(), [&](int each) {
      return each > last_hit[victim];
    });
    if (last_hit[victim] >= 0) {
      ASSERT_GE(younger, 150) << "after step " << step;
    }
  }
}

TEST_F(LruPolicyTest, CountsOnWhenTheClockWraps) {
  filter.clock = 0xffff'fff0;
  for (int i = 0; i != 100; ++i) add(i);
  hit(*entries[99]);
  EXPECT_EQ(policy.victim(), entries[0].get());
  hit(*entries[0]);
  EXPECT_EQ(policy.victim(), entries[1].get());
}

}  // namespace
}  // namespace weir::test
