#include <weir/engine/stats.hpp>

namespace weir {

std::size_t bucket_of(std::chrono::microseconds took) noexcept {
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
