#include "net/connect_race.hpp"

#include <weir/engine/errc.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace weir {

struct connect_race::attempt {
  attempt(const boost::asio::any_io_executor& executor, const tcp::endpoint& address)
      : socket(executor), timer(executor), to(address) {}

  tcp::socket socket;
  boost::asio::steady_timer timer;
  const tcp::endpoint to;
  bool is_late = false;
};

connect_race::connect_race(boost::asio::any_io_executor executor, connect_options options)
    : executor_(std::move(executor)),
      options_(options),
      wake_(executor_),
      last_(boost::asio::error::host_not_found) {}

boost::asio::awaitable<result<connect_race::tcp::socket>> connect_race::run(
    std::vector<tcp::endpoint> endpoints
) {
  using clock = std::chrono::steady_clock;
  const auto self = shared_from_this();
  std::size_t next = 0;
  bool is_time_over = false;
  while (!winner_ && !is_closed_ && (next != endpoints.size() || !running_.empty())) {
    if (clock::now() >= options_.deadline) {
      is_time_over = true;
      break;
    }
    if (next != endpoints.size()) start(endpoints[next++]);
    const bool has_more = next != endpoints.size();
    const auto until = has_more ? std::min(options_.deadline, clock::now() + options_.next_after)
                                : options_.deadline;
    wake_.expires_at(until);
    co_await wake_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
  }
  is_over_ = true;
  for (const auto& each : std::exchange(running_, {})) {
    error_code ignored;
    each->timer.cancel();
    each->socket.close(ignored);
  }
  if (winner_) {
    reached_ = winner_->to;
    co_return std::move(winner_->socket);
  }
  if (is_closed_) co_return make_error_code(boost::asio::error::operation_aborted);
  if (is_time_over) co_return make_error_code(errc::deadline_exceeded);
  co_return last_;
}

void connect_race::close() {
  is_closed_ = true;
  wake_.cancel();
}

void connect_race::start(const tcp::endpoint& to) {
  const auto made = std::make_shared<attempt>(executor_, to);
  running_.push_back(made);
  made->timer.expires_after(options_.per_address);
  made->timer.async_wait([made](const error_code& stopped) {
    if (stopped) return;
    made->is_late = true;
    error_code ignored;
    made->socket.close(ignored);
  });
  made->socket.async_connect(to, [self = shared_from_this(), made](const error_code& error) {
    self->finish(made, error);
  });
}

void connect_race::finish(const std::shared_ptr<attempt>& ended, error_code error) {
  if (is_over_) return;
  ended->timer.cancel();
  std::erase(running_, ended);
  if (!error && !winner_ && !ended->is_late)
    winner_ = ended;
  else
    last_ = ended->is_late ? make_error_code(boost::asio::error::timed_out) : error;
  wake_.cancel();
}

std::vector<boost::asio::ip::tcp::endpoint> endpoints_of(
    const std::vector<std::string>& addresses, std::uint16_t port
) {
  std::vector<boost::asio::ip::tcp::endpoint> out;
  for (const auto& literal : addresses) {
    error_code bad;
    const auto address = boost::asio::ip::make_address(literal, bad);
    if (!bad) out.emplace_back(address, port);
  }
  return out;
}

}  // namespace weir
