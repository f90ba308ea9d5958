#pragma once

#include <weir/transport/metrics_text.hpp>
#include <weir/transport/peer_link.hpp>

#include <vector>

namespace weir {

/// Adds the counters of the peer link, and those of each peer, to the text of /metrics.
void append_link_metrics(
    metrics_text& out, const peer_link_counters& of, const std::vector<peer_link_state>& links
);

}  // namespace weir
