// Near copies: what this node may keep of other nodes' keys (rules N1-N3).

#include "keyspace/keyspace_core.hpp"

namespace weir {

version keyspace_core::near_version(const flight& f) {
  if (!held_.budgets().near_copy.is_on() || f.from == read_from::source) return {};
  auto& s = held_.shard_of(f.hash);
  const std::lock_guard lock(s.mutex);
  const auto* held = s.table.find(f.key, f.hash);
  if (held == nullptr || held->kind != entry_kind::near_copy) return {};
  return {held->epoch, held->seq};
}

void keyspace_core::keep_near(
    flight& f,
    const std::shared_ptr<const routing>& route,
    const std::string& owner,
    const get_reply& reply
) {
  const auto& got = reply.answer.entry;
  if (!held_.budgets().near_copy.is_on() || !got.version) return;
  drop_older_near(f, got.version);
  if (!reply.is_leased || got.ttl <= milliseconds(0) || !held_.is_wanted_again(f.hash)) return;
  const auto now = env().now();
  auto made = entry_table::make_entry({
      .key = f.key,
      .hash = f.hash,
      .value = got.value,
      .meta = got.meta,
      .epoch = got.version.epoch,
      .seq = got.version.seq,
      .expires = now + got.ttl,
      .loaded_at = now - got.age,
      .slot = f.slot,
      .kind = entry_kind::near_copy,
      .is_absent = !reply.answer.found,
  });
  if (!held_.budgets().near_copy.fits(made->charge)) return;
  auto& s = held_.shard_of(f.hash);
  entry_list garbage;
  {
    const std::lock_guard lock(s.mutex);
    if (!may_keep_near(f, route, owner, got.version.epoch, made->loaded_at)) return;
    const auto* held = s.table.find(f.key, f.hash);
    const bool is_newer = held != nullptr && held->kind == entry_kind::near_copy &&
                          held->epoch == got.version.epoch && held->seq > got.version.seq;
    if (is_newer && context_->rules.near_by_version) return;
    made->generation = s.near_generation;
    held_.cap_life(*made);
    context_->note_kept();
    s.table.insert(std::move(made), garbage);
  }
  held_.make_room(entry_kind::near_copy, s);
}

// A caller that saw a later version here never gets an earlier one, even if the later one may not
// be kept.
void keyspace_core::drop_older_near(const flight& f, version seen) {
  auto& s = held_.shard_of(f.hash);
  entry_list garbage;
  const std::lock_guard lock(s.mutex);
  auto* held = s.table.find(f.key, f.hash);
  const bool is_older = held != nullptr && held->kind == entry_kind::near_copy &&
                        held->epoch == seen.epoch && held->seq < seen.seq;
  if (!is_older) return;
  counters_.drop_near(near_drop::record);
  s.table.erase(*held, garbage);
}

// N1. Called under the shard's lock, so that no record can pass between this and the insertion.
bool keyspace_core::may_keep_near(
    const flight& f,
    const std::shared_ptr<const routing>& route,
    const std::string& owner,
    std::uint64_t epoch,
    time_point loaded_at
) {
  if (is_closed()) return false;
  if (!held_.is_newer_than_told(f.hash, loaded_at)) return false;
  if (f.is_overtaken && context_->rules.fence_at_load_end) return false;
  if (f.lease_term == 0 || context_->lease_term_at(env().now()) != f.lease_term) return false;
  if (context_->route.get() != route) return false;
  context_->near.accept(f.slot, epoch, owner);
  if (context_->route.get() == route) return true;
  context_->near.end(f.slot);
  return false;
}

std::optional<lookup> keyspace_core::revive_near(
    flight& f,
    const std::shared_ptr<const routing>& route,
    const std::string& owner,
    const get_reply& reply,
    version asked
) {
  const auto& got = reply.answer.entry;
  auto& s = held_.shard_of(f.hash);
  const auto now = env().now();
  const std::lock_guard lock(s.mutex);
  auto* held = s.table.find(f.key, f.hash);
  if (held == nullptr || held->kind != entry_kind::near_copy ||
      version{held->epoch, held->seq} != asked) {
    return std::nullopt;
  }
  keyspace_counters::add(counters_.revalidated);
  lookup out;
  out.found = !held->is_absent;
  out.entry = got;
  out.entry.meta = held->meta();
  entry_table::copy_value(*held, out.entry.value);
  const auto loaded_at = now - got.age;
  if (reply.is_leased && got.ttl > milliseconds(0) &&
      may_keep_near(f, route, owner, asked.epoch, loaded_at)) {
    held->generation = s.near_generation;
    held->loaded_at = loaded_at;
    s.table.reschedule(*held, std::min(now + got.ttl, held_.latest_expiry(*held)));
  }
  return out;
}

}  // namespace weir
