#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/result.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// One holder at a time per key; the others wait in order of arrival.
///
/// A key takes memory only while it is held. Thread-safe; makes no calls under its lock.
class key_turns {
 public:
  /// How many may wait for one key; more are refused.
  static constexpr std::size_t max_waiting = 256;

  /// Calls `granted` when the caller holds `key`, maybe at once: give it back with release(). With
  /// errc::overloaded when too many wait.
  void acquire(std::string_view key, completion<result<void>> granted);

  /// Passes the key on, by way of an event loop: never from within the end of the last holder.
  void release(environment& env, std::string_view key);

  /// How many keys are held.
  std::size_t size() const;

 private:
  struct text_hash {
    using is_transparent = void;

    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  using queue = std::vector<completion<result<void>>>;

  mutable std::mutex mutex_;
  boost::unordered_flat_map<std::string, queue, text_hash, std::equal_to<>> held_;
};

/// Gives a key back at its end.
class key_turn {
 public:
  key_turn(key_turns& of, environment& env, std::string_view key) : of_(of), env_(env), key_(key) {}

  ~key_turn() { of_.release(env_, key_); }

  key_turn(const key_turn&) = delete;
  key_turn& operator=(const key_turn&) = delete;

 private:
  key_turns& of_;
  environment& env_;
  const std::string key_;
};

}  // namespace weir
