#pragma once

#include "tests/support/cluster/history.hpp"

#include <weir/engine/runtime.hpp>
#include <weir/transport/http_server.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace weir::test {

/// An HTTP source inside the test whose values say which version they are and which load made
/// them, and which keeps a log of all loads.
///
/// The version is read when a load begins, the answer leaves later: the worst order for a cache.
class versioned_origin final : public http_handler {
 public:
  explicit versioned_origin(const std::string& listen, std::size_t value_size = 100);
  ~versioned_origin() override;

  const std::string& address() const noexcept { return address_; }

  /// Changes the value of a key, "things/k17"; returns its new version. The first is 1.
  std::uint64_t write(const std::string& key);

  /// How long a load takes.
  void take(std::chrono::milliseconds time) { delay_ms_ = time.count(); }

  /// Answers 500 while true.
  void fail(bool is_failing) { is_failing_ = is_failing; }

  /// How many loads per second are answered; what comes beyond gets 503 at once. 0 = all are.
  void take_at_most(double per_second);

  /// How many bytes the value of one key has from now on.
  void resize(const std::string& key, std::size_t size);

  /// Loads begun so far of keys that begin with `prefix`.
  std::size_t loads(const std::string& prefix = {}) const;

  std::size_t running() const { return running_; }

  /// The most loads that ran at one time so far, those not counted that were refused.
  std::size_t most_running() const { return most_running_; }

  /// The most loads of one key that ran at one time, among those begun since `from`.
  std::size_t most_at_once(const std::string& key, time_point from = {}) const;

  std::vector<load_record> log() const;

  bool try_handle(const http_request& request, http_response& response) override;
  asio::awaitable<http_response> handle(const http_request& request) override;

 private:
  bool has_room(time_point now);

  const std::size_t value_size_;
  std::atomic<std::int64_t> delay_ms_{0};
  std::atomic<bool> is_failing_{false};
  std::atomic<std::size_t> running_{0};
  std::atomic<std::size_t> most_running_{0};
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> versions_;
  std::map<std::string, std::size_t> sizes_;
  std::vector<load_record> log_;
  double per_second_ = 0;
  double room_ = 0;  // loads that may begin now
  time_point room_at_;
  runtime runtime_{runtime_options{.threads = 1}};
  http_server server_;
  const std::string address_;
};

}  // namespace weir::test
