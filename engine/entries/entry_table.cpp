#include "entries/entry_table.hpp"

namespace weir {

entry_table::entry_table(entry_budgets& budgets, policy_maker make) : budgets_(budgets) {
  for (std::size_t lane = 0; lane != lane_count; ++lane) policies_[lane] = make(rules_[lane]);
}

entry_table::~entry_table() {
  for (std::size_t i = 0; i != index_.group_count(); ++i) {
    index_.visit_group(i, [&](stored_entry& entry) { const auto gone = detach(entry); });
  }
}

stored_entry* entry_table::insert(entry_ptr&& entry, entry_list& garbage) {
  auto& budget = budgets_.of(entry->kind);
  if (!budget.fits(entry->charge)) return nullptr;
  index_.reserve_one();
  wheel_.insert(*entry, entry->loaded_at);
  if (auto* same = find(entry->key(), entry->hash)) erase(*same, garbage);

  auto* const taken = entry.release();
  const auto lane = lane_of(*taken);
  index_.insert(*taken);
  policies_[lane]->on_insert(*taken);
  budget.take(taken->charge);
  if (taken->is_absent) budget.take_absent(taken->charge);
  ++counts_[lane];
  return taken;
}

// With one entry in each lane the older one goes: the other was inserted just now.
stored_entry* entry_table::victim_of(entry_kind kind, std::size_t leave) noexcept {
  const auto& budget = budgets_.of(kind);
  const auto values = values_of(kind);
  const auto absent = absent_of(kind);
  if (budget.is_absent_exceeded() && counts_[absent] > leave) return policies_[absent]->victim();
  if (!budget.is_exceeded()) return nullptr;
  if (counts_[values] > leave) return policies_[values]->victim();
  if (counts_[absent] > leave) return policies_[absent]->victim();
  auto* value = policies_[values]->victim();
  auto* none = policies_[absent]->victim();
  if (value == nullptr || none == nullptr) return value != nullptr ? value : none;
  return value->loaded_at < none->loaded_at ? value : none;
}

void entry_table::reschedule(stored_entry& entry, time_point expires) {
  wheel_.erase(entry);
  entry.expires = expires;
  wheel_.insert(entry, entry.loaded_at);
}

entry_table::entry_ptr entry_table::detach(stored_entry& entry) noexcept {
  const auto lane = lane_of(entry);
  auto& budget = budgets_.of(entry.kind);
  wheel_.erase(entry);
  policies_[lane]->on_erase(entry);
  index_.erase(entry);
  budget.give_back(entry.charge);
  if (entry.is_absent) budget.give_back_absent(entry.charge);
  --counts_[lane];
  return entry_ptr(&entry);
}

}  // namespace weir
