#pragma once

#include <weir/engine/environment.hpp>

#include <cstdint>
#include <optional>

namespace weir {

/// What the log says of one kind of trouble: its first failure at once, then a count every 10 s,
/// and its end. However often failures and successes take turns, that is three lines in 10 s at
/// most, and no failure is left uncounted.
///
/// A function of state, event and now. Not thread-safe.
class trouble_log {
 public:
  static constexpr steady_duration interval = std::chrono::seconds(10);

  /// How a trouble ends: with the first success, or when nothing failed for `interval`.
  enum class ends : std::uint8_t { by_success, by_silence };

  struct line {
    enum class kind : std::uint8_t { failing, over };
    kind what;
    std::uint64_t failures;    ///< of this trouble, until now
    steady_duration lasted{};  ///< since the first of them
  };

  explicit trouble_log(ends how) : how_(how) {}

  /// One more failure, one success, or time that passed: the line to write now, if any.
  std::optional<line> failed(time_point now);
  std::optional<line> succeeded(time_point now);
  std::optional<line> tick(time_point now);

  /// The last thing that happened was a failure.
  bool is_failing() const noexcept { return is_failing_; }

  /// Nothing is to be told, whatever time it is.
  bool is_quiet() const noexcept { return failures_ == 0; }

  std::uint64_t failures() const noexcept { return failures_; }

  time_point began() const noexcept { return began_; }

 private:
  bool may_tell(time_point now) const noexcept { return !told_at_ || now - *told_at_ >= interval; }

  std::optional<line> tell(time_point now);
  line end(time_point now);

  ends how_;
  bool is_failing_ = false;
  bool is_told_ = false;  ///< the last line says that it fails
  std::uint64_t failures_ = 0;
  std::uint64_t told_failures_ = 0;
  time_point began_{};
  time_point last_{};                  ///< of failures and successes
  std::optional<time_point> told_at_;  ///< the last line that says that it fails
};

}  // namespace weir
