#pragma once

#include "tests/support/cluster/history.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir::test {

class versioned_origin;

enum class changes_of_a_key : std::uint8_t { one_by_one, at_once };

struct driver_options {
  std::vector<std::string> nodes;  ///< HTTP addresses, of node 1 first
  std::vector<std::string>
      sources;  ///< addresses it dials from in turn; empty = the system's choice
  double reads_per_second = 300;
  double changes_per_second = 15;
  std::size_t keys = 60;  ///< per keyspace
  double zipf = 0;        ///< exponent of the keys' popularity; 0 = the smaller of two drawn evenly
  std::vector<std::string> invalidated{"things"};  ///< keyspaces read and purged
  std::vector<std::string> written{"notes"};       ///< keyspaces also put to and removed from
  changes_of_a_key per_key = changes_of_a_key::one_by_one;
  std::chrono::milliseconds read_timeout{1500};
  std::chrono::milliseconds change_timeout{5000};
  std::uint64_t seed = 1;
  /// Whether a node, from 1, is asked, as a balancer sees it; empty = all are, always. Called on
  /// the driver's thread. While no node is, the first one is.
  std::function<bool(int)> is_asked = {};
};

/// An open loop of reads and changes over keep-alive connections to all nodes: a stalled request
/// holds back no later one. Each change is a write at the source first, then a PURGE, PUT or
/// DELETE; one change per key at a time, unless asked otherwise. Every request is recorded with
/// exactly one outcome.
class load_driver {
 public:
  /// Begins at once, on a thread of its own.
  load_driver(driver_options options, versioned_origin& origin);
  ~load_driver();

  /// Sends nothing new and waits until every request has its outcome. Once.
  history stop();

  /// Requests with an outcome so far that `matches`; for waiting on events.
  std::size_t count(bool (*matches)(const request_record&)) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace weir::test
