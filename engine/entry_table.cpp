#include "entry_table.hpp"

#include "lru_policy.hpp"

namespace weir {
namespace {

std::unique_ptr<eviction_policy> make_policy(eviction policy, hit_rule& rule) {
  switch (policy) {
    case eviction::lru:
      break;
  }
  return std::make_unique<lru_policy>(rule);
}

}  // namespace

entry_table::entry_table(store_budgets& budgets, eviction policy) : budgets_(budgets) {
  for (std::size_t kind = 0; kind != entry_kind_count; ++kind) {
    policies_[kind] = make_policy(policy, rules_[kind]);
  }
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
  const auto kind = static_cast<std::size_t>(taken->kind);
  index_.insert(*taken);
  policies_[kind]->on_insert(*taken);
  budget.take(taken->charge);
  ++counts_[kind];
  return taken;
}

void entry_table::reschedule(stored_entry& entry, time_point expires) {
  wheel_.erase(entry);
  entry.expires = expires;
  wheel_.insert(entry, entry.loaded_at);
}

entry_table::entry_ptr entry_table::detach(stored_entry& entry) noexcept {
  const auto kind = static_cast<std::size_t>(entry.kind);
  wheel_.erase(entry);
  policies_[kind]->on_erase(entry);
  index_.erase(entry);
  budgets_.of(entry.kind).give_back(entry.charge);
  --counts_[kind];
  return entry_ptr(&entry);
}

}  // namespace weir
