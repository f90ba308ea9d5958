#pragma once

#include <weir/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

struct connect_options {
  std::chrono::steady_clock::time_point deadline;
  std::chrono::milliseconds per_address{1'000};  ///< an attempt is given up after this
  std::chrono::milliseconds next_after{250};     ///< then the next address is tried beside it
};

/// The first of a host's addresses that takes a connection (RFC 8305, 5).
///
/// They are tried in their order, each as soon as the ones before have failed or kept silent for
/// `next_after`; those that are still trying when one succeeds are closed. To be used on an
/// executor that runs one handler at a time.
class connect_race : public std::enable_shared_from_this<connect_race> {
 public:
  using tcp = boost::asio::ip::tcp;

  connect_race(boost::asio::any_io_executor executor, connect_options options);

  /// At most once. Fails with errc::deadline_exceeded, timed_out, what the last address said, or
  /// operation_aborted after close(). The race lives until its attempts have ended.
  boost::asio::awaitable<result<tcp::socket>> run(std::vector<tcp::endpoint> endpoints);

  /// The address that took the connection.
  const tcp::endpoint& reached() const noexcept { return reached_; }

  /// Gives up.
  void close();

 private:
  struct attempt;

  void start(const tcp::endpoint& to);
  void finish(const std::shared_ptr<attempt>& ended, error_code error);

  const boost::asio::any_io_executor executor_;
  const connect_options options_;
  boost::asio::steady_timer wake_;
  std::vector<std::shared_ptr<attempt>> running_;
  std::shared_ptr<attempt> winner_;
  tcp::endpoint reached_;
  error_code last_;
  bool is_closed_ = false;
  bool is_over_ = false;
};

/// The endpoints of literal addresses; what is none is left out.
std::vector<boost::asio::ip::tcp::endpoint> endpoints_of(
    const std::vector<std::string>& addresses, std::uint16_t port
);

}  // namespace weir
