#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace weir::test {

struct dns_question {
  std::uint16_t id = 0;
  std::string name;  ///< lower case, without the last dot
  std::uint16_t type = 0;
  bool is_tcp = false;
};

/// A DNS server on a loopback port, UDP and TCP, that answers as it is told.
class scripted_dns {
 public:
  /// The bytes of the answer; empty = silence. Called on a thread of the server.
  using script = std::function<std::string(const dns_question&)>;

  explicit scripted_dns(script first);
  ~scripted_dns();

  scripted_dns(const scripted_dns&) = delete;
  scripted_dns& operator=(const scripted_dns&) = delete;

  void answer_with(script next);

  /// "127.0.0.1:PORT"
  std::string address() const;

  /// Questions so far over UDP and TCP.
  int questions() const;
  int tcp_questions() const;

 private:
  struct connection;

  bool has_port();
  void receive();
  void accept();
  void read(const std::shared_ptr<connection>& from);
  std::string answer(const std::string& asked, bool is_tcp);

  boost::asio::io_context loop_;
  boost::asio::ip::udp::socket udp_;
  boost::asio::ip::tcp::acceptor tcp_;
  boost::asio::ip::udp::endpoint asker_;
  std::string packet_;

  mutable std::mutex mutex_;
  script script_;
  int questions_ = 0;
  int tcp_questions_ = 0;
  std::thread thread_;
};

}  // namespace weir::test
