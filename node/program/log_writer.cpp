#include "program/log_writer.hpp"

#include "log_format.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace weir {
namespace {

constexpr std::size_t max_write = 4096;  // PIPE_BUF: what a writable pipe takes without blocking
constexpr std::chrono::milliseconds last_wait{1000};

}  // namespace

log_writer::log_writer(int descriptor, log_style style, log_level least)
    : descriptor_(descriptor), style_(style), least_(least) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for the thread that waits for them
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

log_writer::~log_writer() {
  flush(last_wait);
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::string log_writer::line_of(const log_record& record) const {
  const auto now = wall_clock::now();
  auto line = style_ == log_style::json ? format_json(record, now, node_)
                                        : format_logfmt(record, now, node_);
  line += '\n';
  return line;
}

void log_writer::operator()(const log_record& record) {
  if (record.level < least_.load(std::memory_order_relaxed)) return;
  const auto line = line_of(record);
  {
    const std::lock_guard lock(mutex_);
    if (queued_.size() + line.size() > max_queued) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    queued_ += line;
  }
  changed_.notify_all();
}

void log_writer::flush(std::chrono::milliseconds longest) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, longest, [this] { return queued_.empty() && !is_writing_; });
}

void log_writer::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return is_stopping_ || !queued_.empty(); });
    if (is_stopping_) return;
    const auto lines = std::exchange(queued_, {});
    is_writing_ = true;
    lock.unlock();
    const bool is_written = write_all(lines);
    lock.lock();
    is_writing_ = false;
    if (!is_written) {
      dropped_.fetch_add(
          static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n')),
          std::memory_order_relaxed
      );
    } else if (const auto lost = dropped(); lost != told_) {
      queued_ += line_of({log_level::warn, "log.dropped", {{"lines", lost - told_}}});
      told_ = lost;
    }
    changed_.notify_all();
  }
}

bool log_writer::write_all(std::string_view text) {
  while (!text.empty()) {
    pollfd ready{descriptor_, POLLOUT, 0};
    const int count = ::poll(&ready, 1, 100);
    if (is_stopping_) return false;
    if (count == 0 || (count < 0 && errno == EINTR)) continue;
    const auto written = ::write(descriptor_, text.data(), std::min(text.size(), max_write));
    if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace weir
