#pragma once

#include <weir/node/log.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace weir {

enum class log_style { logfmt, json };

/// Writes log records as lines to a file descriptor, from a thread of its own.
///
/// operator() never blocks on the descriptor: lines wait in a bounded queue, and those that find it
/// full, or that cannot be written (disk full), are dropped and counted; a `log.dropped` line tells
/// how many as soon as there is room again. Thread-safe.
class log_writer {
 public:
  static constexpr std::size_t max_queued = 256 * 1024;  ///< bytes

  /// `descriptor` stays open as long as the writer lives and is not closed by it.
  log_writer(int descriptor, log_style style, log_level least);

  /// Writes what is queued, for at most one second if the reader is stuck, and ends the thread.
  ~log_writer();

  void operator()(const log_record& record);

  /// Every line from now on says that node `id` wrote it. Before other threads log.
  void set_node(std::string id) { node_ = std::move(id); }

  /// Records below `least` are not written from now on.
  void set_level(log_level least) noexcept { least_.store(least, std::memory_order_relaxed); }

  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

  /// Waits until everything queued so far is written, for `longest` at most.
  void flush(std::chrono::milliseconds longest);

 private:
  void run();
  bool write_all(std::string_view text);
  std::string line_of(const log_record& record) const;

  const int descriptor_;
  const log_style style_;
  std::string node_;
  std::atomic<log_level> least_;
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<bool> is_stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string queued_;
  bool is_writing_ = false;
  std::uint64_t told_ = 0;  // of dropped_, by log.dropped lines
  std::thread thread_;
};

}  // namespace weir
