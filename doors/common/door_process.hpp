#pragma once

#include <weir/transport/metrics_text.hpp>

#include <chrono>

namespace weir {

/// Appends the `process_*` families that every Prometheus client library has: CPU seconds, memory,
/// file descriptors and the time of the start. What /proc does not tell is left out.
void append_process_metrics(metrics_text& out, std::chrono::system_clock::time_point started);

}  // namespace weir
