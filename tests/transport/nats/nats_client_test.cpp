#include "tests/transport/nats/scripted_nats.hpp"

#include <weir/engine/runtime.hpp>
#include <weir/transport/nats_client.hpp>

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::scripted_nats;
using names = std::vector<std::string>;

class NatsClientTest : public testing::Test {
 protected:
  ~NatsClientTest() override {
    on_loop([this] { client_ = nullptr; });
  }

  nats_client_options options() const {
    return {.servers = {first_.url()}, .subject = "a.b", .first_pause = 10ms, .max_pause = 40ms};
  }

  void start(nats_client_options options) {
    on_loop([this, options] {
      nats_client::handlers call;
      call.up = [this] { note("up"); };
      call.down = [this] { note("down"); };
      call.failed = [this](nats_trouble why) { note("failed" + std::to_string(int(why))); };
      call.message = [this](std::string_view text) { note("message " + std::string(text)); };
      call.too_large = [this] { note("too large"); };
      client_ = std::make_unique<nats_client>(loop_, runtime_, options, std::move(call));
      client_->start();
    });
  }

  /// Runs `work` on the client's loop and waits for its end.
  void on_loop(const std::function<void()>& work) {
    bool is_done = false;
    asio::post(loop_, [&] {
      work();
      const std::lock_guard lock(mutex_);
      is_done = true;
      changed_.notify_all();
    });
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return is_done; });
  }

  void note(std::string what) {
    const std::lock_guard lock(mutex_);
    notes_.push_back(std::move(what));
    changed_.notify_all();
  }

  /// Waits until `what` happens, or finds that it has since the last one that was waited for.
  bool comes(const std::string& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] {
      const auto found = std::find(notes_.begin() + seen_, notes_.end(), what);
      if (found == notes_.end()) return false;
      seen_ = found - notes_.begin() + 1;
      return true;
    });
  }

  names notes() {
    const std::lock_guard lock(mutex_);
    return notes_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  names notes_;
  std::ptrdiff_t seen_ = 0;  ///< notes waited for so far
  scripted_nats first_, second_;
  runtime runtime_{{.threads = 1}};
  const asio::any_io_executor loop_ = runtime_.executor();
  std::unique_ptr<nats_client> client_;
};

TEST_F(NatsClientTest, PublishesAndHears) {
  start(options());
  ASSERT_TRUE(comes("up"));
  on_loop([&] { client_->publish("hello\r\nPING"); });
  EXPECT_TRUE(comes("message hello\r\nPING"));
  first_.send_message(std::string(1'025, 'x'));
  EXPECT_TRUE(comes("too large"));
}

TEST_F(NatsClientTest, AnswersThePingsOfTheServer) {
  start(options());
  ASSERT_TRUE(comes("up"));
  first_.send("PING\r\n");
  const auto until = std::chrono::steady_clock::now() + 10s;
  const auto has_pong = [&] { return first_.received().find("PONG\r\n") != std::string::npos; };
  while (!has_pong() && std::chrono::steady_clock::now() < until) first_.send_message("next");
  EXPECT_TRUE(has_pong());
}

TEST_F(NatsClientTest, LeavesAServerThatAnswersNoPing) {
  auto wanted = options();
  wanted.ping_interval = 50ms;
  start(wanted);
  ASSERT_TRUE(comes("up"));
  first_.answer_ping_with("");
  ASSERT_TRUE(comes("down"));
  first_.answer_ping_with("PONG\r\n");
  EXPECT_TRUE(comes("up"));
}

TEST_F(NatsClientTest, GoesToAServerThatTheFirstOneNamed) {
  const auto address = second_.url().substr(7);
  first_.greet_with("INFO {\"connect_urls\":[\"" + address + "\",\"bad\",\"\"]}\r\n");
  start(options());
  ASSERT_TRUE(comes("up"));
  first_.greet_with("GOODBYE\r\n");
  first_.send("GOODBYE\r\n");
  ASSERT_TRUE(comes("down"));
  ASSERT_TRUE(comes("up"));
  EXPECT_EQ(second_.connections(), 1);
}

TEST_F(NatsClientTest, ARoundThatFailsIsToldAndPausesGrow) {
  first_.greet_with("-ERR 'maximum connections exceeded'\r\n");
  start(options());
  ASSERT_TRUE(comes("failed3"));
  first_.greet_with(scripted_nats::usual_greeting());
  EXPECT_TRUE(comes("up"));
}

TEST_F(NatsClientTest, NothingIsToldAfterClose) {
  start(options());
  ASSERT_TRUE(comes("up"));
  on_loop([&] { client_->close(); });
  const auto before = notes();
  on_loop([&] { client_->publish("x"); });
  on_loop([] {});
  EXPECT_EQ(notes(), before);
}

TEST(NatsSubjectTest, IsWordsWithSingleDots) {
  for (const auto* good : {"a", "weir.demo.peers", "A-1_b.c"}) EXPECT_TRUE(is_nats_subject(good));
  for (const auto* bad :
       {"", ".a", "a.", "a..b", "a b", "a.*", "a.>", "a\r\n", "\xc3\xa4", "a\t"}) {
    EXPECT_FALSE(is_nats_subject(bad)) << bad;
  }
  EXPECT_FALSE(is_nats_subject(std::string(129, 'a')));
  EXPECT_FALSE(is_nats_subject(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace weir
