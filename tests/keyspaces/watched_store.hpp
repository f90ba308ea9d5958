#pragma once

#include "engine/async/await.hpp"

#include <weir/engine/store.hpp>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::test {

/// A store in front of another one: counts, and fails as it is told to.
class watched_store final : public store {
 public:
  explicit watched_store(std::shared_ptr<store> inner) : inner_(std::move(inner)) {}

  /// What becomes of a write that is to fail.
  enum class fate { not_written, written };

  void fail_next_load(errc why) {
    const std::lock_guard lock(mutex_);
    load_faults_.push_back(why);
  }

  void fail_next_write(errc why, fate what = fate::not_written) {
    const std::lock_guard lock(mutex_);
    write_faults_.emplace_back(why, what);
  }

  /// From now on writes do not come back until release().
  void hold_writes() {
    const std::lock_guard lock(mutex_);
    is_holding_ = true;
  }

  void release() {
    std::vector<completion<result<void>>> held;
    {
      const std::lock_guard lock(mutex_);
      is_holding_ = false;
      held.swap(held_);
    }
    for (auto& each : held) std::move(each)(result<void>());
  }

  /// Called on an event loop before each write that reaches the inner store.
  void before_write(std::function<void(const std::string& key)> hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }

  int loads() const { return loads_; }

  int writes() const { return writes_; }

  entity_tags tags() const noexcept override { return inner_->tags(); }

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    ++loads_;
    if (const auto fault = take_load_fault()) co_return *fault;
    co_return co_await inner_->async_load(std::move(key), context);
  }

  asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) override {
    const auto fault = co_await begin_write(key);
    if (fault && fault->second == fate::not_written) co_return fault->first;
    auto answer = co_await inner_->async_put(std::move(key), std::move(value), condition, context);
    if (fault) co_return fault->first;
    co_return answer;
  }

  asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) override {
    const auto fault = co_await begin_write(key);
    if (fault && fault->second == fate::not_written) co_return fault->first;
    auto answer = co_await inner_->async_erase(std::move(key), condition, context);
    if (fault) co_return fault->first;
    co_return answer;
  }

 private:
  using write_fault = std::pair<errc, fate>;

  std::optional<errc> take_load_fault() {
    const std::lock_guard lock(mutex_);
    if (load_faults_.empty()) return std::nullopt;
    const auto fault = load_faults_.front();
    load_faults_.pop_front();
    return fault;
  }

  asio::awaitable<std::optional<write_fault>> begin_write(std::string key) {
    ++writes_;
    std::function<void(const std::string&)> hook;
    std::optional<write_fault> fault;
    {
      const std::lock_guard lock(mutex_);
      hook = hook_;
      if (!write_faults_.empty()) {
        fault = write_faults_.front();
        write_faults_.pop_front();
      }
    }
    if (hook) hook(key);
    auto wait = [this](completion<result<void>> over) {
      {
        const std::lock_guard lock(mutex_);
        if (is_holding_) {
          held_.push_back(std::move(over));
          return;
        }
      }
      std::move(over)(result<void>());
    };
    co_await await_result<void>(wait);
    co_return fault;
  }

  const std::shared_ptr<store> inner_;
  std::atomic<int> loads_{0}, writes_{0};
  std::mutex mutex_;  // guards the following
  bool is_holding_ = false;
  std::deque<errc> load_faults_;
  std::deque<write_fault> write_faults_;
  std::vector<completion<result<void>>> held_;
  std::function<void(const std::string&)> hook_;
};

}  // namespace weir::test
