#pragma once

#include "engine/entries/entry_table.hpp"
#include "engine/entries/eviction/lru_policy.hpp"
#include "engine/entries/key_hash.hpp"
#include "engine/entries/spinlock.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>

// What hit_bench compares. Each has put(key, value), get(key, out) and the type of `out`; a get
// copies the value out, so that the caller may keep it. The peers copy into a string that keeps its
// capacity: the best they can do.
namespace weir::bench {

struct text_hash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};

class map_and_mutex {
 public:
  using out = std::string;
  static constexpr const char* name = "unordered_map + mutex";

  void put(std::string_view key, std::string_view value) { map_.emplace(key, value); }

  bool get(std::string_view key, out& to) {
    const std::lock_guard lock(mutex_);
    const auto found = map_.find(key);
    if (found == map_.end()) return false;
    to.assign(found->second);
    return true;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, std::string, text_hash, std::equal_to<>> map_;
};

class lru_and_mutex {
 public:
  using out = std::string;
  static constexpr const char* name = "LRU list + unordered_map + mutex";

  void put(std::string_view key, std::string_view value) {
    list_.emplace_front(key, value);
    map_.emplace(list_.front().first, list_.begin());
  }

  bool get(std::string_view key, out& to) {
    const std::lock_guard lock(mutex_);
    const auto found = map_.find(key);
    if (found == map_.end()) return false;
    list_.splice(list_.begin(), list_, found->second);
    to.assign(found->second->second);
    return true;
  }

 private:
  using items = std::list<std::pair<std::string, std::string>>;

  std::mutex mutex_;
  items list_;
  std::unordered_map<std::string_view, items::iterator> map_;
};

class flat_maps_and_mutexes {
 public:
  using out = std::string;
  static constexpr const char* name = "64 x boost flat_map + mutex";

  void put(std::string_view key, std::string_view value) { of(key).map.emplace(key, value); }

  bool get(std::string_view key, out& to) {
    auto& chosen = of(key);
    const std::lock_guard lock(chosen.mutex);
    const auto found = chosen.map.find(key);
    if (found == chosen.map.end()) return false;
    to.assign(found->second);
    return true;
  }

 private:
  struct alignas(64) shard {
    std::mutex mutex;
    boost::unordered_flat_map<std::string, std::string, text_hash, std::equal_to<>> map;
  };

  shard& of(std::string_view key) { return shards_[text_hash{}(key) >> 58]; }

  std::array<shard, 64> shards_;
};

/// The engine's hit path without the engine: hash, shard, lock, find, expiry, policy, value.
class weir_store {
 public:
  using out = bytes;
  static constexpr const char* name = "weir";

  weir_store() {
    for (auto& each : shards_) each = std::make_unique<shard>(budgets_);
  }

  void put(std::string_view key, std::string_view value) {
    const auto hash = key_hash(key, seed);
    auto made = entry_table::make_entry({
        .key = key,
        .hash = hash,
        .value = value,
        .epoch = 1,
        .expires = time_point(std::chrono::hours(1)),
    });
    entry_list garbage;
    const std::lock_guard lock(of(hash).mutex);
    if (of(hash).table.insert(std::move(made), garbage) == nullptr) {
      throw std::logic_error("hit_bench: the budget is too small for an entry");
    }
  }

  bool get(std::string_view key, out& to) {
    const auto hash = key_hash(key, seed);
    auto& chosen = of(hash);
    chosen.table.prefetch(hash);
    const std::lock_guard lock(chosen.mutex);
    auto* found = chosen.table.find(key, hash);
    if (found == nullptr || found->expires <= now) return false;
    chosen.table.touch(*found);
    ++chosen.hits;
    entry_table::copy_value(*found, to);
    return true;
  }

 private:
  struct alignas(64) shard {
    explicit shard(entry_budgets& budgets) : table(budgets, &lru_policy::make) {}

    spinlock mutex;
    std::uint64_t hits = 0;
    entry_table table;
  };

  shard& of(std::uint64_t hash) { return *shards_[hash >> 58]; }

  static constexpr std::uint64_t seed = 0x77656972;
  static constexpr time_point now{};
  entry_budgets budgets_{{.limit = 8ull << 30}, {}, {}};
  std::array<std::unique_ptr<shard>, 64> shards_;
};

}  // namespace weir::bench
