#include "async/key_turns.hpp"

#include <boost/asio/post.hpp>

#include <string>
#include <utility>

namespace weir {

void key_turns::acquire(std::string_view key, completion<result<void>> granted) {
  result<void> answer;
  {
    const std::lock_guard lock(mutex_);
    const auto [held, is_free] = held_.try_emplace(std::string(key));
    if (!is_free) {
      if (held->second.size() < max_waiting) {
        held->second.push_back(std::move(granted));
        return;
      }
      answer = error(
          errc::overloaded,
          {.detail = std::to_string(max_waiting) + " changes of this key wait already"}
      );
    }
  }
  std::move(granted)(answer);
}

void key_turns::release(environment& env, std::string_view key) {
  completion<result<void>> next;
  {
    const std::lock_guard lock(mutex_);
    const auto held = held_.find(key);
    if (held == held_.end()) return;
    if (held->second.empty()) {
      held_.erase(held);
      return;
    }
    next = std::move(held->second.front());
    held->second.erase(held->second.begin());
  }
  auto grant = [next = std::move(next)]() mutable { std::move(next)(result<void>()); };
  asio::post(env.executor(), std::move(grant));
}

std::size_t key_turns::size() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}

}  // namespace weir
