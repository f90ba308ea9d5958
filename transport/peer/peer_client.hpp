#pragma once

#include "peer/peer_calls.hpp"
#include "peer/peer_connection.hpp"

#include <boost/asio/any_completion_executor.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// What is known of one address beyond a single connection. Counted on the loop of its dialler.
struct peer_history {
  tally answered, timed_out, lost;

  void met(const std::string& id) {
    const std::lock_guard lock(mutex_);
    id_ = id;
  }

  std::string last_id() const {
    const std::lock_guard lock(mutex_);
    return id_;
  }

 private:
  mutable std::mutex mutex_;
  std::string id_;
};

/// The dialling end of a connection: sends requests and hands each reply to its caller.
class peer_client final : public peer_connection {
 public:
  /// `on_end` is called once, on the loop, when the connection is over, also before it came up.
  using end_handler = std::function<void(const connection_end& why, bool was_up)>;

  peer_client(
      std::shared_ptr<peer_core> core,
      net_stream socket,
      std::string address,
      std::shared_ptr<peer_history> history,
      end_handler on_end
  );

  /// Queues one request. On an error nothing was sent and `done` is untouched. From any thread.
  error_code call(
      const peer_request& request,
      time_point now,
      time_point deadline,
      peer_callback& done,
      std::shared_ptr<call_watcher> watcher
  );

  /// Fails what is pending with errc::unavailable; the connection stays. From any thread.
  void abandon();

  peer_link_state state() const;

  std::pair<std::string, std::string> place() const override { return {"address", address_}; }

 private:
  struct answer {
    peer_callback done;
    result<peer_reply> reply;
  };

  struct delivery {
    asio::any_completion_executor to;
    std::vector<answer> answers;
  };

  void on_up() override;
  peer_fault on_message(const frame_message& message) override;
  peer_fault on_loading(std::uint64_t id);
  peer_fault on_unknown();
  void on_batch_end() override;

  bool may_read() override { return true; }

  void on_closed(const connection_end& why) override;

  void deliver(peer_callback done, result<peer_reply> reply);
  void deliver_all(std::vector<peer_callback> callbacks, errc why);
  void measure(time_point sent);
  void sweep();
  void close_if_silent(unsigned unheard, time_point now);

  std::string address_;
  std::shared_ptr<peer_history> history_;
  end_handler on_end_;
  asio::any_completion_executor loop_;
  asio::steady_timer sweep_timer_;
  bool sweeping_ = false;  // guarded by mutex_
  peer_calls calls_;       // guarded by mutex_
  bool was_up_ = false;
  unsigned unknown_replies_ = 0;
  unsigned unheard_pings_ = 0;  // that ran out since `silent_since_`
  time_point silent_since_;
  std::vector<delivery> elsewhere_;  // replies of this read whose callers live on other loops
  std::atomic<std::int64_t> rtt_ns_{0};
};

}  // namespace weir
