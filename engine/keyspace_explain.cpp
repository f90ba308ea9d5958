#include "keyspace_core.hpp"

namespace weir {
namespace {

std::string_view name(served_from from) {
  switch (from) {
    case served_from::store: return "hit";
    case served_from::near: return "near hit";
    case served_from::load: return "loaded";
    case served_from::peer: return "peer";
  }
  return "?";
}

std::string milliseconds_text(milliseconds time) { return std::to_string(time.count()) + " ms"; }

}  // namespace

void keyspace_core::explain_place(std::string_view key, std::vector<explain_step>& steps) {
  const auto& id = context_->self.id;
  const auto route = context_->route.get();
  const auto slot = slot_of(options_.name, key);
  const auto& owner = route->ring->owner(slot).id;
  const auto& gutter = route->ring->gutter(slot).id;
  steps.push_back({id, "asked", options_.name + ", key of " + std::to_string(key.size()) + " bytes", {}});
  steps.push_back({
      id,
      "slot",
      std::to_string(slot) + ", owner " + owner + (owner == id ? " (this node)" : "") +
          (gutter == owner ? ", no gutter node" : ", gutter " + gutter),
      {},
  });
  steps.push_back({id, "near", "no near copies in this keyspace", {}});
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
  std::string detail = found->found ? std::to_string(entry.value.size()) + " bytes, " : "not found, ";
  detail += name(from.from);
  if (!from.node.empty()) detail += " at " + from.node;
  if (from.collapsed) detail += ", joined a running load";
  detail += entry.version ? ", version " + to_string(entry.version) : ", no version";
  detail += ", age " + milliseconds_text(entry.age);
  detail += from.stored ? ", ttl " + milliseconds_text(entry.ttl) : ", not kept";
  steps.push_back({id, "answer", std::move(detail), took});
}

void keyspace_core::explain_flight(const flight& ended, const waiter& of) {
  const char* kind = ended.kind == flight_kind::owner    ? " as owner"
                     : ended.kind == flight_kind::gutter ? " in the owner's place"
                                                         : " to another node";
  of.explain->steps.push_back(
      {context_->self.id, "flight", std::string(of.has_joined ? "joined one" : "led one") + kind, {}}
  );
  for (const auto& each : ended.steps) of.explain->steps.push_back(each);
}

}  // namespace weir
