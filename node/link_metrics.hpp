#pragma once

#include <weir/transport/metrics_text.hpp>
#include <weir/transport/peer_link.hpp>

namespace weir {

/// Adds the counters of the peer link to the text of /metrics.
void append_link_metrics(metrics_text& out, const peer_link_counters& of);

}  // namespace weir
