#include <weir/engine/stats.hpp>

namespace weir {

std::string_view name(feed_status::state state) noexcept {
  switch (state) {
    case feed_status::state::connecting:
      return "connecting";
    case feed_status::state::live:
      return "live";
    case feed_status::state::stale:
      break;
  }
  return "stale";
}

std::size_t bucket_of(std::chrono::nanoseconds took) noexcept {
  const double seconds = std::chrono::duration<double>(took).count();
  std::size_t bucket = 0;
  while (bucket != duration_bounds.size() && seconds > duration_bounds[bucket]) ++bucket;
  return bucket;
}

void duration_counts::add(std::chrono::microseconds took) noexcept {
  ++buckets[bucket_of(took)];
  seconds += std::chrono::duration<double>(took).count();
  ++count;
}

void duration_counts::add(const duration_counts& other) noexcept {
  for (std::size_t i = 0; i != buckets.size(); ++i) buckets[i] += other.buckets[i];
  seconds += other.seconds;
  count += other.count;
}

std::optional<double> duration_counts::quantile(double part) const noexcept {
  std::uint64_t all = 0;
  for (const auto each : buckets) all += each;
  if (all == 0) return std::nullopt;
  const auto rank = part * static_cast<double>(all);
  double below = 0;
  for (std::size_t i = 0; i != duration_bounds.size(); ++i) {
    const auto here = static_cast<double>(buckets[i]);
    if (below + here >= rank && here > 0) {
      const double from = i == 0 ? 0 : duration_bounds[i - 1];
      return from + (duration_bounds[i] - from) * ((rank - below) / here);
    }
    below += here;
  }
  return duration_bounds.back();
}

std::optional<double> hit_ratio(const read_counts& reads) noexcept {
  const auto of = [&](read_outcome from) { return reads[static_cast<std::size_t>(from)]; };
  std::uint64_t all = 0;
  for (const auto each : reads) all += each;
  if (all == 0) return std::nullopt;
  const auto loaded = of(read_outcome::source) + of(read_outcome::passed);
  return 1 - static_cast<double>(loaded) / static_cast<double>(all);
}

std::string_view name(read_outcome from) noexcept {
  switch (from) {
    case read_outcome::memory:
      return "memory";
    case read_outcome::near:
      return "near";
    case read_outcome::owner:
      return "owner";
    case read_outcome::gutter:
      return "gutter";
    case read_outcome::joined:
      return "joined";
    case read_outcome::source:
      return "source";
    case read_outcome::passed:
      return "passed";
    case read_outcome::stale:
      return "stale";
  }
  return "unknown";
}

std::string_view name(near_drop why) noexcept {
  switch (why) {
    case near_drop::record:
      return "record";
    case near_drop::reset:
      return "reset";
    case near_drop::expired:
      return "expired";
    case near_drop::evicted:
      return "evicted";
    case near_drop::moved:
      return "moved";
    case near_drop::cleared:
      return "cleared";
  }
  return "unknown";
}

}  // namespace weir
