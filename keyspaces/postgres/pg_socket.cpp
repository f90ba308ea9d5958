#include "postgres/pg_socket.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace weir {

namespace asio = boost::asio;
using boost::system::error_code;

struct pg_socket::state {
  state(const asio::any_io_executor& executor, std::chrono::steady_clock::time_point deadline)
      : descriptor(executor), timer(executor, deadline) {}

  asio::posix::stream_descriptor descriptor;
  asio::steady_timer timer;
  bool is_over = false;
  bool is_late = false;
};

pg_socket::pg_socket(
    const asio::any_io_executor& executor, std::chrono::steady_clock::time_point deadline
)
    : state_(std::make_shared<state>(executor, deadline)) {
  state_->timer.async_wait([watched = state_](const error_code& stopped) {
    if (stopped || watched->is_over) return;
    watched->is_late = true;
    error_code ignored;
    watched->descriptor.cancel(ignored);
  });
}

pg_socket::~pg_socket() {
  state_->is_over = true;
  state_->timer.cancel();
  leave();
}

bool pg_socket::watch(int descriptor) {
  leave();
  error_code failed;
  state_->descriptor.assign(descriptor, failed);
  return !failed;
}

void pg_socket::leave() noexcept {
  if (state_->descriptor.is_open()) state_->descriptor.release();
}

asio::awaitable<bool> pg_socket::async_wait(wait_type what) {
  const auto kept = state_;
  if (kept->is_late) co_return false;
  co_await kept->descriptor.async_wait(what, asio::as_tuple(asio::use_awaitable));
  co_return !kept->is_late;
}

}  // namespace weir
