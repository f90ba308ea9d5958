#include "nats/nats_link.hpp"

#include "net/as_tuple.hpp"

#include <boost/asio/write.hpp>

#include <utility>

namespace weir {
namespace {

constexpr std::size_t most_waiting = 65'536;

}  // namespace

asio::awaitable<error_code> nats_link::connect(resolver& names, host_port server) {
  const auto self = shared_from_this();
  auto reached = co_await dialler_.run(names, std::move(server), nullptr);
  if (!reached) co_return reached.error();
  stream_ = std::move(*reached);
  co_return error_code();
}

asio::awaitable<error_code> nats_link::secure(tls_context context, std::string name) {
  if (!rest_.empty()) co_return make_error_code(tls_fault::broken);
  const auto self = shared_from_this();
  stream_.secure(std::move(context), tls_side::client, name);
  const auto [error] = co_await stream_.async_handshake(as_tuple);
  co_return error;
}

asio::awaitable<nats_parser::status> nats_link::read(nats_input& into) {
  const auto self = shared_from_this();
  while (true) {
    const auto read = parser_.next(rest_, into);
    if (read != nats_parser::status::need_more) co_return read;
    const auto [error, size] = co_await stream_.async_read_some(asio::buffer(buffer_), as_tuple);
    if (error) co_return nats_parser::status::need_more;
    rest_ = std::string_view(buffer_.data(), size);
  }
}

void nats_link::write(std::string_view text) {
  if (waiting_.size() + text.size() > most_waiting) return close();
  waiting_ += text;
  if (sending_.empty()) flush();
}

void nats_link::flush() {
  sending_ = std::exchange(waiting_, {});
  if (sending_.empty()) return;
  auto done = [self = shared_from_this()](const error_code& error, std::size_t) {
    self->sending_.clear();
    if (error) return self->close();
    self->flush();
  };
  asio::async_write(stream_, asio::buffer(sending_), std::move(done));
}

void nats_link::keep_alive(std::chrono::milliseconds interval, int most) {
  unanswered_ = 0;
  wait_to_ping(interval, most);
}

void nats_link::wait_to_ping(std::chrono::milliseconds interval, int most) {
  ping_timer_.expires_after(interval);
  auto fired = [self = shared_from_this(), interval, most](const error_code& stopped) {
    if (stopped || !self->stream_.socket().is_open()) return;
    if (self->unanswered_ >= most) return self->close();
    ++self->unanswered_;
    self->write("PING\r\n");
    self->wait_to_ping(interval, most);
  };
  ping_timer_.async_wait(std::move(fired));
}

void nats_link::close() {
  error_code ignored;
  dialler_.close();
  stream_.close(ignored);
  ping_timer_.cancel();
}

}  // namespace weir
