#include "common/door_counters.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr auto relaxed = std::memory_order_relaxed;

}  // namespace

std::string_view name(door_op op) noexcept {
  switch (op) {
    case door_op::get:
      return "get";
    case door_op::get_many:
      return "get_many";
    case door_op::put:
      return "put";
    case door_op::remove:
      return "remove";
    case door_op::invalidate:
      return "invalidate";
    case door_op::invalidate_many:
      return "invalidate_many";
    case door_op::clear:
      return "clear";
  }
  return "?";
}

std::string_view door_outcome::name() const noexcept {
  if (index_ == 0) return "ok";
  if (index_ == count - 1) return "partial";
  return weir::name(static_cast<errc>(index_));
}

void request_counters::count(
    door_op op, door_outcome outcome, std::chrono::nanoseconds took, std::uint64_t served
) noexcept {
  auto& of = ops_[static_cast<std::size_t>(op)];
  took = std::max(took, std::chrono::nanoseconds(0));
  of.outcomes[outcome.index()].fetch_add(1, relaxed);
  of.buckets[bucket_of(took)].fetch_add(1, relaxed);
  of.nanoseconds.fetch_add(static_cast<std::uint64_t>(took.count()), relaxed);
  of.served.fetch_add(served, relaxed);
}

std::uint64_t request_counters::total(door_op op, door_outcome outcome) const noexcept {
  return ops_[static_cast<std::size_t>(op)].outcomes[outcome.index()].load(relaxed);
}

duration_counts request_counters::durations(door_op op) const noexcept {
  const auto& of = ops_[static_cast<std::size_t>(op)];
  duration_counts out;
  for (std::size_t i = 0; i != of.buckets.size(); ++i) {
    out.buckets[i] = of.buckets[i].load(relaxed);
    out.count += out.buckets[i];
  }
  out.seconds = static_cast<double>(of.nanoseconds.load(relaxed)) * 1e-9;
  return out;
}

std::uint64_t request_counters::served(door_op op) const noexcept {
  return ops_[static_cast<std::size_t>(op)].served.load(relaxed);
}

request_counters& door_counters::of(std::string_view keyspace) {
  const std::lock_guard lock(mutex_);
  const auto found = all_.find(keyspace);
  if (found != all_.end()) return *found->second;
  return *all_.emplace(keyspace, std::make_unique<request_counters>()).first->second;
}

void door_counters::for_each(
    const std::function<void(const std::string&, const request_counters&)>& see
) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [keyspace, counters] : all_) see(keyspace, *counters);
}

}  // namespace weir
