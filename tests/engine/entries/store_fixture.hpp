#pragma once

#include "engine/entries/entry_table.hpp"
#include "engine/entries/eviction/lru_policy.hpp"
#include "engine/entries/key_hash.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

using namespace std::chrono_literals;

inline time_point at(steady_duration since_start) {
  return time_point(since_start);
}

/// One table with its budgets, spoken to in keys and values.
struct table_fixture {
  explicit table_fixture(std::uint64_t owned = 1 << 20, std::uint64_t gutter = 1 << 16)
      : budgets{{.limit = owned}, {.limit = owned}, {.limit = gutter}} {}

  struct traits {
    entry_kind kind = entry_kind::owned;
    time_point expires = time_point::max();
    bool is_absent = false;
    std::uint64_t seq = 0;
  };

  static stored_entry::pointer make(std::string_view key, std::string_view value, traits with) {
    return entry_table::make_entry({
        .key = key,
        .hash = key_hash(key, seed),
        .value = value,
        .seq = with.seq,
        .expires = with.expires,
        .kind = with.kind,
        .is_absent = with.is_absent,
    });
  }

  stored_entry* put(std::string_view key, std::string_view value, traits with) {
    return table.insert(make(key, value, with), garbage);
  }

  stored_entry* put(std::string_view key, std::string_view value) { return put(key, value, {}); }

  stored_entry* find(std::string_view key) const { return table.find(key, key_hash(key, seed)); }

  std::string get(std::string_view key) {
    auto* found = find(key);
    if (found == nullptr) return "(none)";
    table.touch(*found);
    return found->value().text();
  }

  auto on_gone() {
    return [this](const stored_entry& entry) { gone.emplace_back(entry.key()); };
  }

  /// Evicts and returns the keys that left, in their order.
  std::vector<std::string> evict(entry_kind kind = entry_kind::owned, std::size_t leave = 1) {
    gone.clear();
    table.evict(kind, on_gone(), garbage, leave);
    return gone;
  }

  std::vector<std::string> expire(time_point now, std::size_t max_entries = 1000000) {
    gone.clear();
    table.expire(now, max_entries, on_gone(), garbage);
    return gone;
  }

  static constexpr std::uint64_t seed = 0x5eed;
  store_budgets budgets;
  entry_table table{budgets, &lru_policy::make};
  entry_list garbage;
  std::vector<std::string> gone;
};

}  // namespace weir::test
