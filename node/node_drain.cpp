#include "node_impl.hpp"

#include <algorithm>
#include <condition_variable>

namespace weir {
namespace {

using steady_clock = std::chrono::steady_clock;

constexpr milliseconds longest_goodbye{2000};    // for all peers to hear that this node goes
constexpr milliseconds longest_hand_over{5000};  // for the new owners to take the hottest entries
constexpr milliseconds longest_linger{2000};     // for clients and requests under way to notice

/// A flag that one thread sets and another waits for.
class event {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }

  void wait_until(steady_clock::time_point when) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, when, [this] { return is_set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};

}  // namespace

void node::drain(milliseconds longest, const std::function<void(std::size_t)>& closing) {
  auto expected = phase::started;
  if (!impl_->now.compare_exchange_strong(expected, phase::draining)) return stop();
  const auto end = steady_clock::now() + longest;
  impl_->hub->log(log_level::info, "node.draining", {{"at_most_ms", longest.count()}});
  const bool has_peers = impl_->network && impl_->core.ring()->size() > 1;
  const auto goodbye = has_peers ? std::min(longest / 5, longest_goodbye) : milliseconds(0);
  const auto linger_end = steady_clock::now() + std::min(longest / 10, longest_linger);
  std::size_t taken = 0;
  if (has_peers) {
    taken = impl_->hand_over(std::min(longest / 4, longest_hand_over));
    event().wait_until(linger_end);  // serving on while balancers learn it
  }
  if (closing) closing(taken);
  if (impl_->server) {
    const auto finished = std::make_shared<event>();
    impl_->server->drain(end - goodbye, [finished] { finished->set(); });
    finished->wait_until(end - goodbye);
  }
  if (impl_->options.discovery) impl_->options.discovery->leave();
  if (has_peers) {
    const auto told = std::make_shared<event>();
    impl_->core.leave(impl_->threads.now() + goodbye, [told] { told->set(); });
    told->wait_until(steady_clock::now() + goodbye);
  }
  stop();
}

std::size_t node::impl::hand_over(milliseconds longest) {
  const auto began = steady_clock::now();
  const auto ended = std::make_shared<event>();
  const auto taken = std::make_shared<std::atomic<std::size_t>>(0);
  core.hand_over(threads.now() + longest, [ended, taken](std::size_t count) {
    *taken = count;
    ended->set();
  });
  ended->wait_until(began + longest + milliseconds(200));
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
  hub->log(log_level::info, "node.handed_over", {{"entries", taken->load()}, {"ms", took.count()}});
  return *taken;
}

}  // namespace weir
