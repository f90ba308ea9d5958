#include "tests/support/cluster/versioned_origin.hpp"

#include "tests/support/cluster/sealed_value.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace weir::test {

versioned_origin::versioned_origin(const std::string& listen, std::size_t value_size)
    : value_size_(value_size),
      server_(runtime_.loops(), {}, *this),
      address_(server_.listen(listen).value()) {}

versioned_origin::~versioned_origin() {
  server_.stop();
  runtime_.stop();
}

std::uint64_t versioned_origin::write(const std::string& key) {
  const std::lock_guard lock(mutex_);
  auto& version = versions_.try_emplace(key, 1).first->second;
  return ++version;
}

void versioned_origin::resize(const std::string& key, std::size_t size) {
  const std::lock_guard lock(mutex_);
  sizes_[key] = size;
}

void versioned_origin::take_at_most(double per_second) {
  const std::lock_guard lock(mutex_);
  per_second_ = per_second;
  room_at_ = history_clock::now();
}

/// A bucket of tokens for a tenth of a second.
bool versioned_origin::has_room(time_point now) {
  if (per_second_ <= 0) return true;
  const auto passed = std::chrono::duration<double>(now - room_at_).count();
  room_at_ = now;
  room_ = std::min(per_second_ / 10, room_ + passed * per_second_);
  if (room_ < 1) return false;
  room_ -= 1;
  return true;
}

std::size_t versioned_origin::loads(const std::string& prefix) const {
  const std::lock_guard lock(mutex_);
  const auto counts = [&](const load_record& each) { return each.key.starts_with(prefix); };
  return static_cast<std::size_t>(std::count_if(log_.begin(), log_.end(), counts));
}

std::size_t versioned_origin::most_at_once(const std::string& key, time_point from) const {
  std::vector<std::pair<time_point, int>> steps;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : log_) {
      if (each.key != key || each.begin < from) continue;
      steps.emplace_back(each.begin, 1);
      if (each.end != time_point()) steps.emplace_back(each.end, -1);
    }
  }
  std::sort(steps.begin(), steps.end());
  int now = 0;
  int most = 0;
  for (const auto& [when, change] : steps) most = std::max(most, now += change);
  return static_cast<std::size_t>(most);
}

std::vector<load_record> versioned_origin::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

bool versioned_origin::try_handle(const http_request&, http_response&) {
  return false;
}

asio::awaitable<http_response> versioned_origin::handle(const http_request& request) {
  const std::string key(request.path.substr(1));
  sealed_value value{.key = key};
  {
    const std::lock_guard lock(mutex_);
    value.version = versions_.try_emplace(key, 1).first->second;
    value.load = log_.size();
    const auto now = history_clock::now();
    log_.push_back({key, value.version, now, {}});
    if (!has_room(now)) {
      log_.back().end = now;
      log_.back().is_refused = true;
      co_return http_response(503);
    }
  }
  const auto running = ++running_;
  if (running > most_running_) most_running_ = running;  // one thread
  if (const std::chrono::milliseconds delay(delay_ms_); delay.count() > 0) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    timer.expires_after(delay);
    co_await timer.async_wait(asio::use_awaitable);
  }
  --running_;
  auto size = value_size_;
  {
    const std::lock_guard lock(mutex_);
    log_[value.load].end = history_clock::now();
    if (const auto own = sizes_.find(key); own != sizes_.end()) size = own->second;
  }
  if (is_failing_) co_return http_response(500);
  co_return http_response(200, bytes(seal(value, size)));
}

}  // namespace weir::test
