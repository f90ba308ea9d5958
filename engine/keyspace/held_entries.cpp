// What may be served, and the order of changes to it: rules R1 to R7 under the lock of a shard.

#include "keyspace/held_entries.hpp"

#include "entries/key_hash.hpp"
#include "keyspace/keyspace_feed.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace weir {
namespace {

constexpr std::size_t fence_count = std::size_t{1} << fence_bits;
constexpr std::size_t near_seen_size = 65'536;

// Zero pages from the kernel: what was never written to costs no memory.
template <class Number>
std::unique_ptr<Number[], void (*)(Number*)> make_zeros(std::size_t count) {
  auto* made = static_cast<Number*>(std::calloc(count, sizeof(Number)));
  if (made == nullptr) throw std::bad_alloc();
  return {made, [](Number* zeros) { std::free(zeros); }};
}

}  // namespace

held_entries::held_entries(
    engine_context& context,
    const live_options& options,
    keyspace_counters& counters,
    std::uint64_t first_seq
)
    : context_(context),
      options_(options),
      counters_(counters),
      fences_(make_zeros<std::uint64_t>(fence_count)),
      near_seen_(make_zeros<std::uint32_t>(near_seen_size)) {
  set_budgets(options_.all());
  shards_.reserve(shard_count);
  for (std::size_t i = 0; i != shard_count; ++i) {
    shards_.push_back(std::make_unique<shard>(budgets_));
    // A keyspace that replaces another does not know its fences: the floor forbids peeks for any
    // slot that was gained before.
    shards_.back()->seq = shards_.back()->floor = first_seq;
  }
}

bool held_entries::hit(std::string_view key, entry& out, bool& is_found, read_attempt attempt) {
  const auto hash = hash_of(key);
  auto& s = shard_of(hash);
  s.table.prefetch(hash);
  const auto now = hit_time();
  const std::lock_guard lock(s.mutex);
  auto* found = s.table.find(key, hash);
  if (found == nullptr) return false;
  if (!serves_as_owner(s, *found, now) && !serves_as_near(s, *found, now)) return false;
  is_found = answer_from(s, *found, now, out);
  if (attempt == read_attempt::again) [[unlikely]] {
    ++s.hits_for_others;
    if (found->kind == entry_kind::near_copy) ++s.near_hits_for_others;
  }
  return true;
}

bool held_entries::hit_owned(std::string_view key, lookup& out, read_attempt attempt) {
  const auto hash = hash_of(key);
  auto& s = shard_of(hash);
  const auto now = hit_time();
  const std::lock_guard lock(s.mutex);
  auto* found = s.table.find(key, hash);
  if (found == nullptr || !serves_as_owner(s, *found, now)) return false;
  out.found = answer_from(s, *found, now, out.entry);
  if (attempt == read_attempt::again) ++s.hits_for_others;
  return true;
}

// Fills `out`, which is fresh; true for a value, false for an absent entry.
bool held_entries::answer_from(shard& s, stored_entry& e, time_point now, entry& out) {
  s.table.touch(e);
  ++s.hits;
  out.ttl = std::chrono::duration_cast<milliseconds>(e.expires - now);
  if (now > e.loaded_at) out.age = std::chrono::duration_cast<milliseconds>(now - e.loaded_at);
  out.from.stored = true;
  if (e.kind == entry_kind::gutter) {
    out.from.detail = served_detail::gutter;
  } else {
    out.version = {e.epoch, e.seq};
    if (e.kind == entry_kind::near_copy) {
      ++s.near_hits;
      out.from.from = served_from::near;
      out.from.detail = served_detail::near;
    }
  }
  if (!context_.has_lease(now)) [[unlikely]]
    out.from.detail = served_detail::unleased;
  if (!is_told(now)) [[unlikely]]
    out.from.detail = served_detail::stale;
  out.meta = e.meta();
  if (e.is_absent) {
    ++s.negative_hits;
    return false;
  }
  entry_table::copy_value(e, out.value);
  return true;
}

// On a lone node no other can change anything, and a cheap clock is good enough for expiry. The
// lease is judged by a clock that was read after the request arrived.
time_point held_entries::hit_time() const noexcept {
  return context_.needs_lease() ? context_.env.now() : context_.env.coarse_now();
}

bool held_entries::may_serve(time_point now) const noexcept {
  if (!context_.rules.lease_by_fresh_clock)
    now = std::min(now, time_point(steady_duration(context_.last_tick.load())));
  if (!is_told(now) && feed_->when_lost() == feed_loss::pass) return false;
  return context_.has_lease(now) || options_.consistency() == consistency::available;
}

void held_entries::follow(const keyspace_feed* feed) {
  feed_ = feed;
  if (feed != nullptr) told_ = std::make_unique<told_times>();
}

bool held_entries::is_told(time_point now) const noexcept {
  return feed_ == nullptr || feed_->is_live(now) || !context_.rules.live_feed_for_hits;
}

bool held_entries::is_newer_than_told(std::uint64_t hash, time_point began) const noexcept {
  return !told_ || told_->is_newer(hash, began) || !context_.rules.told_before_kept;
}

bool held_entries::serves_as_owner(const shard& s, const stored_entry& e, time_point now)
    const noexcept {
  return e.kind == entry_kind::owned && e.expires > now && e.seq > s.floor &&
         e.epoch == context_.terms.epoch_of(e.slot) && may_serve(now);
}

bool held_entries::serves_as_gutter(const shard& s, const stored_entry& e, time_point now)
    const noexcept {
  return e.kind == entry_kind::gutter && e.expires > now && e.seq > s.floor && may_serve(now);
}

bool held_entries::serves_as_near(const shard& s, const stored_entry& e, time_point now)
    const noexcept {
  return e.kind == entry_kind::near_copy && e.generation == s.near_generation && e.expires > now &&
         may_serve(now) && context_.near.is_live(e.slot, e.epoch, now);
}

// A copy is kept from the second get within a while, so that a scan leaves the near copies alone.
// The table remembers one hash per place; others take its place in time.
bool held_entries::is_wanted_again(std::uint64_t hash) noexcept {
  auto& place = near_seen_[hash % near_seen_size];
  const auto mark = static_cast<std::uint32_t>(hash >> 32) | 1;
  return std::atomic_ref(place).exchange(mark, std::memory_order_relaxed) == mark;
}

bool held_entries::holds(
    const shard& s,
    const stored_entry* held,
    const precondition& condition,
    std::uint64_t hash,
    std::uint64_t epoch,
    time_point now
) noexcept {
  const bool is_valid = held != nullptr && serves_as_owner(s, *held, now);
  switch (condition.when) {
    case precondition::kind::none:
      return true;
    case precondition::kind::absent:
      return !is_valid || held->is_absent;
    case precondition::kind::unchanged:
      break;
  }
  if (condition.since.epoch != epoch || epoch == 0) return false;
  if (is_valid) return held->seq <= condition.since.seq;
  // An expired or cleared entry that still lies here counts like its fence.
  const auto gone = held != nullptr ? held->seq : 0;
  return std::max({fence_of(hash), s.floor, gone}) <= condition.since.seq;
}

// Only a value that no change of the new term can have passed by is worth asking for.
bool held_entries::is_untouched_since(std::uint32_t gain, std::uint64_t hash) {
  auto& s = shard_of(hash);
  const std::lock_guard lock(s.mutex);
  const auto seq = s.seq_at_gain[gain % s.seq_at_gain.size()];
  return fence_of(hash) <= seq && s.floor <= seq;
}

std::uint64_t held_entries::hash_of(std::string_view key) const noexcept {
  return key_hash(key, context_.hash_seed);
}

std::uint64_t& held_entries::fence_of(std::uint64_t hash) noexcept {
  return fences_[hash >> (64 - fence_bits)];
}

void held_entries::raise_fence(std::uint64_t hash, std::uint64_t seq) noexcept {
  auto& fence = fence_of(hash);
  fence = std::max(fence, seq);
}

std::uint64_t held_entries::last_seq() {
  std::uint64_t last = 0;
  for (const auto& s : shards_) {
    const std::lock_guard lock(s->mutex);
    // Loads still running on the old keyspace get lower sequence numbers than those of the new one.
    last = std::max(last, ++s->seq);
  }
  return last;
}

void held_entries::overtake(shard& s, std::string_view key) {
  const auto flights = s.flights.find(key);
  if (flights == s.flights.end()) return;
  for (auto& current : flights->second.current) {
    if (!current || !current->has_begun) continue;
    current->is_overtaken = true;
    if (context_.rules.leave_overtaken_flights) current.reset();
  }
}

void held_entries::clear() {
  for (const auto& each : shards_) {
    entry_list garbage;
    const std::lock_guard lock(each->mutex);
    const auto seq = ++each->seq;
    if (context_.rules.floor_on_clear) each->floor = seq;
    for (auto& [key, flights] : each->flights) overtake(*each, key);
    suspect_near(*each, garbage);
  }
}

void held_entries::begin_write(running_write& write) {
  if (!told_) return;
  auto& s = shard_of(hash_of(write.key));
  const std::lock_guard lock(s.mutex);
  s.writes.push_back(&write);
}

void held_entries::end_write(running_write& write) {
  if (!told_) return;
  auto& s = shard_of(hash_of(write.key));
  const std::lock_guard lock(s.mutex);
  std::erase(s.writes, &write);
}

void held_entries::reset(time_point now) {
  for (const auto& each : shards_) {
    entry_list garbage;
    const std::lock_guard lock(each->mutex);
    const auto seq = ++each->seq;
    if (context_.rules.reset_on_gap) each->floor = seq;
    for (auto* write : each->writes) write->tell({});
    if (context_.rules.reset_overtakes)
      for (auto& [key, flights] : each->flights) overtake(*each, key);
    if (context_.rules.reset_on_gap) suspect_near(*each, garbage);
    if (told_) told_->note_all(now);
  }
}

void held_entries::distrust() {
  for (const auto& each : shards_) {
    entry_list garbage;
    const std::lock_guard lock(each->mutex);
    each->floor = ++each->seq;
    for (auto& [key, flights] : each->flights) overtake(*each, key);
    suspect_near(*each, garbage);
  }
}

// Suspect copies are served again once their owner has confirmed their version.
void held_entries::suspect_near(shard& s, entry_list& garbage) {
  if (s.table.count(entry_kind::near_copy) == 0) return;
  counters_.drop_near(near_drop::reset);
  if (++s.near_generation != 0) return;
  s.near_generation = 1;  // once in 65,536 times the old generations could be taken for new ones
  const auto is_near = [](const stored_entry& e) { return e.kind == entry_kind::near_copy; };
  s.table.sweep_all(is_near, garbage);
}

void held_entries::terms_begin(std::uint32_t gain) {
  for (const auto& each : shards_) {
    const std::lock_guard lock(each->mutex);
    each->seq_at_gain[gain % each->seq_at_gain.size()] = each->seq;
  }
}

std::uint64_t held_entries::empty_out() {
  std::uint64_t dropped = 0;
  for (const auto& s : shards_) {
    entry_list garbage;  // handles may outlive the keyspace, its memory does not
    const std::lock_guard lock(s->mutex);
    dropped += s->table.size();
    const auto every = [](const stored_entry&) { return true; };
    s->table.sweep_all(every, garbage);
  }
  return dropped;
}

}  // namespace weir
