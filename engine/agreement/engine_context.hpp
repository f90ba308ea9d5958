#pragma once

#include "agreement/hedge_table.hpp"
#include "ring/near_sources.hpp"
#include "ring/routing.hpp"

#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/protocol_rules.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir {

class agreement;
class keyspace_core;

/// What the keyspaces of one node share. Made by the engine, kept alive by each keyspace.
struct engine_context {
  environment& env;
  peer_network* network = nullptr;  ///< null on a lone node
  identity self;
  protocol_rules rules;
  routing_cell route;
  slot_terms terms;
  std::uint64_t hash_seed = 0;          ///< copy of the environment's, for the hit path
  std::uint64_t gutter_epoch = 0;       ///< of every gutter copy of this process
  near_sources near;                    ///< whose copies this node may hold
  std::unique_ptr<hedge_table> hedges;  ///< null = no read is hedged

  /// Until when this node may serve what it keeps; the maximum on a lone node. Written by the
  /// agreement.
  std::atomic<steady_duration::rep> lease_until{time_point::max().time_since_epoch().count()};
  std::atomic<steady_duration::rep> last_tick{0};  ///< when the last heartbeat left
  std::atomic<std::uint64_t> lease_term{1};  ///< changes whenever a lease was lost and came back
  std::atomic<bool> has_kept{false};         ///< something is kept that a change could concern
  std::weak_ptr<agreement> agreed;

  bool has_lease(time_point now) const noexcept {
    return now.time_since_epoch().count() < lease_until.load(std::memory_order_acquire);
  }

  /// The term of the lease held at `now`; 0 = none.
  std::uint64_t lease_term_at(time_point now) const noexcept {
    const auto term = lease_term.load(std::memory_order_acquire);
    return has_lease(now) ? term : 0;
  }

  void note_kept() noexcept {
    if (!has_kept.load(std::memory_order_relaxed)) has_kept.store(true, std::memory_order_release);
  }

  bool needs_lease() const noexcept {
    return lease_until.load(std::memory_order_acquire) !=
           time_point::max().time_since_epoch().count();
  }

  // What the parts of a node ask of one another; set by the engine before use, null-safe nowhere.
  std::function<void(const std::vector<member>&)>
      learn;  ///< whom another node takes for the members
  std::function<std::string(const std::string&)>
      address_of;  ///< of a member with a link; empty = none
  std::function<std::shared_ptr<keyspace_core>(const std::string&)>
      find_keyspace;  ///< as it is now; null = none
  std::function<void(const change_record&, milliseconds)> apply_record;
  std::function<void()> drop_everything;
  std::function<void(std::uint32_t)> terms_begin;  ///< slots are about to come to this node
  std::function<void()> distrust_everything;
  std::function<void(const cluster_event&)> report;
  std::function<void(const std::string&)> ping_again;
  std::function<void()> ping_everyone;
  std::function<void(bool)>
      may_take_slots;  ///< a lease was gained; or this node was removed and comes back
  std::function<void(const std::string&)> member_gone;
  std::function<void(const std::string&, time_point)> note_heard;
  std::function<keyspace_settings_list()> own_settings;  ///< sorted by name
};

}  // namespace weir
