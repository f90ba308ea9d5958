#pragma once

#include <weir/engine/runtime.hpp>
#include <weir/transport/peer_link.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace weir::test {

using namespace std::chrono_literals;

/// A handler that does what it is told and remembers what it was told.
class scripted_handler : public peer_handler {
 public:
  using at_once_function = std::function<bool(const peer_request&, peer_reply&)>;
  using later_function = std::function<void(identity, peer_request, completion<peer_reply>)>;

  void at_once(at_once_function answer) {
    std::lock_guard lock(mutex_);
    at_once_ = std::move(answer);
  }

  void later(later_function serve) {
    std::lock_guard lock(mutex_);
    later_ = std::move(serve);
  }

  bool try_serve(const peer_request& request, peer_reply& reply) override {
    at_once_function answer;
    {
      std::lock_guard lock(mutex_);
      answer = at_once_;
    }
    return answer && answer(request, reply);
  }

  void says_loading() { is_loading_ = true; }

  void serve(
      identity from, peer_request request, completion<peer_reply> reply, completion<> loading
  ) override {
    if (is_loading_ && loading) std::move(loading)();
    later_function serve;
    {
      std::lock_guard lock(mutex_);
      serve = later_;
    }
    if (serve) return serve(std::move(from), std::move(request), std::move(reply));
    keep(std::move(reply));
  }

  void on_link_up(const std::string& address, const identity& peer) override {
    note("up " + address + " " + peer.id);
  }

  void on_link_down(const std::string& address, link_loss cause) override {
    const char* names[] = {"refused", "reset", "timeout", "rejected"};
    note("down " + address + " " + names[static_cast<int>(cause)]);
  }

  void on_peer_seen(const identity& peer) override { note("seen " + peer.id); }

  void on_id_conflict(const id_conflict& found) override {
    note((found.is_said_by_other ? "conflict " : "own conflict ") + found.text);
  }

  void note(std::string event) {
    std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }

  /// Waits until `event` has been noted `times` times; false after 10 s.
  bool saw(const std::string& event, int times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [&] {
      return std::count(events_.begin(), events_.end(), event) >= times;
    });
  }

  /// Whether `event` has been noted by now.
  bool noted(const std::string& event) {
    std::lock_guard lock(mutex_);
    return std::count(events_.begin(), events_.end(), event) > 0;
  }

  void keep(completion<peer_reply> reply) {
    std::lock_guard lock(mutex_);
    kept_.push_back(std::move(reply));
    events_.push_back("kept");
    changed_.notify_all();
  }

  /// Answers the oldest kept request.
  void answer_kept(peer_reply reply) {
    completion<peer_reply> first;
    {
      std::lock_guard lock(mutex_);
      first = std::move(kept_.front());
      kept_.pop_front();
    }
    std::move(first)(std::move(reply));
  }

 private:
  std::mutex mutex_;
  at_once_function at_once_;
  later_function later_;
  std::atomic<bool> is_loading_{false};
  std::condition_variable changed_;
  std::vector<std::string> events_;
  std::deque<completion<peer_reply>> kept_;
};

/// One node with its own event loops: a network, and a handler for it.
class peer_node {
 public:
  struct setup {
    std::string id = "n1";
    std::string cluster = "test";
    std::uint64_t incarnation = 1;
    std::string listen = "127.0.0.1:0";
    std::size_t threads = 1;
    peer_link_options options = {};
  };

  explicit peer_node(setup with) : runtime_({.threads = with.threads}) {
    with.options.log = [this](std::string_view event, peer_log_fields fields) {
      std::string line(event);
      for (auto& [name, value] : fields) line += ' ' + name + '=' + value;
      std::lock_guard lock(log_mutex_);
      log_.push_back(std::move(line));
      logged_.notify_all();
    };
    network_ = std::make_unique<peer_link_network>(runtime_, runtime_.loops(), with.options);
    address_ = network_->listen(with.listen).value();
    network_->start({with.cluster, with.id, with.incarnation, 1, address_}, handler);
  }

  ~peer_node() {
    network_.reset();
    runtime_.stop();
  }

  const std::string& address() const { return address_; }

  peer_link_network& network() { return *network_; }

  runtime& loops() { return runtime_; }

  /// Connects to `other` and waits for the link.
  void link_to(peer_node& other, const std::string& id) {
    network_->connect(other.address());
    ASSERT_TRUE(handler.saw("up " + other.address() + " " + id));
  }

  std::future<result<peer_reply>> ask(
      const std::string& address, request_body body, milliseconds timeout = 5s
  ) {
    auto promise = std::make_shared<std::promise<result<peer_reply>>>();
    auto done = [promise](result<peer_reply> reply) { promise->set_value(std::move(reply)); };
    peer_request request{7, timeout, std::move(body)};
    network_->call(address, std::move(request), runtime_.now() + timeout, std::move(done));
    return promise->get_future();
  }

  /// Waits for a remark that contains `text`; false after 10 s.
  bool logged(std::string_view text) {
    std::unique_lock lock(log_mutex_);
    return logged_.wait_for(lock, 10s, [&] {
      return std::any_of(log_.begin(), log_.end(), [&](const std::string& line) {
        return line.find(text) != std::string::npos;
      });
    });
  }

  /// How many lines have `text` by now.
  int count_logged(const std::string& text) {
    std::lock_guard lock(log_mutex_);
    return static_cast<int>(std::count_if(log_.begin(), log_.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    }));
  }

  scripted_handler handler;

 private:
  runtime runtime_;
  std::mutex log_mutex_;
  std::condition_variable logged_;
  std::vector<std::string> log_;
  std::unique_ptr<peer_link_network> network_;
  std::string address_;
};

inline get_request get_of(std::string key) {
  return get_request{"users", std::move(key)};
}

inline peer_reply hit(std::string value) {
  get_reply reply;
  reply.answer.found = true;
  reply.answer.entry.value = bytes(value);
  return {11, std::move(reply)};
}

/// The handler answers every get with its key.
inline void echo_keys(peer_node& node) {
  node.handler.at_once([](const peer_request& request, peer_reply& reply) {
    const auto* get = std::get_if<get_request>(&request.body);
    if (get == nullptr) return false;
    reply = hit(get->key);
    return true;
  });
}

inline std::string value_of(const result<peer_reply>& reply) {
  if (!reply) return "error " + std::string(name(reply.error()));
  return std::get<get_reply>(reply->body).answer.entry.value.text();
}

}  // namespace weir::test
