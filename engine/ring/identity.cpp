#include <weir/engine/peer.hpp>

#include <stdexcept>

namespace weir {

namespace {

std::string wrong_name(const std::string& what, const std::string& given) {
  return what + " has " + std::to_string(given.size()) + " bytes; it must be 1 to " +
         std::to_string(max_name) + " of " + std::string(name_characters);
}

}  // namespace

std::string fault_of(const identity& who) {
  if (!is_name(who.id)) return wrong_name("node id", who.id);
  if (!who.cluster.empty() && !is_name(who.cluster)) {
    return wrong_name("cluster name", who.cluster);
  }
  if (who.weight < 1 || who.weight > max_weight) {
    return "node weight is " + std::to_string(who.weight) + "; it must be 1 to " +
           std::to_string(max_weight);
  }
  return check_ring(who.ring);
}

void check(const identity& who) {
  if (const auto fault = fault_of(who); !fault.empty()) throw std::invalid_argument(fault);
}

}  // namespace weir
