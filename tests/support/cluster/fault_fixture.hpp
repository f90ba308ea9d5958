#pragma once

#include "tests/support/cluster/history_check.hpp"
#include "tests/support/cluster/http_exchange.hpp"
#include "tests/support/cluster/load_driver.hpp"
#include "tests/support/cluster/process_cluster.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir::test {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

/// Lease, probes and bounds of the product, doubled for a machine that others use.
constexpr milliseconds lease_and_rounds = 2 * 3500ms;
constexpr milliseconds routed_away = 2 * 3700ms;
constexpr milliseconds recovered = 20s;

/// What a read of the test saw.
struct seen_value {
  int status = 0;
  std::uint64_t version = 0;
  bool is_cached = false;
  history_clock::duration took{0};
};

/// Several requests that were sent and whose answers are still to come.
using answers = std::vector<std::future<http_answer>>;

/// A cluster of real nodes with keyspaces things (60 s, near copies), brief (2 s) and notes
/// (writes allowed), skipped where network namespaces are not permitted.
class FaultTest : public ::testing::Test {
 protected:
  void SetUp() override;

  /// Starts the nodes; throws with their logs if they do not become whole.
  void start(cluster_options options = {});
  void start_unready(cluster_options options);

  process_cluster& nodes() { return *cluster_; }

  versioned_origin& origin() { return cluster_->origin(); }

  /// The n-th key of a keyspace that this node owns, "things/k12".
  std::string key_of(int owner, int n = 0, const std::string& keyspace = "things") const;

  seen_value read(int node, const std::string& key, milliseconds timeout = 3s) const;

  /// Writes the key at the source, then PURGEs it; returns the answer and the new version.
  std::pair<http_answer, std::uint64_t> change(
      int node, const std::string& key, milliseconds timeout = 8s
  );

  /// The same request to the same node so many times at once, each on its own connection.
  answers ask_at_once(int node, const std::string& key, std::size_t count, milliseconds timeout)
      const;

  static seen_value value_of(const http_answer& answer);

  /// Reads the key on every node until each serves it from its cache.
  void warm(const std::vector<std::string>& keys);

  /// A load in the background whose history is checked by end_load().
  void begin_load(driver_options options = {});
  void begin_fault(const std::string& kind);
  void end_fault();

  /// Ends the load, prints its figures and fails on any broken promise.
  figures end_load();

  load_driver& load() { return *driver_; }

  /// The digest of the ring as a node sees it.
  std::string digest(int node) const;
  bool agree_on_ring(const std::vector<int>& nodes) const;

  /// A member's field in `/cluster/members` of a node: "incarnation" of n3.
  std::string member_field(int node, int member, const std::string& field) const;

  /// How often the logs of all nodes name an event, "lease.lost".
  std::size_t logged(const std::string& event) const;

  static void pass(milliseconds time);

 private:
  std::string keyspaces() const;

  std::unique_ptr<process_cluster> cluster_;
  std::unique_ptr<load_driver> driver_;
  std::vector<fault_record> faults_;
};

}  // namespace weir::test
