#pragma once

#include "eviction_policy.hpp"

#include <cstddef>

namespace weir {

/// Least recently used first: a list in the order of the last hits.
///
/// Up to `exact_up_to` entries the order is exact. Beyond that a hit within the youngest quarter of
/// the list leaves it as it is (as in InnoDB's buffer pool), so that the hottest entries are read
/// without a write. An entry is thus evicted at most a quarter of the list's turn earlier than by
/// exact LRU.
class lru_policy final : public eviction_policy {
 public:
  static constexpr std::size_t exact_up_to = 64;

  explicit lru_policy(hit_filter& filter) noexcept : filter_(filter) {}

  void on_insert(stored_entry& entry) noexcept override;
  void on_hit(stored_entry& entry) noexcept override;
  void on_erase(stored_entry& entry) noexcept override;

  stored_entry* victim() noexcept override { return oldest_; }

 private:
  void link(stored_entry& entry) noexcept;
  void unlink(stored_entry& entry) noexcept;
  void tune() noexcept;

  // The stamp is the clock at the last move to the front, so no more entries lie before an entry
  // than the clock has advanced since.
  hit_filter& filter_;
  stored_entry* newest_ = nullptr;
  stored_entry* oldest_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace weir
