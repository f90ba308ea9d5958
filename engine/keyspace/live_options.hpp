#pragma once

#include <weir/engine/options.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace weir {

/// Where a keyspace comes from.
struct keyspace_origin {
  std::uint64_t lineage = 0;    ///< the same through all updates, another after a removal
  std::uint64_t first_seq = 0;  ///< later than every version of the one it replaces
};

/// The options of a keyspace in use. Name, consistency, eviction and `disabled` never change; each of the
/// others may at any time, and is read as one relaxed load. Thread-safe.
class live_options {
 public:
  explicit live_options(keyspace_options from)
      : name_(from.name),
        consistency_(from.consistency),
        eviction_(from.eviction),
        is_disabled_(from.disabled) {
    set(std::move(from));
  }

  const std::string& name() const noexcept { return name_; }

  weir::consistency consistency() const noexcept { return consistency_; }

  bool is_disabled() const noexcept { return is_disabled_; }

  milliseconds ttl() const noexcept { return ttl_.load(std::memory_order_relaxed); }

  milliseconds negative_ttl() const noexcept {
    return negative_ttl_.load(std::memory_order_relaxed);
  }

  /// Of an absence that was loaded: the keyspace's TTL holds for it too.
  milliseconds absent_ttl() const noexcept { return std::min(negative_ttl(), ttl()); }

  double jitter() const noexcept { return jitter_.load(std::memory_order_relaxed); }

  std::uint64_t max_entry() const noexcept { return max_entry_.load(std::memory_order_relaxed); }

  std::size_t max_key() const noexcept { return max_key_.load(std::memory_order_relaxed); }

  milliseconds load_timeout() const noexcept {
    return load_timeout_.load(std::memory_order_relaxed);
  }

  /// Keys that one call of the source takes at most; 1 = loads do not gather.
  std::size_t load_batch() const noexcept { return load_batch_.load(std::memory_order_relaxed); }

  weir::writes writes() const noexcept { return writes_.load(std::memory_order_relaxed); }

  keyspace_options all() const {
    const std::lock_guard lock(mutex_);
    return all_;
  }

  /// Whether set() is enough to become these.
  bool can_become(const keyspace_options& wanted) const noexcept {
    return wanted.consistency == consistency_ && wanted.eviction == eviction_ &&
           wanted.disabled == is_disabled_;
  }

  void set(keyspace_options to) {
    const std::lock_guard lock(mutex_);
    ttl_ = to.ttl;
    negative_ttl_ = to.negative_ttl;
    jitter_ = to.jitter;
    max_entry_ = to.max_entry;
    max_key_ = to.max_key;
    load_timeout_ = to.loads.timeout;
    load_batch_ = to.loads.batch;
    writes_ = to.writes;
    all_ = std::move(to);
  }

 private:
  const std::string name_;
  const weir::consistency consistency_;
  const weir::eviction eviction_;
  const bool is_disabled_;
  std::atomic<milliseconds> ttl_{}, negative_ttl_{}, load_timeout_{};
  std::atomic<double> jitter_{};
  std::atomic<std::uint64_t> max_entry_{};
  std::atomic<std::size_t> max_key_{}, load_batch_{};
  std::atomic<weir::writes> writes_{};
  mutable std::mutex mutex_;  // guards the following
  keyspace_options all_;
};

}  // namespace weir
