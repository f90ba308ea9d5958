#include "engine/entries/entry_table.hpp"
#include "tests/engine/entries/store_fixture.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace weir::test {
namespace {

// Random operations against a plain map of what must be there.
class EntryTableModelTest : public testing::TestWithParam<int> {};

TEST_P(EntryTableModelTest, BehavesLikeAMap) {
  struct modelled {
    std::string value;
    time_point expires;
    entry_kind kind;
  };

  table_fixture store(200'000, 20'000);
  std::map<std::string, modelled> model;
  std::mt19937_64 random(static_cast<std::uint64_t>(GetParam()));
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  const auto forget = [&](const std::vector<std::string>& keys) {
    for (const auto& key : keys) ASSERT_EQ(model.erase(key), 1u) << key;
  };
  auto now = at(1000s);

  for (int step = 0; step != 4000; ++step) {
    const auto key = std::to_string(below(300)) + std::string(below(3) * 40, 'k');
    switch (below(8)) {
      case 0:
      case 1:
      case 2: {
        const auto kind = static_cast<entry_kind>(below(entry_kind_count));
        const auto value = std::string(below(4) == 0 ? below(3000) : below(200), 'v');
        const auto expires = now + milliseconds(below(5) == 0 ? below(4000000) : below(20000));
        store.put(key, value, {.kind = kind, .expires = expires});
        model[key] = {value, expires, kind};
        forget(store.evict(kind));
        ASSERT_FALSE(store.budgets.of(kind).is_exceeded());
        break;
      }
      case 3:
        if (auto* held = store.find(key)) store.table.erase(*held, store.garbage);
        model.erase(key);
        break;
      case 4:
        now += milliseconds(below(50) == 0 ? below(4000000) : below(300));
        for (const auto& gone : store.expire(now, 1 + below(100))) {
          ASSERT_LE(model.at(gone).expires, now);
          model.erase(gone);
        }
        break;
      case 5:
        store.garbage.clear();
        break;
      default: {
        const auto expected = model.find(key);
        ASSERT_EQ(store.get(key), expected == model.end() ? "(none)" : expected->second.value);
        break;
      }
    }
    ASSERT_EQ(store.table.size(), model.size());
  }

  store.expire(now);
  std::erase_if(model, [&](const auto& each) { return each.second.expires + 250ms <= now; });
  for (const auto& [key, held] : model) {
    if (held.expires > now) {
      ASSERT_EQ(store.get(key), held.value);
    }
  }
  store.expire(now + 2h);
  EXPECT_EQ(store.table.size(), 0u);
  EXPECT_EQ(
      store.budgets.owned.used + store.budgets.near_copy.used + store.budgets.gutter.used, 0u
  );
}

INSTANTIATE_TEST_SUITE_P(Seeds, EntryTableModelTest, testing::Range(0, 12));
}  // namespace
}  // namespace weir::test
