#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/options.hpp>

#include <optional>

namespace weir {

/// From when discovery marks a node as serving until the node counts in a majority of nodes that
/// start. Every running node must have heeded the mark by then, or have heard that its discovery
/// fails.
inline constexpr milliseconds vouched_after{75'000};

/// From when a running node, which discovery kept up to date, hears of the mark until it counts the
/// marked node even if that is no member by then.
inline constexpr milliseconds heeded_after{10'000};

/// What discovery has said of one node, as to whether it serves. Not thread-safe.
class serving_mark {
 public:
  /// What discovery says now; nothing = it marks no node, or cannot be asked. A node that serves
  /// now may have served for long, then `heeded` is 0; if this node has heard discovery all the
  /// time the mark is new, and is heeded that much later.
  void told(std::optional<bool> is_serving, time_point now, milliseconds heeded = heeded_after);

  /// It was never marked otherwise than as not serving, or only just, and discovery can be asked.
  bool is_idle(time_point now) const {
    return now_ == mark::idle || (now_ == mark::served && now < heeded_from_);
  }

  /// Discovery has marked it in some way.
  bool is_used() const noexcept { return now_ != mark::none; }

  /// It was marked as serving for the first time `vouched_after` ago, or discovery never marks.
  bool is_vouched(time_point now) const {
    return now_ == mark::none || (served_since_ && now - *served_since_ >= vouched_after);
  }

 private:
  enum class mark { none, idle, lost, served };

  mark now_ = mark::none;
  std::optional<time_point> served_since_;  ///< the first mark
  time_point heeded_from_{};
  time_point lost_since_{};
};

}  // namespace weir
