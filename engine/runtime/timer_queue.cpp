#include "runtime/timer_queue.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t children = 4;

}  // namespace

timer_id timer_queue::add(time_point when, completion<> callback) {
  if (heap_.size() == heap_.capacity()) heap_.reserve(std::max<std::size_t>(64, heap_.size() * 2));
  const std::uint32_t at = take_slot();
  heap_.push_back({});
  slots_[at].callback = std::move(callback);
  sift_up(heap_.size() - 1, {when, order_++, at});
  return std::uint64_t{slots_[at].generation} << 32 | std::uint64_t{tag_} << 24 | at;
}

completion<> timer_queue::cancel(timer_id timer) noexcept {
  const auto at = static_cast<std::uint32_t>(timer & (max_timers - 1));
  if (at >= slots_.size()) return {};
  const slot& found = slots_[at];
  if (!found.callback || found.generation != timer >> 32) return {};
  return remove(found.place);
}

completion<> timer_queue::pop_due(time_point now) noexcept {
  if (heap_.empty() || heap_.front().when > now) return {};
  return remove(0);
}

std::optional<time_point> timer_queue::next() const noexcept {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().when;
}

std::vector<completion<>> timer_queue::clear() {
  std::vector<completion<>> out;
  out.reserve(heap_.size());
  while (!heap_.empty()) out.push_back(remove(static_cast<std::uint32_t>(heap_.size() - 1)));
  return out;
}

std::uint32_t timer_queue::take_slot() {
  if (free_ != none) return std::exchange(free_, slots_[free_].place);
  if (slots_.size() == max_timers)
    throw std::length_error("weir: more than 16777216 timers on one loop");
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

completion<> timer_queue::remove(std::uint32_t place) noexcept {
  const std::uint32_t at = heap_[place].slot;
  const node last = heap_.back();
  heap_.pop_back();
  if (place < heap_.size()) {
    const bool rises = place > 0 && last.before(heap_[(place - 1) / children]);
    rises ? sift_up(place, last) : sift_down(place, last);
  }
  slot& freed = slots_[at];
  completion<> callback = std::move(freed.callback);
  freed.callback = nullptr;
  if (++freed.generation == 0) freed.generation = 1;
  freed.place = std::exchange(free_, at);
  return callback;
}

void timer_queue::put(std::size_t place, const node& what) noexcept {
  heap_[place] = what;
  slots_[what.slot].place = static_cast<std::uint32_t>(place);
}

void timer_queue::sift_up(std::size_t place, const node& what) noexcept {
  while (place > 0) {
    const std::size_t parent = (place - 1) / children;
    if (!what.before(heap_[parent])) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, what);
}

void timer_queue::sift_down(std::size_t place, const node& what) noexcept {
  for (;;) {
    const std::size_t first = place * children + 1;
    if (first >= heap_.size()) break;
    const auto begin = heap_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end =
        heap_.begin() + static_cast<std::ptrdiff_t>(std::min(first + children, heap_.size()));
    const auto least =
        std::min_element(begin, end, [](const node& a, const node& b) { return a.before(b); });
    if (!least->before(what)) break;
    const auto found = static_cast<std::size_t>(least - heap_.begin());
    put(place, *least);
    place = found;
  }
  put(place, what);
}

}  // namespace weir
