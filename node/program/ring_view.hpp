#pragma once

#include "program/node_client.hpp"

#include <weir/engine/ring.hpp>

#include <boost/json/value.hpp>

#include <map>
#include <string>
#include <vector>

namespace weir {

/// A ring as a node describes it, to be built again here.
struct ring_view {
  std::vector<member> members;
  ring_settings settings;
  std::map<std::string, std::string> states =
      {};  ///< "reachable", by id; unknown of simulated ones

  /// The same ring as that of the node: it is a pure function of both.
  ring build() const { return ring(members, settings); }
};

/// Reads what /cluster/ring answers; a failure when no ring can be built from it.
boost::system::result<ring_view, command_failure> read_ring(const boost::json::value& document);

/// The ring after "add=ID", "add=ID*WEIGHT" or "remove=ID".
boost::system::result<ring_view, command_failure> simulated(
    const ring_view& now, const std::string& change
);

}  // namespace weir
