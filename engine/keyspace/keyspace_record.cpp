// Records: changes that other nodes ordered, and what happens when some may have been missed.

#include "keyspace/keyspace_core.hpp"
#include "keyspace/keyspace_counters.hpp"

namespace weir {

void keyspace_core::apply_record(const change_record& record, milliseconds on_the_way) {
  if (!open()) return;
  if (record.key.empty()) {
    counters::add(counters_->records);
    return apply_clear();
  }
  const auto hash = hash_of(record.key);
  const auto slot = slot_of(options_.name(), record.key);
  const auto& rules = context_->rules;
  auto& s = shard_of(hash);
  entry_list garbage;
  bool has_replaced = false;
  auto pushed = make_pushed(record, hash, slot, on_the_way);
  {
    const std::lock_guard lock(s.mutex);
    const auto epoch = context_->terms.epoch_of(slot);
    if (record.version && record.version.epoch == epoch) return;  // this node ordered it
    auto* held = s.table.find(record.key, hash);
    const bool is_near = held != nullptr && held->kind == entry_kind::near_copy;
    const bool is_gutter = held != nullptr && held->kind == entry_kind::gutter;
    if (rules.records_reach_every_role) overtake(s, record.key);
    if (is_near) {
      const bool is_known = rules.near_by_version && record.version &&
                            record.version.epoch == held->epoch && held->seq >= record.version.seq;
      if (is_known) return;
      has_replaced = pushed && serves_as_near(s, *held, env().now());
      counters_->drop_near(near_drop::record);
      if (has_replaced) pushed->generation = s.near_generation;
      if (has_replaced) cap_life(*pushed);
      s.table.erase(*held, garbage);
      if (has_replaced) s.table.insert(std::move(pushed), garbage);
    } else if (is_gutter ? rules.records_drop_gutter_copies : rules.records_reach_every_role) {
      raise_fence(hash, ++s.seq);
      if (held != nullptr) s.table.erase(*held, garbage);
    }
  }
  counters::add(counters_->invalidations);
  counters::add(counters_->records);
  if (has_replaced) make_room(entry_kind::near_copy, s);
}

entry_table::entry_ptr keyspace_core::make_pushed(
    const change_record& record, std::uint64_t hash, std::uint16_t slot, milliseconds on_the_way
) {
  if (!record.version || record.ttl <= on_the_way || !budgets_.near_copy.is_on()) return nullptr;
  const auto now = env().now();
  auto made = entry_table::make_entry({
      .key = record.key,
      .hash = hash,
      .value = record.value,
      .epoch = record.version.epoch,
      .seq = record.version.seq,
      .expires = now + record.ttl - on_the_way,
      .loaded_at = now - record.age - on_the_way,
      .slot = slot,
      .kind = entry_kind::near_copy,
  });
  return budgets_.near_copy.fits(made->charge) ? std::move(made) : nullptr;
}

void keyspace_core::distrust() {
  for (const auto& each : shards_) {
    entry_list garbage;
    const std::lock_guard lock(each->mutex);
    each->floor = ++each->seq;
    for (auto& [key, flights] : each->flights) overtake(*each, key);
    suspect_near(*each, garbage);
  }
}

// Suspect copies are served again once their owner has confirmed their version.
void keyspace_core::suspect_near(shard& s, entry_list& garbage) {
  if (s.table.count(entry_kind::near_copy) == 0) return;
  counters_->drop_near(near_drop::reset);
  if (++s.near_generation != 0) return;
  s.near_generation = 1;  // once in 65,536 times the old generations could be taken for new ones
  const auto is_near = [](const stored_entry& e) { return e.kind == entry_kind::near_copy; };
  s.table.sweep_all(is_near, garbage);
}

void keyspace_core::terms_begin(std::uint32_t gain) {
  for (const auto& each : shards_) {
    const std::lock_guard lock(each->mutex);
    each->seq_at_gain[gain % each->seq_at_gain.size()] = each->seq;
  }
}

}  // namespace weir
