#pragma once

#include "tests/support/scratch_folder.hpp"

#include <weir/transport/resp_value.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace weir::test {

/// A real Redis in a folder of its own, on two ports of loopback, without and with TLS. It keeps
/// nothing on disk. The user "default" needs no password; "weir" has one, "reader" may only read.
///
/// Programs have one, which every test finds running and empty: see server().
class redis_process {
 public:
  static constexpr const char* password = "p w'\\d";

  redis_process();
  ~redis_process();

  redis_process(const redis_process&) = delete;
  redis_process& operator=(const redis_process&) = delete;

  /// "redis://127.0.0.1:PORT".
  std::string url() const { return "redis://" + address(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// "127.0.0.1:PORT" of TLS.
  std::string tls_port() const { return std::to_string(tls_port_); }

  /// PEM file of the authority of its certificate, which is for 127.0.0.1 and localhost.
  std::string ca() const { return folder_.file("ca.crt"); }

  /// Runs a command as another program would; its answer as text, "-" for nil, the number of
  /// elements of a list. Throws what the server refuses. From any thread.
  std::string run(const std::vector<std::string>& words);

  /// kill -9; what it held is gone.
  void kill();
  /// Starts it and waits until it answers.
  void start();

  /// It stands still.
  void freeze() const;
  void thaw() const;

 private:
  bool connect();
  resp_value ask(const std::vector<std::string>& words);

  scratch_folder folder_;
  std::uint16_t port_ = 0, tls_port_ = 0;
  pid_t pid_ = -1;
  std::mutex mutex_;  // of the connection
  boost::asio::io_context loop_;
  boost::asio::ip::tcp::socket connection_{loop_};
};

/// The one of this program, running.
redis_process& server();

}  // namespace weir::test
