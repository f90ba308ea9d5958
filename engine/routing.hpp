#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/ring.hpp>
#include <weir/engine/view.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

/// Where requests go: the ring of one view and, per member, its address and whether it may be asked.
/// Immutable but for `is_usable`.
struct routing {
  view members;
  std::shared_ptr<const weir::ring> ring;
  std::uint16_t self = 0;
  std::unique_ptr<std::atomic<bool>[]> is_usable;  ///< one per member

  const member& at(std::uint16_t index) const { return members.members()[index]; }
};

/// The current routing, replaced as a whole. Thread-safe; a reader keeps what it took.
class routing_cell {
 public:
  std::shared_ptr<const routing> get() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  /// The digest of the current view, without taking the routing.
  std::uint64_t digest() const noexcept { return digest_.load(std::memory_order_acquire); }

  /// The routing of the last other ring, and when it ended.
  struct former_routing {
    std::shared_ptr<const routing> route;  ///< null = none yet
    time_point ended{};
  };
  former_routing former() const {
    const std::lock_guard lock(mutex_);
    return former_;
  }

  void set(std::shared_ptr<const routing> next, time_point now) {
    const std::lock_guard lock(mutex_);
    digest_.store(next->members.digest(), std::memory_order_release);
    current_.swap(next);
    if (next && next->ring != current_->ring) former_ = {std::move(next), now};
  }

 private:
  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> digest_{0};
  std::shared_ptr<const routing> current_;
  former_routing former_;
};

/// The epochs of the slots that this node owns: a random one per term of ownership, 0 for a slot of
/// another node. What was kept in a term is served only while its epoch stands here.
class slot_terms {
 public:
  slot_terms() : epochs_(new std::atomic<std::uint64_t>[slot_count]) {
    for (std::size_t i = 0; i != slot_count; ++i) epochs_[i] = 0;
  }

  std::uint64_t epoch_of(std::uint16_t slot) const noexcept {
    return epochs_[slot].load(std::memory_order_acquire);
  }

  /// Ends the terms of the slots that `next` gives to others.
  void end_lost(const routing& next) noexcept;

  /// Begins a term, with a new epoch, for each slot that `next` gives to this node.
  /// `anew` = false brings the epoch of an earlier term back: only the simulator does that.
  void begin_gained(const routing& next, environment& env, bool anew) noexcept;

 private:
  std::unique_ptr<std::atomic<std::uint64_t>[]> epochs_;
  std::vector<std::uint64_t> former_;  ///< only where epochs come back
};

}  // namespace weir
