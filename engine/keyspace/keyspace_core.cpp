#include "keyspace/keyspace_core.hpp"

#include "entries/key_hash.hpp"
#include "keyspace/keyspace_counters.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace weir {
namespace {

constexpr std::size_t fence_count = std::size_t{1} << fence_bits;
constexpr std::size_t reclaim_slice = 256;
constexpr std::chrono::minutes past_time{10};

// Zero pages from the kernel: what was never written to costs no memory.
template <class Number>
std::unique_ptr<Number[], void (*)(Number*)> make_zeros(std::size_t count) {
  auto* made = static_cast<Number*>(std::calloc(count, sizeof(Number)));
  if (made == nullptr) throw std::bad_alloc();
  return {made, [](Number* zeros) { std::free(zeros); }};
}

}  // namespace

keyspace_core::keyspace_core(
    std::shared_ptr<engine_context> context,
    keyspace_options options,
    std::shared_ptr<data_source> source,
    keyspace_origin origin
)
    : context_(std::move(context)),
      options_(std::move(options)),
      lineage_(origin.lineage),
      source_(std::move(source)),
      limiter_(context_->env, options_.all().loads),
      watch_(options_.name(), std::string(source_->type())),
      fences_(make_zeros<std::uint64_t>(fence_count)),
      near_seen_(make_zeros<std::uint32_t>(near_seen_size)),
      counters_(std::make_unique<counters>()) {
  set_budgets(options_.all());
  shards_.reserve(shard_count);
  for (std::size_t i = 0; i != shard_count; ++i) {
    shards_.push_back(std::make_unique<shard>(budgets_));
    // A keyspace that takes the place of another does not know its fences: the floor forbids to peek
    // for any slot that was gained before.
    shards_.back()->seq = shards_.back()->floor = origin.first_seq;
  }
}

std::uint64_t keyspace_core::last_seq() {
  std::uint64_t last = 0;
  for (const auto& s : shards_) {
    const std::lock_guard lock(s->mutex);
    last =
        std::max(last, ++s->seq);  // what still ends on the old one comes before all of the new one
  }
  return last;
}

keyspace_core::~keyspace_core() = default;

// On a lone node nobody else can change anything, and a cheap clock is good enough for expiry. The
// lease is judged by a clock that was read after the request arrived.
time_point keyspace_core::hit_time() const noexcept {
  return context_->needs_lease() ? env().now() : env().coarse_now();
}

bool keyspace_core::may_serve(time_point now) const noexcept {
  if (!context_->rules.lease_by_fresh_clock)
    now = std::min(now, time_point(steady_duration(context_->last_tick.load())));
  return context_->has_lease(now) || options_.consistency() == consistency::available;
}

bool keyspace_core::serves_as_owner(const shard& s, const stored_entry& e, time_point now)
    const noexcept {
  return e.kind == entry_kind::owned && e.expires > now && e.seq > s.floor &&
         e.epoch == context_->terms.epoch_of(e.slot) && may_serve(now);
}

bool keyspace_core::serves_as_gutter(const shard& s, const stored_entry& e, time_point now)
    const noexcept {
  return e.kind == entry_kind::gutter && e.expires > now && e.seq > s.floor && may_serve(now);
}

// Fills `out`, which is fresh; true for a value, false for an absent entry.
bool keyspace_core::answer_from(shard& s, stored_entry& e, time_point now, entry& out) {
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
  if (!context_->has_lease(now)) [[unlikely]]
    out.from.detail = served_detail::unleased;
  out.meta = e.meta();
  if (e.is_absent) {
    ++s.negative_hits;
    return false;
  }
  entry_table::copy_value(e, out.value);
  return true;
}

std::uint64_t keyspace_core::hash_of(std::string_view key) const noexcept {
  return key_hash(key, context_->hash_seed);
}

std::uint64_t& keyspace_core::fence_of(std::uint64_t hash) noexcept {
  return fences_[hash >> (64 - fence_bits)];
}

void keyspace_core::raise_fence(std::uint64_t hash, std::uint64_t seq) noexcept {
  auto& fence = fence_of(hash);
  fence = std::max(fence, seq);
}

milliseconds keyspace_core::jittered(milliseconds ttl) const noexcept {
  const auto share = static_cast<double>(env().random() >> 11) * 0x1p-53;
  return ttl - std::chrono::duration_cast<milliseconds>(ttl * options_.jitter() * share);
}

void keyspace_core::make_room(entry_kind kind, shard& first) {
  const auto evict_from = [&](shard& s, std::size_t leave) {
    entry_list garbage;
    const auto gone = [&](const stored_entry& e) { note_evicted(e); };
    const std::lock_guard lock(s.mutex);
    s.table.evict(kind, gone, garbage, leave);
    return garbage;  // freed by the caller, after the lock
  };
  const auto& budget = budgets_.of(kind);
  if (!budget.has_excess()) return;
  evict_from(first, 1);
  for (const auto& each : shards_) {
    if (!budget.has_excess()) return;
    if (each.get() != &first) evict_from(*each, 0);
  }
}

void keyspace_core::reclaim() {
  auto& s = *shards_[reclaim_next_.fetch_add(1, std::memory_order_relaxed) % shard_count];
  const auto now = env().now();
  report(watch_.tick(now));
  entry_list garbage;
  const auto gone = [&](const stored_entry& e) { note_expired(e); };
  // A value that its source can confirm stays a while, and serves nobody meanwhile.
  const auto keep_until = [&](stored_entry& e) {
    const bool is_kept = e.kind == entry_kind::owned && e.epoch != past_epoch && e.seq > s.floor &&
                         e.is_confirmable();
    if (!is_kept) return time_point::min();
    gone(e);
    e.epoch = past_epoch;
    return now + past_time;
  };
  const std::lock_guard lock(s.mutex);
  if (source_->revalidates())
    s.table.expire(now, reclaim_slice, keep_until, gone, garbage);
  else
    s.table.expire(now, reclaim_slice, gone, garbage);
}

keyspace_stats keyspace_core::stats() {
  keyspace_stats out;
  auto& from_memory = out.reads[static_cast<std::size_t>(read_outcome::memory)];
  auto& from_near = out.reads[static_cast<std::size_t>(read_outcome::near)];
  for (const auto& s : shards_) {
    const std::lock_guard lock(s->mutex);
    out.hits += s->hits;
    out.negative_hits += s->negative_hits;
    out.entries += s->table.size();
    out.near_entries += s->table.count(entry_kind::near_copy);
    out.near_hits += s->near_hits;
    const auto near = s->near_hits - s->near_hits_for_others;
    from_near += near;
    from_memory += s->hits - s->hits_for_others - near;
  }
  count_reads(out);
  const auto& c = *counters_;
  out.misses = c.misses;
  out.joined = c.joined;
  out.loads_value = c.loads_value;
  out.loads_absent = c.loads_absent;
  out.loads_failed = c.loads_failed;
  out.loads_timed_out = c.loads_timed_out;
  out.loads_too_large = c.loads_too_large;
  out.loads_waiting = limiter_.waiting();
  out.gutter_answers = c.gutter_answers;
  out.source_calls = c.source_calls;
  out.source_batches = c.source_batches;
  out.loads_running = limiter_.running();
  out.loads_not_kept = c.not_kept;
  out.refused_overloaded = c.refused_overloaded;
  out.refused_too_large = c.refused_too_large;
  out.passed_through = c.passed_through;
  out.evicted = c.evicted;
  out.expired = c.expired;
  out.invalidations = c.invalidations;
  out.records = c.records;
  out.bytes = budgets_.owned.used;
  out.absent_bytes = budgets_.owned.absent_used;
  out.gutter_bytes = budgets_.gutter.used;
  out.near_bytes = budgets_.near_copy.used;
  out.revalidated = c.revalidated;
  out.unleased = c.unleased;
  for (std::size_t i = 0; i != near_drop_count; ++i) out.near_dropped[i] = c.near_dropped[i];
  for (std::size_t i = 0; i != c.load_buckets.size(); ++i) {
    out.load_duration.buckets[i] = c.load_buckets[i];
    out.load_duration.count += c.load_buckets[i];
  }
  out.load_duration.seconds = static_cast<double>(c.load_microseconds) * 1e-6;
  return out;
}

void keyspace_core::close(errc why) {
  int before = closed_.load();
  do {
    if (before != 0 && before != moved) return;
  } while (!closed_.compare_exchange_weak(before, static_cast<int>(why)));
  empty_out();
  limiter_.close(errc::unavailable);
  for (const auto& s : shards_) {
    std::vector<std::shared_ptr<waiter>> waiters;
    std::vector<completion<result<void>>> turns;
    {
      const std::lock_guard lock(s->mutex);
      for (auto& [key, flights] : s->flights) {
        flights.running += static_cast<int>(flights.waiting.size());  // each gives its turn back
        std::move(flights.waiting.begin(), flights.waiting.end(), std::back_inserter(turns));
        flights.waiting.clear();
        for (auto& current : flights.current) {
          if (!current) continue;
          std::move(current->waiters.begin(), current->waiters.end(), std::back_inserter(waiters));
          current->waiters.clear();
          current.reset();
        }
      }
    }
    for (auto& each : turns) std::move(each)(result<void>());
    for (auto& each : waiters) {
      if (each->is_answered.exchange(true)) continue;
      if (const auto timer = each->timer.load()) env().cancel(timer);
      std::move(each->done)(errc::unavailable);
    }
  }
}

}  // namespace weir
