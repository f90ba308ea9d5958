#pragma once

#include "tests/support/cluster/fault_proxy.hpp"
#include "tests/support/cluster/history.hpp"
#include "tests/support/cluster/net_space.hpp"
#include "tests/support/cluster/node_process.hpp"
#include "tests/support/cluster/versioned_origin.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/waiting.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::test {

enum class links : std::uint8_t {
  direct,   ///< nodes dial each other
  proxied,  ///< each node dials each other one through a fault_proxy of that pair
};

inline std::ostream& operator<<(std::ostream& out, links of) {
  return out << (of == links::direct ? "direct" : "proxied");
}

/// How packets of a cut are refused.
enum class cut_by : std::uint8_t {
  drop,   ///< nobody hears anything
  reset,  ///< who sends gets a TCP reset
};

struct cluster_options {
  int nodes = 3;
  links via = links::direct;
  std::string keyspaces;  ///< YAML list items; "{origin}" is replaced by the source's address
  std::vector<std::string> environment = {};  ///< of every node, "NAME=value"
  std::size_t value_size = 100;
  std::uint64_t seed = 1;
};

/// Real nodes n1, n2, ... on one machine, each in a network namespace of its own on one bridge,
/// with the source and the driver beside them. Nodes and pairs of nodes are named by number,
/// from 1.
///
/// All of it, rules, bridges and processes, goes with this object or with the test's process.
/// Used on the test's main thread, after enter_private_network().
class process_cluster {
 public:
  explicit process_cluster(cluster_options options);
  ~process_cluster();

  int size() const { return options_.nodes; }

  node_process& node(int number) { return *parts_.at(index(number)).process; }

  versioned_origin& origin() { return *origin_; }

  /// "10.99.0.1:7421"
  std::string http_address(int number) const;
  std::vector<std::string> http_addresses() const;

  /// YAML that turns near copies on, where the program knows them.
  static std::string near_copies();

  /// Addresses that clients may dial from, as a node limits the connections of one address.
  static std::vector<std::string> client_addresses();

  /// The link that `from` dialled to `to`; links::proxied only.
  fault_proxy& link(int from, int to) { return *links_.at({from, to}); }

  void kill(int number);
  void drain(int number);    ///< SIGTERM; returns when it has ended
  void restart(int number);  ///< after kill() or drain(); returns when it answers
  void freeze(int number);
  void thaw(int number);

  /// Packets of `from` no longer reach `to`.
  void cut(int from, int to, cut_by how = cut_by::drop);
  void cut_both(int one, int other, cut_by how = cut_by::drop);

  /// That share of the packets from `from` to `to` gets lost.
  void lose(int from, int to, double share);

  /// The node's own link carries so many bits per second, with a queue of 100 ms, in each
  /// direction.
  void narrow(int number, std::uint64_t bits_per_second);

  /// Removes all cuts and losses of all nodes.
  void mend();

  /// When nodes were killed or frozen, for the history.
  std::map<int, std::vector<time_span>> down() const;

  /// Asks a node for JSON or text, `/cluster/members`; empty if it does not answer within 2 s.
  std::string ask(int number, const std::string& path) const;

  /// True when the node takes so many members, itself included, for reachable.
  bool sees(int number, int reachable) const;

  /// True when every member has slots, as the node sees it.
  bool has_whole_ring(int number) const;

  /// True when the node runs for so long that no grant of a former life of it counts.
  bool is_old(int number) const;

  /// How many requests of this node others have answered, heartbeats among them.
  double answers_of_peers(int number) const;

  /// Until every node is reachable for every node, has slots, had the time to settle, and confirms a
  /// change, and serves from its cache.
  bool wait_until_whole(std::chrono::milliseconds limit = std::chrono::seconds(30));

  /// The ends of all logs, for a failed test.
  std::string logs() const;

 private:
  struct part {
    std::unique_ptr<net_space> space;
    std::unique_ptr<node_process> process;
    std::vector<time_span> down;
  };

  static std::size_t index(int number) { return static_cast<std::size_t>(number - 1); }

  void build_network();
  void build_links();
  std::string configuration(int number) const;
  std::string address_towards(int other) const;
  void filter(int at, const std::string& rule);

  const cluster_options options_;
  scratch_folder folder_;
  std::vector<part> parts_;
  std::unique_ptr<versioned_origin> origin_;
  struct proxy_loop;
  std::unique_ptr<proxy_loop> loop_;
  std::map<std::pair<int, int>, std::unique_ptr<fault_proxy>> links_;
  int probe_ = 0;
};

}  // namespace weir::test
