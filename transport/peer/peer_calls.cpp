#include "peer/peer_calls.hpp"

#include <algorithm>
#include <utility>

namespace weir {

std::optional<std::uint64_t> peer_calls::add(
    frame_type request,
    time_point now,
    time_point deadline,
    peer_callback& done,
    std::shared_ptr<call_watcher> watcher
) {
  if (free_.empty()) {
    if (places_.size() >= capacity) return std::nullopt;
    free_.push_back(static_cast<std::uint32_t>(places_.size()));
    places_.emplace_back();
  }
  const std::uint32_t at = free_.back();
  free_.pop_back();
  place& one = places_[at];
  one.id = ++last_number_ << 16 | at;
  one.request = request;
  one.sent = now;
  one.deadline = deadline;
  one.done = std::move(done);
  one.watcher = std::move(watcher);
  earliest_ = std::min(earliest_, deadline);
  ++used_;
  ++waiting_;
  return one.id;
}

void peer_calls::release(place& one) {
  free_.push_back(static_cast<std::uint32_t>(&one - places_.data()));
  one.id = 0;
  one.late = false;
  one.is_loading = false;
  one.watcher.reset();
  --used_;
}

peer_calls::answered peer_calls::take(std::uint64_t id, frame_type reply) {
  answered found;
  const std::size_t at = id & 0xffff;
  if (id == 0 || at >= places_.size() || places_[at].id != id) return found;
  place& one = places_[at];
  found.request = one.request;
  if (reply != frame_type::fault && reply != reply_to(one.request)) {
    found.how = match::mismatched;
    return found;
  }
  found.sent = one.sent;
  found.how = one.late ? match::late : match::taken;
  if (!one.late) {
    found.done = std::move(one.done);
    --waiting_;
  }
  release(one);
  return found;
}

peer_calls::noticed peer_calls::note_loading(std::uint64_t id) {
  const std::size_t at = id & 0xffff;
  if (id == 0 || at >= places_.size() || places_[at].id != id) return {};
  place& one = places_[at];
  const bool is_get = one.request == frame_type::get || one.request == frame_type::get_many;
  if (!is_get || std::exchange(one.is_loading, true)) return {match::mismatched, {}};
  if (one.late) return {match::late, {}};
  return {match::taken, one.watcher};
}

unsigned peer_calls::expire(time_point now, time_point heard, std::vector<peer_callback>& out) {
  unsigned unheard = 0;
  if (now < earliest_) return unheard;
  earliest_ = time_point::max();
  for (place& one : places_) {
    if (one.id == 0) continue;
    if (one.deadline <= now) {
      if (one.late) {
        release(one);
        continue;
      }
      unheard += one.request == frame_type::ping && one.sent > heard ? 1 : 0;
      out.push_back(std::move(one.done));
      one.watcher.reset();
      --waiting_;
      one.late = true;
      one.deadline = now + late_for;
    }
    earliest_ = std::min(earliest_, one.deadline);
  }
  return unheard;
}

void peer_calls::abandon(time_point now, std::vector<peer_callback>& out) {
  for (place& one : places_) {
    if (one.id == 0 || one.late) continue;
    out.push_back(std::move(one.done));
    one.watcher.reset();
    one.late = true;
    one.deadline = now + late_for;
  }
  waiting_ = 0;
}

}  // namespace weir
