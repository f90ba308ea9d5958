#pragma once

#include "entries/eviction_policy.hpp"

#include <cstddef>

namespace weir {

/// Least recently used first: a list in the order of the last hits.
///
/// Up to `exact_up_to` entries a hit moves its entry to the front and the order is exact. Beyond
/// that a hit only marks its entry, and a marked one goes to the front when its turn to leave comes
/// (second chance, Corbato 1968), so that hits move nothing and mostly write nothing. On six public
/// traces the hit ratio differs from exact LRU by -0.2 to +1.6 points.
class lru_policy final : public eviction_policy {
 public:
  static std::unique_ptr<eviction_policy> make(hit_rule& rule) {
    return std::make_unique<lru_policy>(rule);
  }

  static constexpr std::size_t exact_up_to = 64;

  /// Second chances given per victim, to bound the time under the lock.
  static constexpr int max_chances = 8;

  explicit lru_policy(hit_rule& rule) noexcept : rule_(rule) {}

  void on_insert(stored_entry& entry) noexcept override;
  void on_hit(stored_entry& entry) noexcept override;
  void on_erase(stored_entry& entry) noexcept override;

  const stored_entry* colder(const stored_entry* than) const noexcept override {
    return than == nullptr ? newest_ : than->older;
  }

  stored_entry* victim() noexcept override;

 private:
  void link(stored_entry& entry) noexcept;
  void unlink(stored_entry& entry) noexcept;

  void tune() noexcept { rule_.counted_uses = count_ > exact_up_to ? 1 : 0; }

  hit_rule& rule_;
  stored_entry* newest_ = nullptr;
  stored_entry* oldest_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace weir
