#include "link_metrics.hpp"

namespace weir {

void append_link_metrics(metrics_text& out, const peer_link_counters& of) {
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
      "weir_link_faults_total",
      metric_type::counter,
      "Peer connections closed for breaking the protocol, by cause."
  );
  for (std::size_t i = 1; i != peer_fault_count; ++i) {
    out.sample({{"cause", name(static_cast<peer_fault>(i))}}, of.faults[i]);
  }
}

}  // namespace weir
