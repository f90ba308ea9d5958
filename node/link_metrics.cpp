#include "link_metrics.hpp"

#include <array>
#include <map>
#include <string>

namespace weir {
namespace {

// One peer may have been dialled at several addresses.
void append_peers(metrics_text& out, const std::vector<peer_link_state>& links) {
  std::map<std::string, std::array<std::uint64_t, 3>> by_peer;
  for (const auto& link : links) {
    if (link.id.empty()) continue;
    auto& sums = by_peer[link.id];
    sums[0] += link.answered;
    sums[1] += link.timed_out;
    sums[2] += link.lost;
  }
  constexpr std::array<std::string_view, 3> outcomes{"ok", "timeout", "lost"};
  out.family("weir_peer_requests_total", metric_type::counter, "Requests to a peer by outcome.");
  for (const auto& [peer, sums] : by_peer) {
    for (std::size_t i = 0; i != outcomes.size(); ++i) {
      out.sample({{"peer", peer}, {"outcome", outcomes[i]}}, sums[i]);
    }
  }
}

}  // namespace

void append_link_metrics(
    metrics_text& out, const peer_link_counters& of, const std::vector<peer_link_state>& links
) {
  const auto add =
      [&](std::string_view name, std::string_view help, std::uint64_t received, std::uint64_t sent
      ) {
        out.family(name, metric_type::counter, help);
        out.sample({{"direction", "in"}}, received).sample({{"direction", "out"}}, sent);
      };
  add("weir_link_messages_total", "Messages over the peer link.", of.messages_in, of.messages_out);
  add("weir_link_bytes_total", "Bytes over the peer link.", of.bytes_in, of.bytes_out);
  out.family("weir_link_calls_total", metric_type::counter, "Requests sent to other nodes.");
  out.sample({}, of.calls);
  out.family(
      "weir_link_refused_total", metric_type::counter, "Peer connections refused by either side."
  );
  out.sample({}, of.refused);
  out.family(
         "weir_link_connections_total",
         metric_type::counter,
         "Peer connections that got through their handshake: in = of nodes that dialled this one."
  )
      .sample({{"direction", "in"}}, of.peers_accepted)
      .sample({{"direction", "out"}}, of.links_up);
  out.family(
         "weir_link_unwanted_replies_total",
         metric_type::counter,
         "Replies that nobody waited for: late = after the request's deadline, unknown = to none."
  )
      .sample({{"kind", "late"}}, of.late_replies)
      .sample({{"kind", "unknown"}}, of.unknown_replies);
  out.family(
      "weir_link_faults_total",
      metric_type::counter,
      "Peer connections closed for breaking the protocol, by cause."
  );
  for (std::size_t i = 1; i != peer_fault_count; ++i) {
    out.sample({{"cause", name(static_cast<peer_fault>(i))}}, of.faults[i]);
  }
  append_peers(out, links);
}

}  // namespace weir
