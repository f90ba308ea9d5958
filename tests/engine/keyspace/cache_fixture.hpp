#pragma once

#include <weir/engine/cache.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace weir::test {

using namespace std::chrono_literals;

/// A source under the test's control: counts calls per key, and holds them at a gate when told to.
class scripted_source : public blocking_source {
 public:
  result<loaded> load(std::string_view key, const load_context&) override {
    std::function<result<loaded>(std::string_view)> answer;
    {
      std::unique_lock lock(mutex_);
      ++calls_[std::string(key)];
      most_running_ = std::max(most_running_, ++running_);
      changed_.notify_all();
      changed_.wait(lock, [&] { return !is_held(key) || passes_ > 0; });
      if (is_held(key)) --passes_;
      answer = answer_;
    }

    struct leave {
      scripted_source* of;

      ~leave() {
        const std::lock_guard lock(of->mutex_);
        --of->running_;
        of->changed_.notify_all();
      }
    } const ended{this};

    if (answer) return answer(key);
    return loaded{.value = "value of " + std::string(key)};
  }

  void answer_with(std::function<result<loaded>(std::string_view)> answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }

  void answer_with(std::string value) {
    answer_with([value](std::string_view) { return loaded{.value = value}; });
  }

  /// From now on loads wait until open_gate() or let_one_pass(): all, or those of one key.
  void close_gate(std::string key = {}) {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    held_key_ = std::move(key);
  }

  void open_gate() {
    const std::lock_guard lock(mutex_);
    is_closed_ = false;
    changed_.notify_all();
  }

  void let_one_pass() {
    const std::lock_guard lock(mutex_);
    ++passes_;
    changed_.notify_all();
  }

  /// Waits until so many loads are inside the source.
  void wait_until_running(int count) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, 10s, [&] { return running_ == count; }))
        << running_ << " run";
  }

  int loads(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return calls_[key];
  }

  int most_running() {
    const std::lock_guard lock(mutex_);
    return most_running_;
  }

 private:
  bool is_held(std::string_view key) const {
    return is_closed_ && (held_key_.empty() || held_key_ == key);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<result<loaded>(std::string_view)> answer_;
  std::map<std::string, int> calls_;
  std::string held_key_;  // empty = all
  int running_ = 0;
  int most_running_ = 0;
  int passes_ = 0;
  bool is_closed_ = false;
};

/// One cache with one keyspace in front of a scripted source.
class CacheTest : public ::testing::Test {
 protected:
  void SetUp() override { use({.name = "users", .jitter = 0, .writes = writes::allow}); }

  void TearDown() override { source_->open_gate(); }

  void use(keyspace_options options) {
    const std::shared_ptr<data_source> source = source_;
    users_ = cache_.update_keyspace(std::move(options), source).keyspace;
  }

  /// The value, or the name of the error.
  std::string get(const std::string& key, get_options options = {}) {
    const auto found = users_.get(key, options);
    return found ? found->text() : std::string(name(found.error()));
  }

  std::future<std::string> get_later(const std::string& key, get_options options = {}) {
    return std::async(std::launch::async, [this, key, options] { return get(key, options); });
  }

  /// Waits until so many callers found nothing and wait for a load, their own or another's.
  void wait_until_missed(std::uint64_t count) { wait_until(&keyspace_stats::misses, count); }

  void wait_until_refused(std::uint64_t count) {
    wait_until(&keyspace_stats::refused_overloaded, count);
  }

  void wait_until_none_waits() {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (users_.stats().loads_waiting != 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      std::this_thread::yield();
    }
  }

  void wait_until(std::uint64_t keyspace_stats::*counter, std::uint64_t count) {
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (users_.stats().*counter < count) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
      std::this_thread::yield();
    }
  }

  std::shared_ptr<scripted_source> source_ = std::make_shared<scripted_source>();
  weir::cache cache_{cache_options{.runtime = {.threads = 1}}};
  keyspace users_;
};

}  // namespace weir::test
