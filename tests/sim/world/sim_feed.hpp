#pragma once

#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_random.hpp"

#include <weir/engine/change_feed.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir::sim {

/// How the database tells of its changes: each connection lags by a time of its own, tells in order,
/// and ends after a while, with a word or without. What was under way then is lost.
struct feed_habits {
  duration calm_lag = 300ms;
  duration worst_lag = 4s;
  double slow = 0.2;  ///< share of connections that lag by more than calm_lag
  duration mean_life = 6s;
  duration longest_life = 30s;
  double silent = 0.4;  ///< share of those that end without a word
};

/// What a node was told, for whoever judges it.
struct feed_watcher {
  std::function<void(owner_id, const std::string& keyspace, const std::string& key, instant made)>
      told;
  std::function<void(owner_id, const std::string& keyspace)> reset;
};

/// The connections by which the database tells its changes to the nodes.
class feed_board {
 public:
  explicit feed_board(std::uint64_t seed) : random_(seed, 0xfeed) {}

  feed_board(const feed_board&) = delete;
  feed_board& operator=(const feed_board&) = delete;

  /// From now on changes of that keyspace are told.
  void tell(std::string keyspace, feed_habits habits) {
    keyspace_ = std::move(keyspace);
    habits_ = habits;
  }

  bool is_told(const std::string& keyspace) const noexcept { return keyspace == keyspace_; }

  void watch(feed_watcher watcher) { watcher_ = std::move(watcher); }

  /// Null where nothing is told.
  std::shared_ptr<change_feed> at(sim_environment& env, const std::string& keyspace);

  /// The database has just changed the key.
  void changed(const std::string& keyspace, const std::string& key);

 private:
  friend class node_feed;

  random_stream random_;
  std::string keyspace_;  // empty: none is
  feed_habits habits_;
  feed_watcher watcher_;
  std::vector<class node_feed*> feeds_;
};

}  // namespace weir::sim
