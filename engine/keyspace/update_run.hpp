#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/update.hpp>

#include <optional>
#include <string>

namespace weir {

/// One update, decided step by step: read, compute, write under the condition that nothing changed,
/// again.
///
/// A function of what it is told, so that its blocking and its awaitable form are the same:
///
///     for (;;) {
///       run.found(find(run.how_to_read()));
///       if (run.has_change()) run.changed(change(run.take()));
///       if (run.has_ended()) return run.outcome();
///       wait until run.retry_at();
///     }
class update_run {
 public:
  /// Whether the source itself judges "absent", so that absence needs no version.
  enum class absence : std::uint8_t { judged_by_store, by_version };

  update_run(
      environment& env,
      std::string keyspace,
      std::string key,
      update_function compute,
      update_options options,
      absence judged
  );

  /// Any valid copy will do for the first time; after a conflict only the owner knows.
  get_options how_to_read() const noexcept;

  /// Takes the present state and computes. Throws what the function throws.
  void found(const result<lookup>& answer);

  bool has_change() const noexcept { return change_.has_value(); }

  change_request take();
  void changed(const result<change_result>& answer);

  /// No more tries: the store or the keyspace is gone, or the caller gave up.
  void give_up(const error& why) { end(why); }

  bool has_ended() const noexcept { return outcome_.has_value(); }

  result<updated> outcome() { return std::move(*outcome_); }

  time_point retry_at() const noexcept { return retry_at_; }

  milliseconds time_left() const noexcept;

  time_point deadline() const noexcept { return deadline_; }

 private:
  void end(result<updated> with);
  void again_or_end(const error& why);

  environment& env_;
  const std::string keyspace_, key_;
  const update_function compute_;
  const update_options options_;
  const absence judged_;
  const time_point deadline_;
  update_tries tries_;
  bool must_ask_owner_ = false;
  std::optional<change_request> change_;
  update_decision::kind what_ = update_decision::kind::decline;
  std::optional<result<updated>> outcome_;
  time_point retry_at_{};
};

}  // namespace weir
