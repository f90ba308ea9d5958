#include "source/feed_state.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr steady_duration first_delay = milliseconds(50);
constexpr steady_duration longest_delay = milliseconds(5'000);
constexpr steady_duration good_life = milliseconds(3'000);
constexpr steady_duration longest_dial = milliseconds(5'000);

}  // namespace

void feed_state::began(time_point now) {
  is_dialled_ = true;
  is_cut_ = false;
  began_ = now;
}

void feed_state::reset(time_point now) {
  ++resets_;
  if (!is_on_ && live_until_ <= now) live_since_ = now;
  is_on_ = was_live_ = true;
  began_ = now;
  live_until_ = now + change_feed::lost_after;
}

void feed_state::covered(time_point as_of, time_point now) {
  if (!is_on_) return;
  if (live_until_ <= now) live_since_ = now;
  live_until_ = std::max(live_until_, as_of + change_feed::lost_after);
}

time_point feed_state::ended(time_point now, std::uint64_t random) {
  const bool was_good = is_on_ && now - began_ >= good_life;
  is_on_ = is_dialled_ = false;
  delay_ = was_good || delay_ == steady_duration(0) ? first_delay
                                                    : std::min(delay_ * 8 / 5, longest_delay);
  const auto drawn = static_cast<steady_duration::rep>(
      static_cast<double>(delay_.count()) * static_cast<double>(random >> 11) * 0x1p-53
  );
  return now + steady_duration(drawn);
}

bool feed_state::tick(time_point now) {
  if (!is_dialled_ || is_cut_) return false;
  is_cut_ = is_on_ ? live_until_ <= now : now - began_ > longest_dial;
  return is_cut_;
}

feed_status::state feed_state::state(time_point now) const noexcept {
  if (live_until_ > now) return feed_status::state::live;
  return was_live_ ? feed_status::state::stale : feed_status::state::connecting;
}

time_point feed_state::since(time_point now) const noexcept {
  if (live_until_ > now) return live_since_;
  return was_live_ ? live_until_ : began_;
}

}  // namespace weir
