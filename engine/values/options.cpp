#include <weir/engine/options.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {
namespace {

[[noreturn]] void refuse(const keyspace_options& options, const std::string& why) {
  throw std::invalid_argument("keyspace \"" + options.name + "\": " + why);
}

void check_range(
    const keyspace_options& options,
    const char* field,
    std::int64_t value,
    std::int64_t low,
    std::int64_t high
) {
  if (value >= low && value <= high) return;
  refuse(
      options,
      std::string(field) + " is " + std::to_string(value) + "; it must be " + std::to_string(low) +
          " to " + std::to_string(high)
  );
}

}  // namespace

void check(const hedge_options& options) {
  const auto refuse_hedge = [](const std::string& why) {
    throw std::invalid_argument("hedge: " + why);
  };
  if (options.after && (options.after->count() < 0 || options.after->count() > 60'000)) {
    refuse_hedge(
        "after (ms) is " + std::to_string(options.after->count()) + ", expected 0 to 60000"
    );
  }
  if (!(options.budget >= 0.0 && options.budget <= 1.0)) refuse_hedge("budget must be 0 to 1");
}

void check(const keyspace_options& options) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  if (options.name.empty() || options.name.size() > 64 ||
      !std::all_of(options.name.begin(), options.name.end(), is_allowed)) {
    refuse(options, "a name has 1 to 64 characters of a-z, 0-9, _ and -");
  }
  check_range(options, "ttl (ms)", options.ttl.count(), 0, max_ttl.count());
  check_range(options, "negative_ttl (ms)", options.negative_ttl.count(), 0, max_ttl.count());
  if (!(options.jitter >= 0.0 && options.jitter <= 1.0)) refuse(options, "jitter must be 0 to 1");
  const auto signed_of = [](std::uint64_t n) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(n, INT64_MAX));
  };
  check_range(options, "max_memory (bytes)", signed_of(options.max_memory), 64 << 10, INT64_MAX);
  if (options.near_memory != 0) {
    check_range(
        options, "near_memory (bytes)", signed_of(options.near_memory), 64 << 10, INT64_MAX
    );
  }
  check_range(options, "max_entry (bytes)", signed_of(options.max_entry), 1, 64 << 20);
  check_range(options, "max_key (bytes)", signed_of(options.max_key), 1, 4096);
  check_range(options, "loads.concurrent", signed_of(options.loads.concurrent), 1, 10'000);
  check_range(options, "loads.queue", signed_of(options.loads.queue), 0, 1'000'000);
  check_range(options, "loads.batch", signed_of(options.loads.batch), 1, 1'000);
  check_range(options, "loads.timeout (ms)", options.loads.timeout.count(), 1, 3'600'000);
}

}  // namespace weir
