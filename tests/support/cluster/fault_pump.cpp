#include "tests/support/cluster/fault_pump.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>

namespace weir::test {
namespace {

constexpr std::size_t most_queued = 1 << 20;
constexpr std::size_t most_queued_when_capped = 32 * 1024;
constexpr std::size_t most_at_once = 16 * 1024;

}  // namespace

fault_pump::fault_pump(
    asio::ip::tcp::socket& from,
    asio::ip::tcp::socket& to,
    std::mt19937_64& random,
    std::function<void()> reset
)
    : from_(from),
      to_(to),
      random_(random),
      reset_(std::move(reset)),
      reader_(from.get_executor()),
      writer_(from.get_executor()) {}

void fault_pump::set(const toxics& now, bool is_paused) {
  const bool is_hole_closed = now_.black_hole && !now.black_hole;
  now_ = now;
  is_paused_ = is_paused;
  seen_ = 0;
  wake();
  if (is_hole_closed && has_lost_) reset_();
}

void fault_pump::stop() {
  is_stopped_ = true;
  wake();
}

void fault_pump::wake() {
  reader_.cancel();
  writer_.cancel();
}

bool fault_pump::may_read() const {
  const auto most = now_.bytes_per_second > 0 ? most_queued_when_capped : most_queued;
  return !is_paused_ && !now_.stops_reading && queued_ < most;
}

asio::awaitable<void> fault_pump::read() {
  std::array<char, most_at_once> buffer;
  while (!is_stopped_) {
    boost::system::error_code failed;
    if (!may_read()) {
      reader_.expires_at(clock::time_point::max());
      co_await reader_.async_wait(asio::redirect_error(asio::use_awaitable, failed));
      continue;
    }
    // Waits without taking anything, so that a toxic set meanwhile applies to these bytes.
    co_await from_.async_wait(
        asio::ip::tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, failed)
    );
    if (is_stopped_) break;
    if (!may_read()) continue;
    const auto size = co_await from_.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, failed)
    );
    if (is_stopped_) break;
    if (failed && failed != asio::error::eof) {
      reset_();
      break;
    }
    if (failed && now_.black_hole) {  // the end is lost like any byte
      has_lost_ = true;
      break;
    }
    if (failed) {
      is_at_end_ = true;
      writer_.cancel();
      break;
    }
    if (!take(std::string(buffer.data(), size))) break;
  }
}

// Puts bytes that came in into the queue, or does what a toxic says; false ends the reading.
bool fault_pump::take(std::string bytes) {
  if (now_.black_hole) {
    has_lost_ = true;
    lost_ += bytes.size();
    seen_ += bytes.size();
    return true;
  }
  if (now_.corrupt_at && *now_.corrupt_at >= seen_ && *now_.corrupt_at < seen_ + bytes.size()) {
    bytes[*now_.corrupt_at - seen_] ^= static_cast<char>(1U << (random_() % 8));
    now_.corrupt_at.reset();
  }
  if (now_.reset_after && seen_ + bytes.size() > *now_.reset_after) {
    reset_();
    return false;
  }
  seen_ += bytes.size();
  auto extra = now_.latency;
  if (now_.jitter.count() > 0) {
    extra +=
        std::chrono::milliseconds(random_() % static_cast<std::uint64_t>(now_.jitter.count() + 1));
  }
  last_due_ = std::max(last_due_, clock::now() + extra);
  queued_ += bytes.size();
  queue_.push_back({std::move(bytes), last_due_});
  writer_.cancel();
  return true;
}

asio::awaitable<void> fault_pump::wait_for_change() {
  boost::system::error_code cancelled;
  writer_.expires_at(clock::time_point::max());
  co_await writer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

asio::awaitable<void> fault_pump::wait_until(clock::time_point when) {
  boost::system::error_code cancelled;
  while (!is_stopped_ && clock::now() < when) {
    writer_.expires_at(when);
    co_await writer_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

asio::awaitable<void> fault_pump::write() {
  while (!is_stopped_) {
    if (is_paused_ || (queue_.empty() && !is_at_end_)) {
      co_await wait_for_change();
      continue;
    }
    if (queue_.empty()) {
      if (now_.slow_close.count() > 0) co_await wait_until(clock::now() + now_.slow_close);
      boost::system::error_code ignored;
      to_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
      co_return;
    }
    co_await wait_until(queue_.front().due);
    if (is_stopped_) break;
    if (is_paused_) continue;
    auto bytes = std::move(queue_.front().bytes);
    queue_.pop_front();
    const bool is_sent = co_await send(std::move(bytes));
    if (!is_sent) break;
  }
}

asio::awaitable<bool> fault_pump::send(std::string bytes) {
  std::size_t at = 0;
  while (at != bytes.size()) {
    auto size = bytes.size() - at;
    if (now_.bytes_per_second > 0) {
      // Slices of 10 ms: what the cap means is seen by small messages too.
      size = std::min<std::size_t>(size, std::max<std::uint64_t>(1, now_.bytes_per_second / 100));
      co_await wait_until(link_free_);
      if (is_stopped_) co_return false;
      const std::chrono::nanoseconds takes(static_cast<std::int64_t>(
          1e9 * static_cast<double>(size) /
          static_cast<double>(std::max<std::uint64_t>(1, now_.bytes_per_second))
      ));
      link_free_ = std::max(link_free_, clock::now()) + takes;
    }
    boost::system::error_code failed;
    co_await asio::async_write(
        to_,
        asio::buffer(bytes.data() + at, size),
        asio::redirect_error(asio::use_awaitable, failed)
    );
    if (is_stopped_) co_return false;
    if (failed) {
      reset_();
      co_return false;
    }
    at += size;
    queued_ -= size;
    reader_.cancel();
  }
  co_return true;
}

}  // namespace weir::test
