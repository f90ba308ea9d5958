#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/entry.hpp>
#include <weir/engine/limits.hpp>
#include <weir/engine/timespan.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir WEIR_API {

/// What a node may serve when it holds no lease.
enum class consistency { strict, available };

/// Whether put and remove are allowed.
enum class writes { deny, allow };

/// Which entry leaves first when the budget is used up.
enum class eviction { lru };

/// How many keys of get_many() calls may wait for a place in one keyspace on one node: those of 16
/// full batches, some 2 KiB each. More fail with errc::overloaded.
inline constexpr std::size_t max_batch_loads = 16'000;

/// Limits on calls of one keyspace's data source, per node.
struct load_limits {
  std::size_t concurrent = 64;  ///< running at once
  std::size_t queue = 256;      ///< waiting for a place; more fail with errc::overloaded. Keys of
                                ///< get_many() are not counted here: see max_batch_loads
  /// Keys that miss at about the same time and go to a source with is_batched() as one call, each
  /// under its own flight. 1 = each goes alone.
  std::size_t batch = 256;
  /// Of one call; then its waiters get errc::deadline_exceeded.
  timespan timeout = milliseconds(2000);
};

/// When a read whose owner is silent asks the gutter node too. Per node; what it sends is counted
/// against the peer that is silent.
///
/// Keyspaces with `writes::allow` over a source that is no store are left out: a value put there is
/// held by the owner alone. So are reads that ask for the owner's or the source's answer.
struct hedge_options {
  /// How long nothing at all must have come from the owner. Empty = auto: twice what 99 % of its
  /// recent answers took, 20 to 250 ms. 0 = never.
  std::optional<timespan> after = std::nullopt;
  /// At most this share of what the peer answers, and 100 at a stretch. A peer silent for 250 ms
  /// with 8 requests waiting is no longer asked: its reads go to the gutter node until anything
  /// comes from it.
  double budget = 0.05;
};

/// Throws std::invalid_argument that names the field, its value and the allowed range.
void check(const hedge_options& options);

/// One keyspace. Aggregate: `{.name = "users", .ttl = 60s}`.
struct keyspace_options {
  std::string name;  ///< see is_keyspace_name()
  /// Of a loaded value; a source may shorten it. 0 = keep nothing.
  timespan ttl = std::chrono::minutes(5);
  double jitter = 0.10;  ///< up to this share of the TTL is taken off at random, 0 to 0.9
  timespan negative_ttl = milliseconds(5000);  ///< of "not found"; 0 = not kept
  /// Bytes really taken on this node, overhead included; absent keys get a tenth of them.
  std::uint64_t max_memory = 64u << 20;
  std::uint64_t near_memory = 0;  ///< bytes for copies of keys that other nodes own; 0 = none
  /// Bytes of a value, at most max_value_bytes; larger ones fail with errc::too_large.
  std::uint64_t max_entry = 1u << 20;
  std::size_t max_key = 512;  ///< bytes of one key, at most max_key_bytes
  weir::eviction eviction = weir::eviction::lru;
  weir::consistency consistency = weir::consistency::strict;
  load_limits loads = {};
  weir::writes writes = weir::writes::deny;
  /// Switched off: every key is absent, changes do nothing, neither is an error, and the source is
  /// not asked.
  bool disabled = false;
};

/// Throws std::invalid_argument that names the field, its value and the allowed range.
void check(const keyspace_options& options);

struct explanation;  // explain.hpp

/// Which answer is good enough for a get.
enum class read_from : std::uint8_t {
  near,    ///< any valid copy, this node's own included
  owner,   ///< the owner's: sees every write of its term that has returned
  source,  ///< invalidate at the owner first, then load: fresh for this caller
};

/// Whether a get was counted already: it is asked again because the first answer was not good
/// enough.
enum class read_attempt : std::uint8_t { first, again };

/// How one get is done.
struct get_options {
  /// Then errc::deadline_exceeded; a running load goes on and is kept.
  timespan timeout = milliseconds(5000);
  read_from from = read_from::near;
  explanation* explain = nullptr;  ///< filled in step by step; must outlive the call
  read_attempt attempt = read_attempt::first;
};

/// What must hold for a change to happen, judged by the owner.
struct precondition {
  enum class kind : std::uint8_t { none, absent, unchanged } when = kind::none;
  version since;  ///< for `unchanged`: the version that was observed, of an absent key too

  static precondition if_absent() { return {kind::absent, {}}; }

  static precondition if_unchanged(version v) { return {kind::unchanged, v}; }
};

/// How one put is done.
struct put_options {
  std::optional<timespan> ttl = std::nullopt;  ///< instead of the keyspace's, at most 30 days
  precondition condition = {};
  timespan timeout = milliseconds(5000);
};

/// How one remove, invalidate or clear is done.
struct change_options {
  precondition condition = {};  ///< of a remove or an invalidate; not `absent`, nor of a clear
  timespan timeout = milliseconds(5000);
};

/// What a change did. `unconfirmed` is empty when every member has applied it or holds no lease
/// (OK); otherwise the change is partial: the named nodes may serve the old value for `bound` at
/// most.
struct change_result {
  /// Of the key afterwards; none for clear, and when the owner was out of reach.
  weir::version version;
  std::vector<std::string> unconfirmed;
  milliseconds bound{0};
  bool is_stored = false;  ///< the source took the write; otherwise only the cache has it

  bool is_partial() const noexcept { return !unconfirmed.empty(); }
};

}  // namespace WEIR_API
