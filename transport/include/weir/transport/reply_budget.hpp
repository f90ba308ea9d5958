#pragma once

#include <weir/engine/api.hpp>

#include <atomic>
#include <cstddef>

namespace weir WEIR_API {

/// The memory of answers that wait for slow readers, over all connections and doors of a node.
///
/// Thread-safe; a call costs one or two atomic operations and never waits. Answers that leave at
/// once need none of it, but for those of more than a few KiB.
class reply_budget {
 public:
  static constexpr std::size_t usual = 64 << 20;

  /// `max` bytes in all.
  explicit reply_budget(std::size_t max = usual) noexcept : max_(max) {}

  reply_budget(const reply_budget&) = delete;
  reply_budget& operator=(const reply_budget&) = delete;

  /// Takes `size` bytes for an answer; false when they are not there. One answer that is larger
  /// than all of it passes while half is free, so that it passes at all.
  bool take(std::size_t size) noexcept;

  /// Takes `size` bytes for what waits already and cannot be refused any more: small answers.
  void force(std::size_t size) noexcept { used_.fetch_add(size, std::memory_order_relaxed); }

  void give_back(std::size_t size) noexcept { used_.fetch_sub(size, std::memory_order_relaxed); }

  /// Whether no large answer should begin: less than an eighth is free, or less than one that was
  /// refused since half was free.
  bool is_spent() const noexcept;

  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

  std::size_t max() const noexcept { return max_; }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> used_{0};
  mutable std::atomic<std::size_t> refused_{0};  // size of the largest since half was free
};

}  // namespace weir
