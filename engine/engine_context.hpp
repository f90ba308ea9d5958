#pragma once

#include "routing.hpp"

#include <weir/engine/environment.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/protocol_rules.hpp>

#include <functional>
#include <string>
#include <vector>

namespace weir {

/// What the keyspaces of one node share. Made by the engine, kept alive by each keyspace.
struct engine_context {
  environment& env;
  peer_network* network = nullptr;  ///< null on a lone node
  identity self;
  protocol_rules rules;
  std::uint64_t promises = 0;  ///< hash of the settings that all nodes must share, part of the view digest
  routing_cell route;
  slot_terms terms;
  std::uint64_t hash_seed = 0;     ///< copy of the environment's, for the hit path
  std::uint64_t gutter_epoch = 0;  ///< of every gutter copy of this process

  /// Tells the membership what another node takes for the members.
  std::function<void(const std::vector<member>&)> learn;
};

}  // namespace weir
