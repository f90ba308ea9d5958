#include "source/load_limiter.hpp"

#include <boost/asio/post.hpp>

#include <iterator>
#include <string>
#include <utility>

namespace weir {

void load_limiter::acquire(std::uint64_t batch, completion<result<void>> granted) {
  result<void> answer;
  {
    const std::lock_guard lock(mutex_);
    if (running_ < limits_.concurrent) {
      ++running_;
    } else if (stuck_ < limits_.concurrent && wait(batch, granted)) {
      return;
    } else {
      answer = refusal(batch);
    }
  }
  std::move(granted)(std::move(answer));
}

bool load_limiter::wait(std::uint64_t batch, load& granted) {
  if (batch == alone) {
    if (singles_.size() >= limits_.queue) return false;
    singles_.push_back(std::move(granted));
    return true;
  }
  if (batch_loads_ >= max_batch_loads) return false;
  auto [line, is_new] = lines_.try_emplace(batch);
  if (is_new) line->second = batches_.insert(batches_.end(), batch_line{batch, {}});
  line->second->loads.push_back(std::move(granted));
  ++batch_loads_;
  return true;
}

// One of the single loads, one of the batches: neither a long batch nor a long queue keeps the
// other waiting for its end.
load_limiter::load load_limiter::take_next() {
  const bool is_single = batches_.empty() || (!singles_.empty() && !is_turn_of_batches_);
  is_turn_of_batches_ = is_single;
  if (is_single) {
    auto next = std::move(singles_.front());
    singles_.pop_front();
    return next;
  }
  auto& line = batches_.front();
  auto next = std::move(line.loads.front());
  line.loads.pop_front();
  --batch_loads_;
  if (line.loads.empty()) {
    lines_.erase(line.batch);
    batches_.pop_front();
  } else {
    batches_.splice(batches_.end(), batches_, batches_.begin());
  }
  return next;
}

std::vector<load_limiter::load> load_limiter::take_all() {
  std::vector<load> all;
  const auto take = [&all](std::deque<load>& from) {
    std::move(from.begin(), from.end(), std::back_inserter(all));
    from.clear();
  };
  take(singles_);
  for (auto& line : batches_) take(line.loads);
  batches_.clear();
  lines_.clear();
  batch_loads_ = 0;
  return all;
}

error load_limiter::refusal(std::uint64_t batch) const {
  std::string why;
  if (stuck_ >= limits_.concurrent) {
    why = "all " + std::to_string(limits_.concurrent) +
          " calls of the source that loads.concurrent allows have outlived their time-out";
  } else if (batch == alone) {
    why = "loads.queue " + std::to_string(limits_.queue) + " is full";
  } else {
    why = std::to_string(max_batch_loads) + " keys of batches wait already";
  }
  return {errc::overloaded, error_context{.detail = std::move(why)}};
}

void load_limiter::release() {
  load next;
  {
    const std::lock_guard lock(mutex_);
    if ((singles_.empty() && batches_.empty()) || running_ > limits_.concurrent) {
      --running_;
      return;
    }
    next = take_next();
  }
  auto grant = [next = std::move(next)]() mutable { std::move(next)(result<void>()); };
  asio::post(env_.executor(), std::move(grant));
}

void load_limiter::set_limits(load_limits limits) {
  std::vector<load> granted;
  std::vector<load> refused;
  error why;
  {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
    const auto waits = [&] { return !singles_.empty() || !batches_.empty(); };
    for (; waits() && running_ < limits_.concurrent; ++running_) granted.push_back(take_next());
    if (stuck_ != 0 && stuck_ >= limits_.concurrent) {
      refused = take_all();
      why = refusal(alone);
    }
  }
  for (auto& each : granted) std::move(each)(result<void>());
  for (auto& each : refused) std::move(each)(why);
}

void load_limiter::call_is_stuck() {
  std::vector<load> refused;
  error why;
  {
    const std::lock_guard lock(mutex_);
    if (++stuck_ < limits_.concurrent) return;
    refused = take_all();
    why = refusal(alone);
  }
  for (auto& each : refused) std::move(each)(why);
}

void load_limiter::call_returned_late() {
  {
    const std::lock_guard lock(mutex_);
    --stuck_;
  }
  release();
}

void load_limiter::close(errc why) {
  std::vector<load> refused;
  {
    const std::lock_guard lock(mutex_);
    refused = take_all();
  }
  for (auto& each : refused) std::move(each)(why);
}

std::size_t load_limiter::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

std::size_t load_limiter::waiting() const {
  const std::lock_guard lock(mutex_);
  return singles_.size() + batch_loads_;
}

}  // namespace weir
