#pragma once

#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_feed.hpp"
#include "tests/sim/world/sim_random.hpp"
#include "tests/sim/world/sim_scheduler.hpp"

#include <weir/engine/data_source.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir::sim {

/// How the database behind the cluster behaves. Probabilities are per load.
struct source_habits {
  duration mean_time = 5ms;
  duration longest_time = 200ms;
  double errors = 0;           ///< answers an error
  double throws = 0;           ///< throws; half of it something that is no std::exception
  double hangs = 0;            ///< answers only after `hang_time`
  double too_much = 0;         ///< answers more than a keyspace takes
  double most_per_second = 0;  ///< loads; what comes beyond is answered with an error. 0 = no limit
  duration hang_time = 8s;
  double absent = 0;        ///< of all versions of all keys: "not found"
  double large_values = 0;  ///< of the values: `large_size` bytes more
  std::size_t large_size = 4096;
  std::size_t too_much_size = 2u << 20;
};

enum class load_end : std::uint8_t { running, value, absent, failed, too_much, died };

/// One call of the source.
struct load_record {
  std::uint64_t number = 0;
  std::size_t node = 0;
  owner_id incarnation = 0;
  std::string keyspace;
  std::string key;
  instant begun{0};
  instant ended{0};  ///< when the node had the answer; still running: 0
  load_end end = load_end::running;
  std::uint64_t version = 0;
};

/// One change of the database; the version before the first is 1.
struct write_record {
  instant when;
  std::uint64_t version;
};

/// The database: a version per key, loads that take time and sometimes fail, and the log of it all.
/// A load reads the version at a drawn moment between its begin and its end.
class source_world {
 public:
  source_world(scheduler& world, std::uint64_t seed);
  source_world(const source_world&) = delete;
  source_world& operator=(const source_world&) = delete;

  /// `absent` must stay as it was once the simulation runs.
  void set_habits(const source_habits& habits) { habits_ = habits; }

  const source_habits& habits() const noexcept { return habits_; }

  /// Calls `watcher` with the node whenever a load begins.
  void watch(std::function<void(std::size_t)> watcher) { watcher_ = std::move(watcher); }

  /// The data source of one keyspace as one node calls it. Lives no longer than `env`.
  std::shared_ptr<data_source> at(std::size_t node, sim_environment& env, std::string keyspace);

  /// Changes the value of a key; returns its new version.
  std::uint64_t write(const std::string& keyspace, const std::string& key);

  std::uint64_t version(const std::string& keyspace, const std::string& key) const;

  /// The version that a key had at `when`.
  std::uint64_t version_at(const std::string& keyspace, const std::string& key, instant when) const;

  /// True when that version of the key is "there is none".
  bool is_absent(const std::string& keyspace, const std::string& key, std::uint64_t version) const;

  /// How it tells of its changes.
  feed_board& feeds() noexcept { return feeds_; }

  const feed_board& feeds() const noexcept { return feeds_; }

  const std::vector<load_record>& loads() const noexcept { return loads_; }

 private:
  friend class node_source;
  using row = std::pair<std::string, std::string>;

  struct plan {
    std::size_t load;  // index
    instant ready;
    bool fails;
    bool throws;
    bool too_much;
  };

  bool has_room();
  plan begin(std::size_t node, owner_id incarnation, std::string keyspace, std::string key);
  result<loaded> answer(const plan& of);
  void end(std::size_t load, load_end how);

  scheduler& world_;
  random_stream random_;
  const std::uint64_t absent_seed_;
  source_habits habits_;
  feed_board feeds_;
  std::map<row, std::vector<write_record>> writes_;
  std::vector<load_record> loads_;
  double room_ = 0;  // loads that may begin now, of most_per_second
  instant room_at_{0};
  std::function<void(std::size_t)> watcher_;
};

}  // namespace weir::sim
