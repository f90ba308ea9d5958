#pragma once

#include <weir/transport/http_server.hpp>
#include <weir/transport/metrics_text.hpp>

namespace weir {

/// What the server behind the HTTP door counts, beside the door's own figures.
void append_http_metrics(metrics_text& out, const http_server_stats& of);

}  // namespace weir
