#include "http_metrics.hpp"

namespace weir {

void append_http_metrics(metrics_text& out, const http_server_stats& of) {
  const auto add = [&out](std::string_view name, std::string_view help, std::uint64_t count) {
    out.family(name, metric_type::counter, help).sample({}, count);
  };
  out.family("weir_http_connections", metric_type::gauge, "Connections to the HTTP door now.")
      .sample({}, std::uint64_t{of.connections});
  add("weir_http_accepted_total", "Connections that the HTTP door took.", of.accepted_total);
  add("weir_http_accept_pauses_total",
      "Times that the HTTP door took no connections, for want of file descriptors.",
      of.accept_pauses_total);
  add("weir_http_requests_total",
      "Requests that the HTTP door answered, of whatever address.",
      of.requests_total);
  out.family(
         "weir_http_rejected_total",
         metric_type::counter,
         "Connections that the HTTP door ended and answers that it refused, by cause."
  )
      .sample({{"reason", "limit"}}, of.refused_total)
      .sample({{"reason", "timeout"}}, of.timeouts_total)
      .sample({{"reason", "memory"}}, of.short_of_memory_total)
      .sample({{"reason", "handshake"}}, of.failed_handshakes_total);
  add("weir_http_bad_requests_total",
      "Requests that were no HTTP, or over a limit of the door.",
      of.bad_requests_total);
}

}  // namespace weir
