#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/peer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace weir {

/// What differs between two lists that are sorted by name, by keyspace and field. Of a list that is
/// full only the names up to its last one are compared. Pure.
std::vector<setting_difference> differences_of(
    const keyspace_settings_list& here, const keyspace_settings_list& there
);

/// The same on every platform and build.
std::uint64_t digest_of(const keyspace_settings_list& all);

/// Compares this node's keyspace settings with those of the others, as heartbeats tell them: a
/// digest each time, the list once after each change. It only warns. Thread-safe.
class settings_drift {
 public:
  /// What this node has now.
  void set_own(keyspace_settings_list own);

  /// For a heartbeat to `peer`: the digest that it is known to have, else this node's own.
  std::uint64_t known_of(const std::string& peer) const;

  /// Fills in what a heartbeat's answer says of this node to one that knew `known` of it.
  void tell(std::uint64_t known, ping_reply& pong) const;

  /// Takes what `peer` answered.
  void take(const std::string& peer, const ping_reply& pong, time_point now);

  /// What to log: each difference that has lasted, once, and that all of a peer's are over. Forgets
  /// peers that are not in `peers`.
  std::vector<cluster_event> news(const std::set<std::string>& peers, time_point now);

  config_state state_of(const std::string& peer) const;
  std::vector<setting_difference> differences_to(const std::string& peer) const;

 private:
  struct lasting {
    setting_difference what;
    time_point since;
    bool is_told = false;
  };

  struct known_peer {
    std::uint64_t digest = 0;
    std::shared_ptr<const keyspace_settings_list> list;
    std::vector<lasting> differences;
    bool is_told_of = false;  ///< something was logged, and is not over
  };

  void compare(known_peer& with, time_point now) const;

  mutable std::mutex mutex_;
  std::shared_ptr<const keyspace_settings_list> own_ =
      std::make_shared<const keyspace_settings_list>();
  std::uint64_t digest_ = digest_of({});
  bool has_changed_ = false;  ///< since the peers were compared
  std::map<std::string, known_peer> peers_;
};

}  // namespace weir
