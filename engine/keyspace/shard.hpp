#pragma once

#include "entries/entry_table.hpp"
#include "entries/eviction/lru_policy.hpp"
#include "entries/spinlock.hpp"
#include "keyspace/flight.hpp"
#include "ring/routing.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

inline constexpr unsigned shard_bits = 6;
inline constexpr std::size_t shard_count = std::size_t{1} << shard_bits;
inline constexpr unsigned fence_bits = 16;

/// A write that a store is asked to make, and what the source's feed told of its key meanwhile.
struct running_write {
  const std::string_view key;
  const time_point began;
  bool is_told = false;
  std::string last_etag = {};  ///< that was told; empty: none

  void tell(const std::string& etag) {
    is_told = true;
    last_etag = etag;
  }

  /// Whether what the store took under `etag` is the last of what was told (F4).
  bool is_last(std::string_view etag) const noexcept {
    return !is_told || (!last_etag.empty() && last_etag == etag);
  }
};

/// Everything a node knows about the keys whose hashes begin with one number: entries, flights and
/// the order of their changes. One lock guards all of it, so that each rule R1-R7 is one critical
/// section.
struct alignas(64) shard {
  struct text_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  explicit shard(entry_budgets& budgets) : table(budgets, &lru_policy::make) {}

  // What a hit writes lies on one cache line.
  spinlock mutex;
  std::uint64_t hits = 0;
  std::uint64_t floor = 0;  ///< entries up to this seq are gone: clear (R5)
  entry_table table;
  std::uint64_t seq = 0;  ///< of the last change or load here
  std::uint64_t negative_hits = 0;
  std::uint64_t near_hits = 0;
  // Of these: for a peer, a flight or a caller whose read was counted already.
  std::uint64_t hits_for_others = 0;
  std::uint64_t near_hits_for_others = 0;
  /// seq when slots came to this node, by the number of the gain: fences above it are of the term
  /// since.
  std::array<std::uint64_t, routing_cell::max_former> seq_at_gain{};
  std::uint16_t near_generation = 1;   ///< near copies of another one are suspect
  std::vector<running_write*> writes;  ///< where the source tells of changes
  boost::unordered_flat_map<std::string, key_flights, text_hash, std::equal_to<>> flights;
};

}  // namespace weir
