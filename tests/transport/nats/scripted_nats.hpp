#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace weir::test {

/// A NATS server that says what the test tells it to, on a thread of its own.
///
/// It answers PING, and brings every PUB back as a MSG, so that a node hears itself.
class scripted_nats {
 public:
  explicit scripted_nats(std::string greeting = usual_greeting());
  ~scripted_nats();

  scripted_nats(const scripted_nats&) = delete;
  scripted_nats& operator=(const scripted_nats&) = delete;

  static std::string usual_greeting() { return "INFO {\"server_id\":\"test\"}\r\n"; }

  /// "nats://127.0.0.1:PORT"
  std::string url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

  /// What the next connections are greeted with.
  void greet_with(std::string greeting);

  /// What PING is answered with from now on; the next one is most often that of the handshake.
  void answer_ping_with(std::string answer);

  /// Sends bytes on the newest connection.
  void send(const std::string& bytes);

  /// Sends this payload on the subject of the newest connection.
  void send_message(const std::string& payload);

  /// All that clients sent so far, of all connections.
  std::string received() const;

  int connections() const;

 private:
  struct connection;

  void accept();
  void read(const std::shared_ptr<connection>& from);
  void take(connection& from);
  void write(connection& to, const std::string& bytes);

  boost::asio::io_context loop_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::string greeting_;
  std::string pong_ = "PONG\r\n";
  std::string received_;
  int connections_ = 0;
  std::shared_ptr<connection> newest_;
  std::thread thread_;
};

}  // namespace weir::test
