#pragma once

#include "tests/sim/world/sim_random.hpp"
#include "tests/sim/world/sim_scheduler.hpp"

#include <weir/engine/peer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

class sim_network;

/// What the wires do to messages. Calm by default: a fault plan sets rates and takes them back.
struct wire_faults {
  double loss = 0;  ///< of a message: most are sent again late, some vanish, some break the link
  double duplicate = 0;  ///< of a request: it is handled twice; only the first answer counts
  double tail = 0;  ///< of a message: it takes up to `tail_max` instead of about the link's mean
  duration tail_max = 1500ms;
};

/// What happens to the address of a node that went down.
enum class going_down {
  process,  ///< killed: the machine lives on, resets links and refuses connections
  machine,  ///< power loss: silence
};

struct fabric_counts {
  std::uint64_t messages = 0;
  std::uint64_t votes = 0;  ///< requests to vote among them
  /// Handlers that destroyed a reply without calling it, a bug: by position of the request in
  /// request_body.
  std::map<std::size_t, std::uint64_t> replies_dropped;
};

/// A node waited for the answer of another to a read, and nothing at all came from there.
struct silence {
  std::string asker;
  std::string silent;
  instant from{0};
  instant until{0};
};

/// Shorter ones are not noted: no read is hedged for them, by the fastest clock.
inline constexpr duration least_silence = 19ms;

/// The wires of one cluster: addresses, links between them, delays and cuts.
///
/// A link is a connection that one node dialled; requests go one way on it and replies the other.
/// Cuts act on the path between two addresses and direction: what is sent into a cut arrives after
/// it heals, or the link breaks after `user_timeout`, as TCP does it.
class fabric {
 public:
  using link_id = std::uint64_t;
  static constexpr duration connect_timeout = 1s;
  static constexpr duration user_timeout = 3s;

  fabric(scheduler& world, std::uint64_t seed);
  fabric(const fabric&) = delete;
  fabric& operator=(const fabric&) = delete;

  void set_faults(const wire_faults& faults) { faults_ = faults; }

  const wire_faults& faults() const noexcept { return faults_; }

  /// Mean one-way delay of all paths from now on; each gets its own around it.
  void set_mean_delay(duration mean);

  /// Nothing arrives at `to` that `from` sends, until heal().
  void cut(const std::string& from, const std::string& to) { cuts_.insert({from, to}); }

  void heal(const std::string& from, const std::string& to) { cuts_.erase({from, to}); }

  void heal() { cuts_.clear(); }

  bool is_cut(const std::string& from, const std::string& to) const {
    return cuts_.contains({from, to});
  }

  const fabric_counts& counts() const noexcept { return counts_; }

  /// Those that have ended, and those that last.
  std::vector<silence> silences() const;

  /// Calls `watcher` with every request when the node that it was sent to begins to serve it.
  void watch(std::function<void(const peer_request&)> watcher) { watcher_ = std::move(watcher); }

  // For sim_network only.
  void add(const std::string& address, sim_network& node);
  void remove(const std::string& address, going_down how);
  void dial(sim_network& from, const std::string& address, std::uint64_t attempt);
  void close(link_id link);
  void send_request(link_id link, std::uint64_t request, peer_request body);
  void send_reply(link_id link, std::uint64_t request, peer_reply body);
  void send_loading(link_id link, std::uint64_t request);

  void note_received(const peer_request& request) {
    if (watcher_) watcher_(request);
  }

  void note_dropped_reply(std::size_t kind) { ++counts_.replies_dropped[kind]; }

  bool is_open(link_id link) const { return links_.contains(link); }

  scheduler& world() noexcept { return world_; }

 private:
  enum class direction { to_server, to_client };

  struct link {
    std::string client;
    std::string server;
    owner_id client_owner;
    owner_id server_owner;
    identity client_identity;
    std::map<std::uint64_t, instant> reads;  // that the client waits for, when they were sent
    instant heard{0};                        // when anything reached the client last
  };

  struct parcel {
    link_id on;
    direction way;
    instant sent;
    action deliver;
  };

  duration delay(const std::string& from, const std::string& to);
  void send(link_id on, direction way, action deliver);
  void answer(link_id on, std::uint64_t request, action deliver);
  void note_answer(link_id on, std::uint64_t request);
  static std::optional<silence> silence_of(const link& of, instant now);
  void arrive(parcel carried);
  void arrive_syn(
      std::string client,
      owner_id client_owner,
      identity who,
      std::string address,
      std::uint64_t attempt
  );
  void answer_syn(
      const std::string& server, const std::string& client, owner_id client_owner, action answer
  );
  void break_link(link_id on, link_loss cause, duration noticed_after);
  sim_network* at(const std::string& address, owner_id owner) const;

  scheduler& world_;
  random_stream random_;
  wire_faults faults_;
  duration mean_delay_ = 300us;
  std::map<std::string, sim_network*> nodes_;
  std::set<std::string> dark_;
  std::set<std::pair<std::string, std::string>> cuts_;
  std::map<std::pair<std::string, std::string>, duration> path_delay_;
  std::vector<silence> silences_;
  std::map<link_id, link> links_;
  link_id last_link_ = 0;
  fabric_counts counts_;
  std::function<void(const peer_request&)> watcher_;
};

}  // namespace weir::sim
