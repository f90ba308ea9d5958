// What there is in a cluster: rings, owners and what the nodes see of each other.

#include "tests/sim/world/sim_cluster.hpp"

#include <weir/engine/slot.hpp>

#include <algorithm>

namespace weir::sim {

weir::keyspace cluster::keyspace(std::size_t node, const std::string& name) {
  return at(node).find_keyspace(name.empty() ? options_.keyspaces[0].name : name);
}

void cluster::add_ring() {
  std::vector<member> members;
  for (std::size_t i = 0; i != size(); ++i)
    if (is_known(i)) members.push_back({id_of(i), 0, 1, address_of(i)});
  rings_.emplace_back(now(), std::make_unique<weir::ring>(members, options_.engine.ring));
}

const weir::ring& cluster::ring_at(instant when) const {
  auto last = rings_.rbegin();
  while (last->first > when && last != std::prev(rings_.rend())) ++last;
  return *last->second;
}

std::uint16_t cluster::slot(const std::string& key, const std::string& keyspace) const {
  return slot_of(keyspace.empty() ? options_.keyspaces[0].name : keyspace, key);
}

std::size_t cluster::owner(const std::string& key, const std::string& keyspace, instant when)
    const {
  return std::stoul(ring_at(when).owner(slot(key, keyspace)).id.substr(1));
}

std::size_t cluster::gutter(const std::string& key, const std::string& keyspace, instant when)
    const {
  return std::stoul(ring_at(when).gutter(slot(key, keyspace)).id.substr(1));
}

std::string cluster::key_of(std::size_t node, int number) const {
  for (int i = 0;; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (owner(key) == node && number-- == 0) return key;
  }
}

std::string cluster::key_between(std::size_t owns, std::size_t stands_in) const {
  for (int i = 0;; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (owner(key) == owns && gutter(key) == stands_in) return key;
  }
}

std::size_t cluster::loads(const std::string& key) const {
  const auto& loads = source_.loads();
  return static_cast<std::size_t>(std::count_if(loads.begin(), loads.end(), [&](const auto& load) {
    return load.key == key;
  }));
}

bool cluster::reaches(std::size_t from, std::size_t node) const {
  if (!is_up(from)) return false;
  for (const member_status& m : nodes_[from].engine->members())
    if (m.id == id_of(node)) return m.state == member_state::reachable;
  return false;
}

std::uint64_t cluster::common_view() const {
  std::uint64_t common = 0;
  for (const node& n : nodes_) {
    if (n.engine == nullptr) continue;
    const std::uint64_t digest = n.engine->view_digest();
    if (common == 0) common = digest;
    if (digest != common) return 0;
  }
  return common;
}

}  // namespace weir::sim
