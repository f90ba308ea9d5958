#pragma once

#include "agreement/hedge_line.hpp"
#include "agreement/member_links.hpp"

#include <weir/engine/membership.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/stats.hpp>
#include <weir/engine/view.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

/// A read, or the part of a batch, that waits for one peer. Owned by the completion of its call.
class waiting_read : public hedge_line::read,
                     public call_watcher,
                     public std::enable_shared_from_this<waiting_read> {
 public:
  /// The peer is silent: asks the gutter node too. At most once, on an event loop.
  virtual void hedge() = 0;
};

/// What the peers of one node share: the settings, the counts and the way to the network.
struct hedge_world {
  hedge_world(environment& world, const hedge_options& wanted, const protocol_rules& kept)
      : env(world), options(wanted), rules(kept) {}

  environment& env;
  const hedge_options options;
  const protocol_rules rules;
  std::atomic<peer_network*> network{nullptr};  ///< null before join() and after stop()
  std::weak_ptr<const member_links> listeners;

  std::atomic<std::uint64_t> sent{0}, won{0}, lost{0}, refused{0}, redirected{0}, suspicions{0};
};

/// The reads of this node that wait for one peer, and the timer after which they ask another node.
///
/// Thread-safe. A read is begun before it is sent and ended once by its owner.
class hedged_peer : public std::enable_shared_from_this<hedged_peer> {
 public:
  hedged_peer(std::shared_ptr<hedge_world> world, std::string id);

  void move_to(const std::string& address);

  void begin(waiting_read& sent, time_point now);
  void told(waiting_read& of, time_point now);
  void end(waiting_read& of, time_point now, hedge_line::ending how);

  /// Whether reads go elsewhere at once. A peer that was heard meanwhile is no longer suspect.
  bool is_suspect();

  /// The same, as it was last judged.
  bool was_suspect() const noexcept { return is_suspect_.load(std::memory_order_acquire); }

 private:
  void arm(time_point when);
  void look();
  void tell(hedge_line::news what);
  time_point heard() const;

  const std::shared_ptr<hedge_world> world_;
  const std::string id_;
  mutable std::mutex mutex_;
  std::string address_;                  // guarded by mutex_
  hedge_line line_;                      // guarded by mutex_
  std::atomic<bool> is_suspect_{false};  // as line_ says
  time_point told_at_{};                 // of the latest suspicion that was told; guarded by mutex_
  bool is_told_ = false;                 // and not taken back; guarded by mutex_
};

/// The peers of one node, by id.
class hedge_table {
 public:
  hedge_table(environment& env, const hedge_options& options, const protocol_rules& rules);

  bool is_on() const noexcept { return world_->options.after != timespan(milliseconds(0)); }

  /// Call it before any read begins.
  void start(peer_network& network, std::weak_ptr<const member_links> listeners);

  /// From now on no read is hedged.
  void stop() noexcept { world_->network = nullptr; }

  /// One for each of the members, in their order; null for this node itself. Forgets all others.
  std::vector<std::shared_ptr<hedged_peer>> peers_of(
      const std::vector<member>& members, std::uint16_t self
  );

  hedge_world& counts() noexcept { return *world_; }

  hedge_stats stats() const;

 private:
  const std::shared_ptr<hedge_world> world_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<hedged_peer>> peers_;  // guarded by mutex_
};

}  // namespace weir
