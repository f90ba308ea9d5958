// Records: changes that other nodes ordered, and those that the source tells of.

#include "keyspace/keyspace_core.hpp"

namespace weir {

void keyspace_core::apply_record(const change_record& record, milliseconds on_the_way) {
  if (!open()) return;
  if (record.key.empty()) {
    keyspace_counters::add(counters_.records);
    return drop_all();
  }
  const auto hash = held_.hash_of(record.key);
  const auto slot = slot_of(options_.name(), record.key);
  const auto& rules = context_->rules;
  auto& s = held_.shard_of(hash);
  entry_list garbage;
  bool has_replaced = false;
  auto pushed = make_pushed(record, hash, slot, on_the_way);
  {
    const std::lock_guard lock(s.mutex);
    const auto epoch = context_->terms.epoch_of(slot);
    if (pushed && !held_.is_newer_than_told(hash, pushed->loaded_at)) pushed.reset();
    if (record.version && record.version.epoch == epoch) return;  // this node ordered it
    auto* held = s.table.find(record.key, hash);
    const bool is_near = held != nullptr && held->kind == entry_kind::near_copy;
    const bool is_gutter = held != nullptr && held->kind == entry_kind::gutter;
    if (rules.records_reach_every_role) held_.overtake(s, record.key);
    if (is_near) {
      const bool is_known = rules.near_by_version && record.version &&
                            record.version.epoch == held->epoch && held->seq >= record.version.seq;
      if (is_known) return;
      has_replaced = pushed && held_.serves_as_near(s, *held, env().now());
      counters_.drop_near(near_drop::record);
      if (has_replaced) pushed->generation = s.near_generation;
      if (has_replaced) held_.cap_life(*pushed);
      s.table.erase(*held, garbage);
      if (has_replaced) s.table.insert(std::move(pushed), garbage);
    } else if (is_gutter ? rules.records_drop_gutter_copies : rules.records_reach_every_role) {
      held_.raise_fence(hash, ++s.seq);
      if (held != nullptr) s.table.erase(*held, garbage);
    }
  }
  keyspace_counters::add(counters_.invalidations);
  keyspace_counters::add(counters_.records);
  if (has_replaced) held_.make_room(entry_kind::near_copy, s);
}

// A change of the source is a record without an owner's version. An entry that is of the very
// revision that was told stays: most often it is this node's own write that comes back.
void keyspace_core::source_changed(const source_change& change, time_point now) {
  if (!open()) return;
  const auto hash = held_.hash_of(change.key);
  auto& s = held_.shard_of(hash);
  entry_list garbage;
  const std::lock_guard lock(s.mutex);
  held_.note_told(hash, now);
  held_.overtake(s, change.key);
  for (auto* write : s.writes) {
    if (write->key == change.key) write->tell(change.etag);
  }
  auto* held = s.table.find(change.key, hash);
  if (held != nullptr && !change.etag.empty() && held->seq > s.floor) {
    const auto& meta = held->meta();
    if (meta && meta->etag == change.etag) return;
  }
  held_.raise_fence(hash, ++s.seq);
  if (held == nullptr) return;
  if (held->kind == entry_kind::near_copy) counters_.drop_near(near_drop::record);
  s.table.erase(*held, garbage);
}

void keyspace_core::source_reset() {
  if (open()) held_.reset(env().now());
}

entry_table::entry_ptr keyspace_core::make_pushed(
    const change_record& record, std::uint64_t hash, std::uint16_t slot, milliseconds on_the_way
) {
  if (!record.version || record.ttl <= on_the_way || !held_.budgets().near_copy.is_on())
    return nullptr;
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
  return held_.budgets().near_copy.fits(made->charge) ? std::move(made) : nullptr;
}

}  // namespace weir
