// The part of /metrics about leases, changes, hedges and members.
#include "http/http_door_impl.hpp"

#include <weir/transport/text.hpp>

#include <algorithm>
#include <map>

namespace weir {
namespace {

void append_lease(metrics_text& out, const lease_status& of, const change_stats& changes) {
  constexpr auto counter = metric_type::counter;
  constexpr auto gauge = metric_type::gauge;
  out.family("weir_lease_valid", gauge, "1 while this node may serve what it keeps.");
  out.sample({}, std::uint64_t{of.is_valid ? 1u : 0u});
  out.family("weir_lease_remaining_seconds", gauge, "Until the lease ends unless it is renewed.");
  out.sample({}, std::chrono::duration<double>(of.left).count());
  out.family("weir_lease_losses_total", counter, "Leases that ended without being renewed.");
  out.sample({}, changes.lease_losses);
  out.family(
      "weir_lease_drops_total",
      counter,
      "Leases regained without what others kept of the changes missed: everything was dropped."
  );
  out.sample({}, changes.dropped_all);
}

void append_changes(metrics_text& out, const change_stats& of) {
  constexpr auto counter = metric_type::counter;
  out.family(
      "weir_changes_total", counter, "Changes that this node ordered or sent round, by outcome."
  );
  out.sample({{"outcome", "ok"}}, of.ok).sample({{"outcome", "partial"}}, of.partial);
  out.sample({{"outcome", "failed"}}, of.failed);
  out.family(
      "weir_invalidation_duration_seconds",
      metric_type::histogram,
      "Until every node had confirmed a change of this node or was voted leaseless."
  );
  out.histogram({}, of.duration);
  out.family("weir_invalidation_longest_seconds", metric_type::gauge, "The worst of these.");
  out.sample({}, std::chrono::duration<double>(of.longest).count());
  out.family(
      "weir_votes_asked_total", counter, "Rounds of votes on a member that did not confirm."
  );
  out.sample({}, of.votes_asked);
  out.family(
      "weir_votes_ignored_total", counter, "Votes about ids that count in no view of this node."
  );
  out.sample({}, of.votes_ignored);
  out.family(
      "weir_hint_bytes",
      metric_type::gauge,
      "What the changes take that are kept for members that missed them."
  );
  out.sample({}, of.hint_bytes);
  out.family(
      "weir_journal_bytes",
      metric_type::gauge,
      "What the changes take that some member has not confirmed."
  );
  out.sample({}, of.journal_bytes);
  out.family(
      "weir_changes_waiting_bytes",
      metric_type::gauge,
      "What the changes take that go round and have not ended."
  );
  out.sample({}, of.waiting_bytes);
  out.family(
      "weir_feed_resets_total", counter, "Members that had to be told to trust no near copy."
  );
  out.sample({}, of.resets);
}

void append_hedges(metrics_text& out, const hedge_stats& of) {
  out.family(
      "weir_hedged_total",
      metric_type::counter,
      "Reads whose owner was silent: answered by the gutter node (won) or not (lost), waited on as "
      "the budget was spent (refused), or sent to the gutter node alone (redirected)."
  );
  out.sample({{"outcome", "won"}}, of.won);
  out.sample({{"outcome", "lost"}}, of.lost);
  out.sample({{"outcome", "refused"}}, of.refused);
  out.sample({{"outcome", "redirected"}}, of.redirected);
  out.family(
      "weir_peer_suspicions_total",
      metric_type::counter,
      "Peers that were silent for 250 ms with 8 or more reads waiting."
  );
  out.sample({}, of.suspicions);
  out.family("weir_peers_suspect", metric_type::gauge, "Such peers now.").sample({}, of.suspects);
}

void append_members(metrics_text& out, const engine& of) {
  const auto all = of.members();
  std::map<std::string_view, std::uint64_t> by_state;
  for (const auto state :
       {member_state::reachable,
        member_state::unreachable,
        member_state::unproven,
        member_state::draining,
        member_state::left}) {
    by_state[name(state)] = 0;
  }
  for (const auto& each : all) {
    ++by_state[name(each.state)];
  }
  out.family("weir_members", metric_type::gauge, "Nodes this node knows, itself included.");
  for (const auto& [state, count] : by_state) out.sample({{"state", state}}, count);
  out.family(
      "weir_peer_rtt_seconds", metric_type::gauge, "Round trip of the last probe of a peer."
  );
  for (const auto& each : all) {
    if (each.is_self || each.id.empty()) continue;
    const auto rtt = std::chrono::duration<double>(each.rtt).count();
    out.sample({{"peer", each.id}}, rtt);
  }
  out.family(
      "weir_feed_lag_records", metric_type::gauge, "Changes that a peer has not yet confirmed."
  );
  for (const auto& each : all) {
    if (!each.is_self && !each.id.empty()) out.sample({{"peer", each.id}}, each.feed_lag);
  }
  out.family(
      "weir_config_mismatch",
      metric_type::gauge,
      "Settings of keyspaces that a peer has otherwise than this node."
  );
  for (const auto& each : all) {
    if (each.config == config_state::unknown || each.is_self || each.id.empty()) continue;
    out.sample({{"peer", each.id}}, static_cast<std::uint64_t>(each.differences.size()));
  }
  const auto ring = of.ring();
  out.family("weir_ring_share_ratio", metric_type::gauge, "Share of the slots that a node owns.");
  for (std::uint16_t i = 0; i != ring->size(); ++i) {
    out.sample({{"node", ring->members()[i].id}}, ring->share(i));
  }
}

}  // namespace

void append_cluster(metrics_text& out, const engine& of) {
  append_members(out, of);
  append_hedges(out, of.hedges());
  const auto changes = of.changes();
  append_lease(out, of.lease(), changes);
  append_changes(out, changes);
}

}  // namespace weir
