#pragma once

#include "tests/sim/judges/sim_checker.hpp"

namespace weir::sim {

/// C6: says of every load why the source was asked, and of every load that began beside a running
/// one of the same key what caused that. A load without a cause is a violation.
void count_loads(cluster& run, const check_options& options, verdict& out);

}  // namespace weir::sim
