#include "resp/resp_link.hpp"

#include "net/as_tuple.hpp"
#include "net/deadline_guard.hpp"

#include <weir/engine/errc.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t link_read_size = 64 * 1024;
constexpr std::size_t link_write_size = 64 * 1024;  // sent together, or one call of more

resp_fault link_unmade(std::string why) {
  return {resp_fault::kind::unreachable, std::move(why), false};
}

resp_fault link_lost(std::string why) {
  return {resp_fault::kind::lost, std::move(why), false};
}

}  // namespace

std::shared_ptr<resp_connection> resp_connection::open(
    const asio::any_io_executor& executor, resp_connection_options options
) {
  auto made = std::make_shared<resp_link>(executor, std::move(options));
  asio::co_spawn(executor, resp_link::run(made), asio::detached);
  return made;
}

resp_link::resp_link(const asio::any_io_executor& executor, resp_connection_options options)
    : executor_(executor),
      options_(std::move(options)),
      connect_until_(clock::now() + options_.connect),
      dialler_(executor, {.connect = {.deadline = connect_until_}, .handshake = options_.connect}),
      stream_(asio::ip::tcp::socket(executor)),
      parser_(options_.limits),
      buffer_(link_read_size) {}

// Holds no connection while it waits: that may be on another loop, which may end first.
asio::awaitable<resp_outcome> resp_connection::async_call(
    std::weak_ptr<resp_connection> to,
    std::shared_ptr<const resp_commands> commands,
    time_point deadline
) {
  const auto made = std::make_shared<resp_call>(std::move(commands));
  if (const auto link = std::static_pointer_cast<resp_link>(to.lock())) {
    link->add(made);
  } else {
    made->fail(link_lost("the connection is over"));
  }
  auto outcome = co_await resp_call::async_wait(made, deadline);
  if (outcome.fault && outcome.fault->what == resp_fault::kind::late) {
    const auto link = std::static_pointer_cast<resp_link>(to.lock());
    if (link) link->leave(made);
  }
  co_return outcome;
}

void resp_link::add(std::shared_ptr<resp_call> made) {
  asio::dispatch(executor_, [self = shared_from_this(), made = std::move(made)] {
    self->take_over(made);
  });
}

void resp_link::leave(std::shared_ptr<resp_call> late) {
  asio::dispatch(executor_, [self = shared_from_this(), late = std::move(late)] {
    self->drop(late);
  });
}

void resp_link::close() {
  asio::post(executor_, [self = shared_from_this()] { self->fail(link_lost("it was closed")); });
}

asio::awaitable<void> resp_link::run(std::shared_ptr<resp_link> self) {
  std::optional<resp_fault> fault;
  try {
    fault = co_await self->connect();
    if (!fault) fault = co_await self->greet();
    if (!fault) fault = co_await self->read_all();
  } catch (const std::exception& failed) {
    fault = link_lost(failed.what());
  }
  self->fail(*fault);
}

asio::awaitable<std::optional<resp_fault>> resp_link::connect() {
  auto tls = options_.tls;
  if (options_.is_secure && !tls) {
    auto made = make_tls_client(options_.ca);
    if (!made) co_return link_unmade(made.error().text);
    tls = std::move(*made);
  }
  resolver names(executor_);
  auto reached = co_await dialler_.run(names, options_.server, tls);
  if (!reached) co_return link_unmade(reached.error().message());
  stream_ = std::move(*reached);
  if (is_over()) co_return link_lost("it was closed");
  co_return std::nullopt;
}

asio::awaitable<std::optional<resp_fault>> resp_link::greet() {
  const deadline_guard guard(executor_, connect_until_, [this] {
    error_code ignored;
    stream_.close(ignored);
  });
  const auto& text = options_.greeting.text();
  const auto [unsent, size] = co_await asio::async_write(stream_, asio::buffer(text), as_tuple);
  if (unsent) co_return link_unmade(unsent.message());
  while (greeted_.size() < options_.greeting.count()) {
    auto fault = co_await read_some();
    if (guard.expired()) co_return link_unmade("the server does not answer");
    if (!fault) continue;
    if (fault->what == resp_fault::kind::lost) fault->what = resp_fault::kind::unreachable;
    co_return fault;
  }
  greeted_.clear();
  is_greeted_.store(true, std::memory_order_release);
  flush();
  co_return std::nullopt;
}

asio::awaitable<resp_fault> resp_link::read_all() {
  while (true) {
    auto fault = co_await read_some();
    if (fault) co_return std::move(*fault);
  }
}

asio::awaitable<std::optional<resp_fault>> resp_link::read_some() {
  const auto [error, size] = co_await stream_.async_read_some(asio::buffer(buffer_), as_tuple);
  if (error) {
    const bool is_end = error == asio::error::eof;
    co_return link_lost(is_end ? "the server closed the connection" : error.message());
  }
  last_heard_ = clock::now();
  std::string_view input(buffer_.data(), size);
  while (true) {
    resp_value value;
    const auto read = parser_.next(input, value);
    if (read == resp_parser::status::need_more) co_return std::nullopt;
    if (read == resp_parser::status::malformed)
      co_return link_lost("what answers does not speak RESP");
    auto fault = take(std::move(value));
    if (fault) co_return fault;
  }
}

std::optional<resp_fault> resp_link::take(resp_value value) {
  if (value.kind == resp_kind::push) {
    if (options_.pushed) options_.pushed(value);
    return std::nullopt;
  }
  if (!is_greeted()) {
    if (value.is_error()) return resp_fault{resp_fault::kind::refused, value.text, false};
    greeted_.push_back(std::move(value));
    return std::nullopt;
  }
  // As servers say farewell: "-ERR max number of clients reached".
  if (sent_.empty())
    return link_lost(value.is_error() ? value.text : "an answer that was not asked for");
  if (sent_.front()->answer(std::move(value))) sent_.pop_front();
  return std::nullopt;
}

void resp_link::take_over(const call& made) {
  if (is_over()) return made->fail(link_lost("the connection is over"));
  if (waiting_.size() == options_.max_waiting)
    return made->fail({resp_fault::kind::crowded, "too many calls wait to be sent", false});
  waiting_.push_back(made);
  if (is_greeted() && sending_.empty()) flush();
}

void resp_link::drop(const call& late) {
  if (is_over() || std::erase(waiting_, late) > 0) return;
  const bool is_waiting = std::find(sent_.begin(), sent_.end(), late) != sent_.end();
  if (is_waiting && last_heard_ <= late->sent_at()) fail(link_lost("the server does not answer"));
}

// Short calls go out as one piece, a long one as it is.
void resp_link::flush() {
  const auto now = clock::now();
  joined_.clear();
  while (!waiting_.empty()) {
    const auto size = waiting_.front()->text().size();
    if (!sending_.empty() && joined_.size() + size > link_write_size) break;
    auto next = std::move(waiting_.front());
    waiting_.pop_front();
    if (!next->begin_sending(now)) continue;
    sent_.push_back(next);
    sending_.push_back(next);
    if (size > link_write_size) break;
    joined_ += next->text();
  }
  if (sending_.empty()) return;
  auto done = [self = shared_from_this()](const error_code& error, std::size_t) {
    self->sending_.clear();
    if (error) return self->fail(link_lost(error.message()));
    self->flush();
  };
  const auto& text = joined_.empty() ? sending_.front()->text() : joined_;
  asio::async_write(stream_, asio::buffer(text), std::move(done));
}

void resp_link::fail(const resp_fault& fault) {
  if (is_over_.exchange(true, std::memory_order_acq_rel)) return;
  error_code ignored;
  dialler_.close();
  stream_.close(ignored);
  for (const auto& each : std::exchange(sent_, {})) each->fail(fault);
  for (const auto& each : std::exchange(waiting_, {})) each->fail(fault);
  if (options_.ended) options_.ended();
}

}  // namespace weir
