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
  if (options.after && (options.after->count() < 0 || *options.after > max_hedge_after)) {
    refuse_hedge(
        "after (ms) is " + std::to_string(options.after->count()) + ", expected 0 to " +
        std::to_string(max_hedge_after.count())
    );
  }
  if (!(options.budget >= 0.0 && options.budget <= 1.0)) refuse_hedge("budget must be 0 to 1");
}

void check(const keyspace_options& options) {
  if (!is_keyspace_name(options.name)) {
    refuse(
        options,
        "a name has 1 to " + std::to_string(max_keyspace_name) + " characters of " +
            std::string(keyspace_name_characters)
    );
  }
  check_range(options, "ttl (ms)", options.ttl.count(), 0, max_ttl.count());
  check_range(options, "negative_ttl (ms)", options.negative_ttl.count(), 0, max_ttl.count());
  if (!(options.jitter >= 0.0 && options.jitter <= max_jitter)) {
    refuse(options, "jitter must be 0 to 0.9");
  }
  const auto signed_of = [](std::uint64_t n) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(n, INT64_MAX));
  };
  check_range(options, "max_memory (bytes)", signed_of(options.max_memory), 64 << 10, INT64_MAX);
  if (options.near_memory != 0) {
    check_range(
        options, "near_memory (bytes)", signed_of(options.near_memory), 64 << 10, INT64_MAX
    );
  }
  check_range(options, "max_entry (bytes)", signed_of(options.max_entry), 1, max_value_bytes);
  check_range(options, "max_key (bytes)", signed_of(options.max_key), 1, max_key_bytes);
  check_range(
      options, "loads.concurrent", signed_of(options.loads.concurrent), 1, max_concurrent_loads
  );
  check_range(options, "loads.queue", signed_of(options.loads.queue), 0, max_queued_loads);
  check_range(
      options, "loads.timeout (ms)", options.loads.timeout.count(), 1, max_load_timeout.count()
  );
}

}  // namespace weir
