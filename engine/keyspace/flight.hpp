#pragma once

#include <weir/engine/data_source.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/explain.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/peer.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// What a flight does for its key on this node. A key has at most one current flight of each kind.
enum class flight_kind : std::uint8_t {
  owner,   ///< load and keep, as owner
  gutter,  ///< load and keep for a short while, in place of an owner that cannot be reached
  fetch,   ///< ask the owner, the gutter node, or load and keep nothing
};
inline constexpr std::size_t flight_kinds = 3;

/// One caller that waits for a flight. Answered once: by the flight or by its own deadline.
struct waiter {
  completion<result<lookup>> done;
  time_point deadline;
  time_point joined_at = time_point::min();  ///< of a caller that joined a running flight
  bool has_joined = false;
  explanation* explain = nullptr;  ///< where the caller wants the flight's steps
  std::atomic<timer_id> timer{0};
  std::atomic<bool> is_answered{false};
};

/// One load in progress for a key; later callers join it (singleflight).
///
/// Runs as a coroutine of its own, so that no caller's end can hurt another. The lock of the key's
/// shard guards what is not const, but for `steps`, which belong to the coroutine until it ends.
struct flight {
  const std::string key;
  const std::uint64_t hash;
  const std::uint16_t slot;
  const flight_kind kind;
  const bool explains;
  const read_from from;

  const std::uint64_t batch = 0;  ///< of load_limiter: in whose line its load waits

  const time_point deadline;  ///< of the caller that began it: until then it asks peers
  /// Keeps what the former owner has, or nothing: the source is not called.
  const bool adopts = false;

  std::uint64_t epoch = 0;       ///< of the term in which the load began; 0 = keep nothing
  std::uint64_t lease_term = 0;  ///< of the lease under which it began; 0 = none, keep nothing
  /// Begun without a lease: no caller joins it, nothing overtakes it, it is not kept.
  bool is_alone = false;
  /// The source or a peer was asked; before that no change can overtake it.
  bool has_begun = false;
  /// From then on its answer is too old for later joiners.
  time_point good_until = time_point::max();
  /// A change came after it began: it answers its waiters only, and is not kept.
  bool is_overtaken = false;
  std::vector<std::shared_ptr<waiter>> waiters;
  std::vector<explain_step> steps;
  /// What this node held when it began, with `former_meta`, for the source to confirm.
  bytes former_value;
  std::shared_ptr<const metadata> former_meta;  ///< null = nothing to confirm
};

using flight_list = std::vector<std::shared_ptr<flight>>;

/// What a flight is beside the get that begins it.
struct flight_traits {
  std::uint64_t batch = 0;          ///< as in flight
  flight_list* together = nullptr;  ///< it starts with these, in one call of the source
  bool adopts = false;              ///< as in flight
};

/// The flights of one key: those that may be joined, and how many source calls run.
struct key_flights {
  std::array<std::shared_ptr<flight>, flight_kinds> current;
  int running = 0;                                ///< source calls not yet ended or given up
  std::vector<completion<result<void>>> waiting;  ///< flights that may begin when one ends

  bool is_idle() const noexcept {
    return running == 0 && waiting.empty() && !current[0] && !current[1] && !current[2];
  }
};

/// Which peer was asked, and when that began and ended.
struct asked_peer {
  const std::string& id;
  serve_as role;
  time_point began;
  time_point ended;
};

/// What decides whether a load is kept, under the lock of its shard.
struct landing {
  bool fits = false;
  bool is_current = false;  ///< the keyspace and the term of the slot are those in which it began
  bool is_overtaken = false;
  bool is_leased = false;
  bool is_doubtful = false;
  bool is_over = false;
  bool is_told = false;  ///< the source has told of every change since, and can do so now

  bool has_version() const { return is_current && is_leased && !is_overtaken && !is_doubtful; }
};

/// The first answer to a read that may have been hedged.
struct first_answer {
  get_reply reply;
  bool is_of_gutter = false;
};

/// What the former owner of a slot still had, and when that was loaded.
struct peeked_value {
  loaded value;
  time_point began{};
};

}  // namespace weir
