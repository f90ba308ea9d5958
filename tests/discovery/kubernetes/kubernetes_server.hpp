#pragma once

#include "tests/discovery/kubernetes/kubernetes_json.hpp"
#include "tests/support/certificates.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace weir::test {

/// A Kubernetes API server on a loopback port, over TLS, that knows the endpoint slices of one
/// service and answers as it is told.
class kubernetes_server {
 public:
  struct request {
    std::string target;
    std::string token;
    bool is_watch = false;
    std::uint64_t version = 0;
    std::chrono::seconds timeout{0};
  };

  enum class then : std::uint8_t { close, hold };

  struct answer {
    std::string bytes;  ///< the whole of it, head included
    then after = then::close;
  };

  /// Answers instead of the server if it gives something. Called on the server's thread.
  using script = std::function<std::optional<answer>(const request&)>;

  explicit kubernetes_server(weir_test::issued certificate);
  ~kubernetes_server();

  kubernetes_server(const kubernetes_server&) = delete;
  kubernetes_server& operator=(const kubernetes_server&) = delete;

  /// "https://127.0.0.1:PORT"
  std::string address() const;

  void use_certificate(const weir_test::issued& certificate);
  void accept_token(std::string token);  ///< others get 401; none = everybody may
  void answer_with(script next);

  void set(const std::string& name, const api_slice& slice);
  void remove(const std::string& name);

  /// Forgets the versions so far: 410 for who watches from one of them.
  enum class gone : std::uint8_t { status, event };
  void forget(gone how);

  /// Sends text as a chunk to all who watch, then does so.
  void send(const std::string& text, then after = then::hold);

  void stop();   ///< ends all connections and refuses new ones
  void start();  ///< on the same port

  int lists() const;
  int watches() const;
  int open_watches() const;

  static std::string http(
      unsigned status, const std::string& body, const std::string& more_fields = {}
  );
  /// The head of a watch, then these lines as a chunk each.
  static std::string watch(const std::vector<std::string>& lines);

 private:
  using stream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;

  struct connection {
    connection(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> own)
        : context(std::move(own)), wake(socket.get_executor()), tls(std::move(socket), *context) {}

    std::shared_ptr<boost::asio::ssl::context> context;
    boost::asio::steady_timer wake;
    stream tls;
    std::string pending;  ///< to be sent as it is
    bool is_watch = false;
    bool is_ending = false;
  };

  struct event {
    std::uint64_t version;
    std::string line;
  };

  boost::asio::awaitable<void> accept(std::shared_ptr<boost::asio::ip::tcp::acceptor> from);
  boost::asio::awaitable<void> serve(std::shared_ptr<connection> with);
  boost::asio::awaitable<void> serve_watch(connection& with, const request& asked);
  boost::asio::awaitable<bool> write(connection& to, std::string text);
  std::optional<answer> scripted(const request& asked);
  std::string list() const;
  std::vector<event> events_after(std::uint64_t version) const;
  void run_on_loop(std::function<void()> work);

  boost::asio::io_context loop_;
  std::shared_ptr<boost::asio::ip::tcp::acceptor> acceptor_;
  std::uint16_t port_ = 0;
  std::set<std::shared_ptr<connection>> open_;

  mutable std::mutex mutex_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::string token_;
  script script_;
  std::map<std::string, std::string> slices_;
  std::vector<event> events_;
  std::uint64_t version_ = 1'000;
  std::uint64_t oldest_ = 0;
  gone how_gone_ = gone::status;
  int lists_ = 0;
  int watches_ = 0;
  int open_watches_ = 0;

  std::thread thread_;
};

}  // namespace weir::test
