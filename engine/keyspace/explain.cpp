#include "agreement/agreement.hpp"
#include "keyspace/keyspace_core.hpp"

namespace weir {
namespace {

std::string_view name(served_from from) {
  switch (from) {
    case served_from::memory:
      return "hit";
    case served_from::near:
      return "near hit";
    case served_from::load:
      return "loaded";
    case served_from::peer:
      return "peer";
  }
  return "?";
}

std::string bytes_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " byte" : " bytes");
}

std::string milliseconds_text(milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

}  // namespace

void keyspace_core::explain_place(std::string_view key, std::vector<explain_step>& steps) {
  const auto& id = context_->self.id;
  const auto route = context_->route.get();
  const auto slot = slot_of(options_.name(), key);
  const auto& owner = route->ring->owner(slot).id;
  const auto& gutter = route->ring->gutter(slot).id;
  steps.push_back({id, "asked", options_.name() + ", key of " + bytes_text(key.size()), {}});
  steps.push_back({
      id,
      "slot",
      std::to_string(slot) + ", owner " + owner + (owner == id ? " (this node)" : "") +
          (gutter == owner ? ", no gutter node" : ", gutter " + gutter),
      {},
  });
  if (const auto agreed = context_->agreed.lock()) {
    const auto lease = agreed->status();
    std::string state = lease.why;
    if (lease.is_valid) {
      state = lease.is_lone ? "none needed, a lone node"
                            : "valid, " + milliseconds_text(lease.left) + " left, " +
                                  std::to_string(lease.granted) + " of " +
                                  std::to_string(lease.members) + " members";
    }
    steps.push_back({id, "lease", std::move(state), {}});
  }
  steps.push_back({id, "near", owner == id ? "no: this node owns the key" : near_state(key), {}});
}

std::string keyspace_core::near_state(std::string_view key) {
  if (!held_.budgets().near_copy.is_on()) return "no near copies in this keyspace";
  const auto hash = held_.hash_of(key);
  const auto now = env().now();
  auto& s = held_.shard_of(hash);
  const std::lock_guard lock(s.mutex);
  const auto* held = s.table.find(key, hash);
  if (held == nullptr || held->kind != entry_kind::near_copy) return "no copy here";
  const auto age = std::chrono::duration_cast<milliseconds>(now - held->loaded_at);
  std::string out = "a copy, version " + to_string(version{held->epoch, held->seq}) + ", age " +
                    milliseconds_text(age);
  if (held_.serves_as_near(s, *held, now)) return out;
  if (held->expires <= now) return out + "; its time is over: asking the owner whether it changed";
  if (!held_.may_serve(now)) return out + "; not served: this node holds no lease";
  if (held->generation != s.near_generation)
    return out + "; changes may have been missed: asking the owner";
  return out + "; not served: its owner was not heard for 3 s, or the slot moved";
}

void keyspace_core::explain_answer(
    const result<lookup>& found, std::chrono::microseconds took, std::vector<explain_step>& steps
) {
  const auto& id = context_->self.id;
  if (!found) {
    steps.push_back({id, "answer", "error: " + found.error().message(), took});
    return;
  }
  const auto& entry = found->entry;
  const auto& from = entry.from;
  std::string detail = found->found ? bytes_text(entry.value.size()) + ", " : "not found, ";
  detail += name(from.from);
  if (!from.node.empty()) detail += " at " + from.node;
  if (from.collapsed) detail += ", joined a running load";
  detail += entry.version ? ", version " + to_string(entry.version) : ", no version";
  detail += ", age " + milliseconds_text(entry.age);
  detail += from.stored ? ", ttl " + milliseconds_text(entry.ttl) : ", not kept";
  steps.push_back({id, "answer", std::move(detail), took});
}

void keyspace_core::explain_flight(const flight& ended, const waiter& of) {
  const auto route = context_->route.get();
  const auto& owner = route->ring->owner(ended.slot).id;
  std::string what = of.has_joined ? "joined a running " : "started ";
  if (ended.kind == flight_kind::fetch) {
    what += of.has_joined ? "request to the owner " : "a request to the owner ";
    what += owner;
  } else {
    what += of.has_joined ? "load " : "the load ";
    what += ended.kind == flight_kind::owner ? "(owner)" : "(for unreachable owner " + owner + ")";
  }
  of.explain->steps.push_back({context_->self.id, "flight", std::move(what), {}});
  for (const auto& each : ended.steps) of.explain->steps.push_back(each);
}

}  // namespace weir
