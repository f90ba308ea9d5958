#include "http/server/http_acceptor.hpp"

#include "http/server/http_connection.hpp"

#include <weir/transport/http_problem.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <chrono>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace weir {
namespace {

using asio::ip::tcp;

constexpr std::chrono::milliseconds pause_without_descriptors{100};
constexpr int refused_per_pause = 64;

int open_reserve() noexcept {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

bool is_shortage(const error_code& error) noexcept {
  const int value = error.value();
  return error.category() == boost::system::system_category() &&
         (value == EMFILE || value == ENFILE || value == ENOBUFS || value == ENOMEM);
}

const std::string& refusal_text() {
  static const std::string text = [] {
    const auto answer =
        problem(errc::overloaded, "too many connections; retry later or close idle ones");
    std::string made;
    append_status_line(made, answer.status);
    made.append(answer.fields())
        .append("Content-Length: ")
        .append(std::to_string(answer.body.size()));
    return made.append("\r\nConnection: close\r\n\r\n").append(answer.body.view());
  }();
  return text;
}

}  // namespace

http_acceptor::http_acceptor(std::shared_ptr<http_core> core)
    : core_(std::move(core)),
      acceptor_(core_->loops().front()->context()),
      pause_(core_->loops().front()->context()),
      reserve_(open_reserve()) {}

http_acceptor::~http_acceptor() {
  if (reserve_ >= 0) ::close(reserve_);
}

error_code http_acceptor::open(const tcp::endpoint& endpoint) {
  error_code error;
  acceptor_.open(endpoint.protocol(), error);
  if (error) return error;
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (error) return error;
  if (endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
    acceptor_.set_option(asio::ip::v6_only(false), error);
    if (error) return error;
  }
  acceptor_.bind(endpoint, error);
  if (error) return error;
  acceptor_.non_blocking(true, error);
  if (error) return error;
  acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  return error;
}

tcp::endpoint http_acceptor::local_endpoint() const {
  error_code ignored;
  return acceptor_.local_endpoint(ignored);
}

void http_acceptor::accept() {
  if (!acceptor_.is_open()) return;
  const auto loop = next_loop_++ % core_->loops().size();
  auto accepted = [self = shared_from_this(), loop](const error_code& error, tcp::socket socket) {
    self->on_accept(error, std::move(socket), loop);
  };
  acceptor_.async_accept(core_->loops()[loop]->context(), std::move(accepted));
}

void http_acceptor::close() {
  error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

void http_acceptor::on_accept(const error_code& error, tcp::socket socket, std::size_t loop) {
  if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
  if (is_shortage(error)) {
    out_of_descriptors(error);
    return;
  }
  if (!error && !core_->draining) {
    error_code gone;
    const auto remote = socket.remote_endpoint(gone);
    auto admission = gone ? nullptr : core_->admit(remote.address());
    if (admission) {
      auto& home = *core_->loops()[loop];
      auto& place = *admission;
      auto connection =
          std::make_shared<http_connection>(home, std::move(socket), std::move(admission));
      place.belongs_to(connection);
      asio::dispatch(home.context(), [connection] { connection->start(); });
    } else if (!gone) {
      refuse(std::move(socket));
    }
  }
  accept();
}

void http_acceptor::out_of_descriptors(const error_code& error) {
  core_->accept_pauses.fetch_add(1, std::memory_order_relaxed);
  core_->remark(
      "http: accepting paused: " + error.message() +
      "; raise the descriptor limit or lower max_connections"
  );
  if (reserve_ >= 0) {
    ::close(reserve_);
    for (int i = 0; i < refused_per_pause; ++i) {
      error_code none_left;
      tcp::socket socket(acceptor_.get_executor());
      acceptor_.accept(socket, none_left);
      if (none_left) break;
      core_->refused.fetch_add(1, std::memory_order_relaxed);
      refuse(std::move(socket));
    }
    reserve_ = open_reserve();
  }
  pause_.expires_after(pause_without_descriptors);
  pause_.async_wait([self = shared_from_this()](const error_code& stopped) {
    if (!stopped) self->accept();
  });
}

void http_acceptor::refuse(tcp::socket socket) {
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(refusal_text()), ignored);
  // Take what has arrived, so that closing does not reset the connection under the answer.
  std::array<char, 4096> discarded;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
  socket.read_some(asio::buffer(discarded), ignored);
  socket.close(ignored);
}

}  // namespace weir
