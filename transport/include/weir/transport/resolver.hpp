#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace weir WEIR_API {

struct resolver_options {
  std::chrono::milliseconds query_timeout{1'000};  ///< per server and try
  int tries = 2;                                   ///< rounds over the servers
  /// An answer is kept at least this long, a failure exactly this long.
  std::chrono::milliseconds min_ttl{1'000};
  std::chrono::milliseconds max_ttl{5'000};  ///< and at most this long
  std::size_t max_names = 1'024;             ///< kept at once; beyond, expired ones go, then all
  std::string servers;  ///< "10.0.0.2,10.0.0.3:5353"; empty = those of the system
};

/// Host names to addresses without blocking and without threads: c-ares on one loop.
///
/// /etc/hosts comes first, then DNS: a short name is looked up in the search domains of the system,
/// as its own resolver does, and one domain whose server fails does not end the search. Concurrent
/// questions for a name are asked once. To be used on the thread of its loop only (or on an
/// executor that runs one handler at a time), and destroyed there or after the loop's last run.
class resolver {
 public:
  explicit resolver(asio::io_context& loop, resolver_options options = {});
  explicit resolver(const asio::any_io_executor& executor, resolver_options options = {});
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;
  ~resolver();

  /// The addresses of `host` as literals, in the order to try them, at least one. A literal address
  /// is its own answer. Fails with asio::error::host_not_found (the name has no address),
  /// host_not_found_try_again (no server answered) or errc::deadline_exceeded.
  [[nodiscard]] asio::awaitable<result<std::vector<std::string>>> async_resolve(
      std::string host, std::chrono::steady_clock::time_point deadline
  );

 private:
  class channel;
  std::shared_ptr<channel> channel_;
};

}  // namespace weir
