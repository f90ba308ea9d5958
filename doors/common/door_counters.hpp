#pragma once

#include <weir/engine/errc.hpp>
#include <weir/engine/stats.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace weir {

/// The `op` label: what was asked of a keyspace.
enum class door_op : std::uint8_t {
  get,
  get_many,
  put,
  remove,
  invalidate,
  invalidate_many,
  clear
};

inline constexpr std::size_t door_op_count = static_cast<std::size_t>(door_op::clear) + 1;

std::string_view name(door_op op) noexcept;

/// The `outcome` label: "ok", "partial", or the name of an error.
class door_outcome {
 public:
  static constexpr std::size_t count = errc_count + 1;

  constexpr door_outcome() noexcept = default;  ///< ok

  constexpr door_outcome(errc code) noexcept  // NOLINT: meant to convert
      : index_(static_cast<std::uint8_t>(code)) {}

  static constexpr door_outcome partial() noexcept { return door_outcome(count - 1); }

  /// The outcome at `index` below `count`.
  static constexpr door_outcome at(std::size_t index) noexcept { return door_outcome(index); }

  constexpr std::size_t index() const noexcept { return index_; }

  std::string_view name() const noexcept;

 private:
  constexpr explicit door_outcome(std::size_t index) noexcept
      : index_(static_cast<std::uint8_t>(index)) {}

  std::uint8_t index_ = 0;
};

/// Requests of one keyspace by operation and outcome, and how long they took. Lock-free.
class request_counters {
 public:
  /// Four relaxed additions. `served` is bytes of values in the answer.
  void count(
      door_op op, door_outcome outcome, std::chrono::nanoseconds took, std::uint64_t served
  ) noexcept;

  std::uint64_t total(door_op op, door_outcome outcome) const noexcept;
  duration_counts durations(door_op op) const noexcept;
  std::uint64_t served(door_op op) const noexcept;  ///< bytes of values

 private:
  using counter = std::atomic<std::uint64_t>;

  struct alignas(64) of_op {
    std::array<counter, door_outcome::count> outcomes{};
    std::array<counter, duration_bounds.size() + 1> buckets{};
    counter nanoseconds{0}, served{0};
  };

  std::array<of_op, door_op_count> ops_;
};

/// The request_counters of all keyspaces that were ever asked. They stay where they are.
class door_counters {
 public:
  /// Those of `keyspace`, made on first use. Takes a lock: keep the reference.
  request_counters& of(std::string_view keyspace);

  /// Calls `see` for each keyspace, sorted by name.
  void for_each(const std::function<void(const std::string&, const request_counters&)>& see) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<request_counters>, std::less<>> all_;
};

}  // namespace weir
