// Coroutines on an event loop whose stack has 256 KiB: completions never call one another without
// end.
#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <pthread.h>
#include <string>

namespace weir::test {
namespace {

constexpr std::size_t stack_size = 256 << 10;
constexpr int rounds = 100'000;
constexpr int waiting_loads = 20'000;

/// A runtime, but that everything runs on one loop of the test's own.
class one_loop final : public environment {
 public:
  explicit one_loop(asio::io_context& loop) : loop_(loop) {}

  time_point now() const noexcept override { return rest_.now(); }

  time_point coarse_now() const noexcept override { return rest_.coarse_now(); }

  std::uint64_t random() noexcept override { return rest_.random(); }

  std::uint64_t hash_seed() const noexcept override { return rest_.hash_seed(); }

  asio::any_io_executor executor() noexcept override { return loop_.get_executor(); }

  bool on_event_loop() const noexcept override { return true; }

  timer_id schedule(time_point when, completion<> callback) override {
    auto here = [this, callback = std::move(callback)]() mutable {
      asio::post(loop_, std::move(callback));
    };
    return rest_.schedule(when, std::move(here));
  }

  void cancel(timer_id timer) noexcept override { rest_.cancel(timer); }

  error_code run_blocking(completion<> work) override {
    return rest_.run_blocking(std::move(work));
  }

  void begin_wait() noexcept override {}

  void end_wait() noexcept override {}

 private:
  asio::io_context& loop_;
  runtime rest_{runtime_options{.threads = 1}};
};

class StackTest : public ::testing::Test {
 protected:
  ~StackTest() override { engine_.stop(); }

  keyspace add(std::function<asio::awaitable<result<bytes>>(std::string)> source) {
    return engine_.add_keyspace(
        {.name = "users",
         .ttl = std::chrono::hours(1),
         .max_memory = 1 << 20,
         .loads = {.concurrent = 1, .queue = 1'000'000, .timeout = std::chrono::minutes(5)},
         .writes = writes::allow},
        std::move(source)
    );
  }

  /// Runs what was spawned on a thread with a small stack until nothing is left to do.
  void run() {
    pthread_attr_t small;
    pthread_attr_init(&small);
    ASSERT_EQ(pthread_attr_setstacksize(&small, stack_size), 0);
    pthread_t thread;
    const auto body = [](void* self) -> void* {
      static_cast<StackTest*>(self)->loop_.run();
      return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, &small, body, this), 0);
    pthread_join(thread, nullptr);
    pthread_attr_destroy(&small);
  }

  asio::io_context loop_{1};
  one_loop env_{loop_};
  engine engine_{env_, identity{.cluster = "", .id = "n1"}};
};

asio::awaitable<result<bytes>> at_once(std::string key) {
  co_return bytes("value of " + key);
}

asio::awaitable<void> call_all(keyspace users, int& done) {
  for (int i = 0; i != rounds; ++i) {
    auto key = std::to_string(i);
    const auto got = co_await users.async_get(key);
    const auto put = co_await users.async_put(key, "x");
    const auto dropped = co_await users.async_invalidate(key);
    if (got && put && dropped) ++done;
  }
}

TEST_F(StackTest, ALoopOfCallsThatEndAtOnce) {
  const auto users = add(at_once);
  int done = 0;
  asio::co_spawn(loop_, call_all(users, done), asio::detached);
  run();
  EXPECT_EQ(done, rounds);
}

asio::awaitable<void> get_one(keyspace users, std::string key, int& done) {
  const get_options patient{.timeout = std::chrono::minutes(5)};
  if (co_await users.async_get(std::move(key), patient)) ++done;
}

TEST_F(StackTest, ManyLoadsThatWaitForOnePlace) {
  asio::steady_timer gate(loop_);
  gate.expires_at(asio::steady_timer::time_point::max());
  const auto first_waits = [&](std::string key) -> asio::awaitable<result<bytes>> {
    error_code woken;
    auto token = asio::redirect_error(asio::use_awaitable, woken);
    if (key == "0") co_await gate.async_wait(token);
    co_return bytes("value");
  };
  const auto users = add(first_waits);
  int done = 0;
  for (int i = 0; i != waiting_loads; ++i) {
    asio::co_spawn(loop_, get_one(users, std::to_string(i), done), asio::detached);
  }
  asio::post(loop_, [&] { gate.cancel(); });
  run();
  EXPECT_EQ(done, waiting_loads);
}

}  // namespace
}  // namespace weir::test
