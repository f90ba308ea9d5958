#include "stderr_log.hpp"

#include "log_format.hpp"

#include <algorithm>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

namespace weir {

log_sink stderr_log() {
  return [](const log_record& record) {
    if (record.level < log_level::warn) return;
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return;
    auto line = format_logfmt(record, wall_clock::now()) + '\n';
    // A pipe that is ready takes so much without blocking, and in one piece.
    if (line.size() > PIPE_BUF) line.replace(PIPE_BUF - 1, line.npos, "\n");
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  };
}

}  // namespace weir
