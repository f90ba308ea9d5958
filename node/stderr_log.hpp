#pragma once

#include <weir/node/log.hpp>

namespace weir {

/// The default log sink: warnings and errors as lines to standard error. Never blocks: a line that
/// standard error does not take at once is lost.
log_sink stderr_log();

}  // namespace weir
