#include "engine/entries/entry_table.hpp"

#include "tests/engine/entries/allocation_counter.hpp"
#include "tests/engine/entries/store_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <malloc.h>
#include <map>
#include <random>
#include <stdexcept>

namespace weir::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string large(1000, 'l');

TEST(EntryTableTest, FindsWhatWasPut) {
  table_fixture store;
  store.put("user:1", "Ada");
  EXPECT_EQ(store.get("user:1"), "Ada");
  EXPECT_EQ(store.get("user:2"), "(none)");
  EXPECT_EQ(store.table.size(), 1u);
}

TEST(EntryTableTest, FindsNothingWhenEmpty) {
  table_fixture store;
  EXPECT_EQ(store.find("user:1"), nullptr);
  EXPECT_EQ(store.find(""), nullptr);
}

TEST(EntryTableTest, KeepsKeysAndValuesOfEverySize) {
  table_fixture store(64 << 20);
  std::mt19937_64 random(1);
  const auto text = [&](std::size_t size) {
    std::string made(size, '\0');
    for (auto& each : made) each = static_cast<char>(random());
    return made;
  };
  std::map<std::string, std::string> expected;
  for (std::size_t size = 0; size != 300; ++size) expected[text(size)] = text(300 - size);
  for (const std::size_t size : {512u, 4096u, 65535u}) expected[text(size)] = text(100000);
  for (const auto& [key, value] : expected) ASSERT_NE(store.put(key, value), nullptr);
  for (const auto& [key, value] : expected) EXPECT_EQ(store.get(key), value);
}

TEST(EntryTableTest, TellsKeysApartThatDifferInOneByte) {
  for (std::size_t size = 1; size != 80; ++size) {
    const std::string key(size, 'k');
    const auto entry = table_fixture::make(key, "", {});
    EXPECT_TRUE(entry->is(key, entry->hash));
    for (std::size_t i = 0; i != size; ++i) {
      auto other = key;
      other[i] = 'x';
      EXPECT_FALSE(entry->is(other, entry->hash)) << size << " bytes, byte " << i;
    }
    EXPECT_FALSE(entry->is(key + "k", entry->hash));
  }
}

TEST(EntryTableTest, RefusesAKeyThatIsTooLong) {
  EXPECT_THROW(table_fixture::make(std::string(65536, 'k'), "", {}), std::length_error);
}

TEST(EntryTableTest, KeepsEverythingAnEntrySays) {
  table_fixture store;
  const auto said = std::make_shared<const metadata>(metadata{"text/plain", "\"7\""});
  for (const auto& value : {std::string("small"), large}) {
    store.table.insert(
        entry_table::make_entry({
            .key = "k",
            .hash = key_hash("k", store.seed),
            .value = value,
            .meta = said,
            .epoch = 3,
            .seq = 4,
            .expires = at(9s),
            .loaded_at = at(1s),
            .slot = 77,
            .kind = entry_kind::near_copy,
        }),
        store.garbage
    );
    const auto* found = store.find("k");
    EXPECT_EQ(found->value().view(), value);
    EXPECT_EQ(found->meta(), said);
    EXPECT_EQ(found->epoch, 3u);
    EXPECT_EQ(found->seq, 4u);
    EXPECT_EQ(found->expires, at(9s));
    EXPECT_EQ(found->loaded_at, at(1s));
    EXPECT_EQ(found->slot, 77u);
    EXPECT_EQ(found->kind, entry_kind::near_copy);
    EXPECT_FALSE(found->is_absent);
  }
  store.garbage.clear();
  EXPECT_EQ(said.use_count(), 2);
}

TEST(EntryTableTest, KeepsAbsentKeys) {
  table_fixture store;
  store.put("user:9", "", {.expires = at(5s), .is_absent = true, .seq = 8});
  const auto* found = store.find("user:9");
  ASSERT_NE(found, nullptr);
  EXPECT_TRUE(found->is_absent);
  EXPECT_EQ(found->seq, 8u);
  EXPECT_EQ(found->meta(), nullptr);
  EXPECT_TRUE(found->value().empty());
}

TEST(EntryTableTest, ReplacesAnEntryOfAnyKind) {
  table_fixture store;
  store.put("k", "near", {.kind = entry_kind::near_copy});
  store.put("k", "owned");
  EXPECT_EQ(store.get("k"), "owned");
  EXPECT_EQ(store.table.size(), 1u);
  EXPECT_EQ(store.table.count(entry_kind::near_copy), 0u);
  EXPECT_EQ(store.budgets.near_copy.used, 0u);
}

TEST(EntryTableTest, AbsentKeysTakeATenthAndDriveNoValueOut) {
  table_fixture store(100'000);
  for (int i = 0; i != 100; ++i) store.put("value" + std::to_string(i), std::string(100, 'v'));
  for (int i = 0; i != 10'000; ++i) {
    store.put("none" + std::to_string(i), "", {.is_absent = true});
    for (const auto& gone : store.evict()) ASSERT_TRUE(gone.starts_with("none")) << gone;
    ASSERT_LE(store.budgets.owned.absent_used, 10'000u);
  }
  EXPECT_EQ(store.get("none9999"), "");
  EXPECT_EQ(store.get("none0"), "(none)");
  for (int i = 0; i != 100; ++i) EXPECT_NE(store.get("value" + std::to_string(i)), "(none)");
}

TEST(EntryTableTest, AbsentKeysGiveWayToValuesWhenAllIsFull) {
  table_fixture store(10'000);
  store.put("none", "", {.is_absent = true});
  for (int i = 0; i != 1000; ++i) {
    store.put("value" + std::to_string(i), std::string(100, 'v'));
    store.evict();
    ASSERT_FALSE(store.budgets.owned.is_exceeded());
  }
  EXPECT_EQ(store.get("none"), "");  // within its tenth
  store.budgets.owned.limit = store.find("value999")->charge;
  store.evict();
  EXPECT_NE(store.get("value999"), "(none)");
  EXPECT_EQ(store.get("none"), "(none)");
}

TEST(EntryTableTest, SharesLargeValuesAndKeepsThemAliveForReaders) {
  table_fixture store;
  store.put("k", large);
  const auto first = store.find("k")->value();
  const auto second = store.find("k")->value();
  EXPECT_EQ(first.data(), second.data());
  store.table.erase(*store.find("k"), store.garbage);
  store.garbage.clear();
  EXPECT_EQ(first.view(), large);
}

TEST(EntryTableTest, CopiesAValueOverAnother) {
  table_fixture store;
  const std::vector<std::string> values{
      large,
      "small",
      std::string(119, 'm'),
      "",
      large,
      std::string(112, 'n'),
      large,
      std::string(113, 'o')};
  bytes out("before");
  for (std::size_t i = 0; i != values.size(); ++i) {
    entry_table::copy_value(*store.put(std::to_string(i), values[i]), out);
    EXPECT_EQ(out.view(), values[i]);
    EXPECT_EQ(bytes(out).view(), values[i]);
    EXPECT_EQ(bytes(std::move(out)).view(), values[i]);
    EXPECT_TRUE(out.empty());
  }
}

TEST(EntryTableTest, AllocatesNothingOnAHit) {
  table_fixture store;
  const std::vector<std::string> values{"", "small", std::string(119, 'm'), large};
  for (std::size_t i = 0; i != 400; ++i) store.put(std::to_string(i), values[i % values.size()]);
  const auto before = allocation_count();
  const auto heap_before = mallinfo2().uordblks;
  std::size_t seen = 0;
  for (int i = 0; i != 400; ++i) {
    char key[8];
    const std::string_view text(key, static_cast<std::size_t>(std::snprintf(key, 8, "%d", i)));
    auto* found = store.find(text);
    store.table.touch(*found);
    bytes value;
    entry_table::copy_value(*found, value);
    seen += value.size() + found->value().size();
  }
  EXPECT_EQ(allocation_count(), before);
  EXPECT_EQ(mallinfo2().uordblks, heap_before);
  EXPECT_EQ(seen, 200u * (5 + 119 + 1000));
}

TEST(EntryTableTest, ChargesWhatAnEntryTakes) {
  const auto small = table_fixture::make("k", std::string(50, 'v'), {});
  EXPECT_GE(small->charge, sizeof(stored_entry) + 51);
  EXPECT_LE(small->charge, sizeof(stored_entry) + 51 + 64);
  const auto shared = table_fixture::make("k", std::string(10000, 'v'), {});
  EXPECT_GE(shared->charge, sizeof(stored_entry) + 10001);
  EXPECT_LE(shared->charge, sizeof(stored_entry) + 10001 + 96);
  constexpr std::size_t whole_pages = 25 * 4096;
  const auto mapped = table_fixture::make("k", std::string(100000, 'v'), {});
  EXPECT_GE(mapped->charge, sizeof(stored_entry) + 100001);
  EXPECT_LE(mapped->charge, sizeof(stored_entry) + whole_pages + 96);
}

TEST(EntryTableTest, GivesTheBudgetBackWhenEntriesLeave) {
  table_fixture store;
  store.put("a", "1");
  store.put("b", large);
  EXPECT_EQ(store.budgets.owned.used, store.find("a")->charge + store.find("b")->charge);
  store.table.erase(*store.find("a"), store.garbage);
  EXPECT_EQ(store.budgets.owned.used, store.find("b")->charge);
  store.table.erase(*store.find("b"), store.garbage);
  EXPECT_EQ(store.budgets.owned.used, 0u);
}

TEST(EntryTableTest, GivesTheBudgetBackAtItsEnd) {
  entry_budgets budgets{{.limit = 1 << 20}, {.limit = 1 << 20}, {.limit = 1 << 20}};
  entry_list garbage;
  {
    entry_table table(budgets, &lru_policy::make);
    for (int i = 0; i != 100; ++i) {
      table.insert(table_fixture::make(std::to_string(i), large, {}), garbage);
    }
    EXPECT_GT(budgets.owned.used, 100'000u);
  }
  EXPECT_EQ(budgets.owned.used, 0u);
}

TEST(EntryTableTest, RefusesATooLargeEntryAndEvictsNothing) {
  table_fixture store(10'000);
  for (int i = 0; i != 20; ++i) store.put(std::to_string(i), "v");
  auto too_large = table_fixture::make("3", std::string(5000, 'v'), {});
  EXPECT_EQ(store.table.insert(std::move(too_large), store.garbage), nullptr);
  EXPECT_NE(too_large, nullptr);
  EXPECT_THAT(store.evict(), IsEmpty());
  EXPECT_EQ(store.get("3"), "v");
  EXPECT_EQ(store.table.size(), 20u);
}

TEST(EntryTableTest, NeverStaysAboveTheBudget) {
  table_fixture store(50'000);
  std::mt19937_64 random(2);
  for (int i = 0; i != 5000; ++i) {
    const auto key = std::to_string(random() % 1000);
    const auto* kept = store.put(key, std::string(random() % 2000, 'v'));
    ASSERT_NE(kept, nullptr);
    store.evict();
    ASSERT_LE(store.budgets.owned.used, store.budgets.owned.limit);
    ASSERT_EQ(store.find(key), kept);
  }
}

TEST(EntryTableTest, EvictsTheLeastRecentlyUsedFirst) {
  table_fixture store;
  for (const auto* key : {"a", "b", "c", "d"}) store.put(key, "v");
  store.get("a");
  store.get("c");
  store.budgets.owned.limit = store.find("a")->charge;
  EXPECT_THAT(store.evict(), ElementsAre("b", "d", "a"));
  EXPECT_EQ(store.get("c"), "v");
}

TEST(EntryTableTest, LeavesTheNewestUnlessToldOtherwise) {
  table_fixture store;
  store.put("a", "v");
  store.put("b", "v");
  store.budgets.owned.limit = 0;
  EXPECT_THAT(store.evict(), ElementsAre("a"));
  EXPECT_THAT(store.evict(), IsEmpty());
  EXPECT_THAT(store.evict(entry_kind::owned, 0), ElementsAre("b"));
  EXPECT_THAT(store.evict(entry_kind::owned, 0), IsEmpty());
}

TEST(EntryTableTest, EvictsEachKindForItself) {
  table_fixture store(1 << 20, 5000);
  store.put("owned", "v");
  store.put("near", "v", {.kind = entry_kind::near_copy});
  for (int i = 0; i != 50; ++i) {
    store.put("gutter" + std::to_string(i), std::string(100, 'v'), {.kind = entry_kind::gutter});
    store.evict(entry_kind::gutter);
  }
  EXPECT_LE(store.budgets.gutter.used, 5000u);
  EXPECT_LT(store.table.count(entry_kind::gutter), 50u);
  EXPECT_THAT(store.evict(entry_kind::owned), IsEmpty());
  EXPECT_EQ(store.get("owned"), "v");
  EXPECT_EQ(store.get("near"), "v");
}

TEST(EntryTableTest, SharesTheBudgetWithOtherShards) {
  table_fixture store(100'000);
  entry_table other(store.budgets, &lru_policy::make);
  other.insert(table_fixture::make("far", large, {}), store.garbage);
  store.put("here", large);
  store.budgets.owned.limit = 1500;
  EXPECT_THAT(store.evict(), IsEmpty());
  other.evict(entry_kind::owned, store.on_gone(), store.garbage, 0);
  EXPECT_THAT(store.gone, ElementsAre("far"));
  EXPECT_FALSE(store.budgets.owned.is_exceeded());
}

TEST(EntryTableTest, ExpiresWhatIsDueAndReportsIt) {
  table_fixture store;
  store.put("soon", "v", {.expires = at(1s)});
  store.put("later", "v", {.expires = at(60s)});
  store.put("never", "v");
  EXPECT_THAT(store.expire(at(999ms)), IsEmpty());
  EXPECT_THAT(store.expire(at(1s)), ElementsAre("soon"));
  EXPECT_THAT(store.expire(at(1000h)), ElementsAre("later"));
  EXPECT_EQ(store.get("never"), "v");
}

TEST(EntryTableTest, ExpiresInSlices) {
  table_fixture store;
  for (int i = 0; i != 100; ++i) store.put(std::to_string(i), "v", {.expires = at(1s)});
  std::size_t left = 100;
  while (left != 0) {
    const auto gone = store.expire(at(2s), 7).size();
    ASSERT_GT(gone, 0u);
    ASSERT_LE(gone, 7u);
    left -= gone;
  }
  EXPECT_EQ(store.table.size(), 0u);
}

TEST(EntryTableTest, MovesAnExpiry) {
  table_fixture store;
  auto* entry = store.put("k", "v", {.expires = at(1s)});
  store.table.reschedule(*entry, at(10s));
  EXPECT_THAT(store.expire(at(9s)), IsEmpty());
  store.table.reschedule(*entry, at(9500ms));
  EXPECT_THAT(store.expire(at(9500ms)), ElementsAre("k"));
}

TEST(EntryTableTest, SweepsInSlicesWhatMatches) {
  table_fixture store;
  for (std::uint64_t i = 0; i != 500; ++i) store.put(std::to_string(i), "v", {.seq = i});
  const auto below = [](const stored_entry& entry) { return entry.seq < 400; };
  int slices = 1;
  while (!store.table.sweep(20, below, store.on_gone(), store.garbage)) ++slices;
  EXPECT_GE(slices, 20);
  EXPECT_EQ(store.gone.size(), 400u);
  EXPECT_EQ(store.table.size(), 100u);
  EXPECT_EQ(store.get("399"), "(none)");
  EXPECT_EQ(store.get("400"), "v");
}

TEST(EntryTableTest, SweepsAnewWhenTheIndexGrew) {
  table_fixture store;
  const auto everything = [](const stored_entry&) { return true; };
  for (int i = 0; i != 100; ++i) store.put(std::to_string(i), "v");
  EXPECT_FALSE(store.table.sweep(50, everything, store.on_gone(), store.garbage));
  for (int i = 100; i != 1000; ++i) store.put(std::to_string(i), "v");
  while (!store.table.sweep(50, everything, store.on_gone(), store.garbage)) {
  }
  EXPECT_EQ(store.table.size(), 0u);
}

TEST(EntryTableTest, SurvivesKeysOfOneHash) {
  table_fixture store;
  const auto put = [&](int i) {
    const auto key = std::to_string(i);
    store.table.insert(
        entry_table::make_entry({.key = key, .hash = 42, .value = key, .expires = time_point::max()}
        ),
        store.garbage
    );
  };
  for (int i = 0; i != 1000; ++i) put(i);
  for (int i = 0; i != 1000; i += 2) {
    store.table.erase(*store.table.find(std::to_string(i), 42), store.garbage);
  }
  for (int i = 0; i != 1000; ++i) {
    const auto* found = store.table.find(std::to_string(i), 42);
    ASSERT_EQ(found != nullptr, i % 2 == 1) << i;
  }
  EXPECT_EQ(store.table.find("absent", 42), nullptr);
}

}  // namespace
}  // namespace weir::test
