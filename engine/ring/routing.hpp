#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/ring.hpp>
#include <weir/engine/view.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

class hedged_peer;

/// Where requests go: the ring of one view and, per member, its address and whether it may be
/// asked. Immutable but for `is_usable`.
struct routing {
  view members;
  std::shared_ptr<const weir::ring> ring;
  std::uint16_t self = 0;
  std::unique_ptr<std::atomic<bool>[]> is_usable;  ///< one per member
  /// One per member, null for this node; empty = no read is hedged.
  std::vector<std::shared_ptr<hedged_peer>> waits;

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

  /// The routing that held until a slot came to this node, and the number of that gain.
  struct former_routing {
    std::uint32_t number = 0;
    time_point ended{};
    /// Null = the slot has always been here, or came long ago.
    std::shared_ptr<const routing> route;
  };

  former_routing former(std::uint16_t slot) const;

  /// How many past slot gains are kept.
  static constexpr std::size_t max_former = 16;

  /// The number of the gain that the next set() may be.
  std::uint32_t next_gain() const;

  /// True if a slot went from this node to another since `now` - `within`.
  bool has_lost(time_point now, milliseconds within) const;

  void set(std::shared_ptr<const routing> next, time_point now);

 private:
  mutable std::mutex mutex_;
  std::atomic<std::uint64_t> digest_{0};
  std::shared_ptr<const routing> current_;
  std::deque<former_routing> former_;  ///< whose slots moved, the latest last
  /// Per slot of this node: the gain it came with; 0 = none.
  std::vector<std::uint32_t> gained_in_;
  std::uint32_t last_number_ = 0;
  time_point lost_at_{time_point::min()};
};

/// The epochs of the slots that this node owns: a random one per term of ownership, 0 for a slot of
/// another node. What was kept in a term is served only while its epoch stands here.
class slot_terms {
 public:
  slot_terms()
      : epochs_(new std::atomic<std::uint64_t>[slot_count]),
        ended_(new std::atomic<std::uint64_t>[slot_count]) {
    for (std::size_t i = 0; i != slot_count; ++i) epochs_[i] = ended_[i] = 0;
  }

  std::uint64_t epoch_of(std::uint16_t slot) const noexcept {
    return epochs_[slot].load(std::memory_order_acquire);
  }

  /// The epoch of this node's last term of a slot that is another's now; 0 = there was none.
  std::uint64_t ended_epoch_of(std::uint16_t slot) const noexcept {
    return ended_[slot].load(std::memory_order_acquire);
  }

  /// Ends the terms of the slots that `next` gives to others.
  void end_lost(const routing& next) noexcept;

  /// Begins a term, with a new epoch, for each slot that `next` gives to this node.
  /// `anew` = false brings the epoch of an earlier term back: only the simulator does that.
  void begin_gained(const routing& next, environment& env, bool anew) noexcept;

 private:
  std::unique_ptr<std::atomic<std::uint64_t>[]> epochs_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> ended_;
  std::vector<std::uint64_t> former_;  ///< only where epochs come back
};

}  // namespace weir
