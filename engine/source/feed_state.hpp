#pragma once

#include <weir/engine/change_feed.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/stats.hpp>

#include <cstdint>

namespace weir {

/// Whether a feed of changes lives, and when it is dialled again.
///
/// A function of state, event and now. Not thread-safe.
class feed_state {
 public:
  /// A connection begins.
  void began(time_point now);

  /// Changes are told from now on.
  void reset(time_point now);

  /// All before `as_of` was told.
  void covered(time_point as_of, time_point now);

  /// The connection ended; returns when to dial again. Delays grow from 50 ms to 5 s, of which a
  /// share is drawn; they begin anew after 3 s of life.
  time_point ended(time_point now, std::uint64_t random);

  /// Time passed; true once if the connection has been silent for too long and is to be cut.
  bool tick(time_point now);

  /// Until then what is kept may be served; time_point::min() before the first reset.
  time_point live_until() const noexcept { return live_until_; }

  feed_status::state state(time_point now) const noexcept;

  /// Since when it is in that state.
  time_point since(time_point now) const noexcept;

  std::uint64_t resets() const noexcept { return resets_; }

 private:
  bool is_on_ = false;       ///< the connection is there, and changes are told
  bool is_dialled_ = false;  ///< a connection was begun and has not ended
  bool is_cut_ = false;      ///< it was silent for too long, and its end follows
  bool was_live_ = false;
  time_point began_{};  ///< of the connection, or of the dialling of it
  time_point live_since_{};
  time_point live_until_ = time_point::min();
  steady_duration delay_{};
  std::uint64_t resets_ = 0;
};

}  // namespace weir
