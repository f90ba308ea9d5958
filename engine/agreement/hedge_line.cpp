#include "agreement/hedge_line.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr milliseconds grace{20};  // after a pause: first it reads what came meanwhile
constexpr milliseconds suspect_poll{100};
constexpr milliseconds min_pause{1};

}  // namespace

void hedge_line::list::push_back(read& one) noexcept {
  one.in = this;
  one.before = last_;
  one.after = nullptr;
  (last_ != nullptr ? last_->after : first_) = &one;
  last_ = &one;
  ++size_;
}

void hedge_line::list::remove(read& one) noexcept {
  (one.before != nullptr ? one.before->after : first_) = one.after;
  (one.after != nullptr ? one.after->before : last_) = one.before;
  one.in = nullptr;
  --size_;
}

std::optional<time_point> hedge_line::begin(read& sent, time_point now) {
  sent.began = now;
  waiting_.push_back(sent);
  if (due_) return std::nullopt;
  due_ = now + std::min(delay(), suspect_after);
  return due_;
}

void hedge_line::told(read& of, time_point now) {
  if (of.in == nullptr || of.in == &told_ || !rules_.loading_ends_hedge) return;
  sample(of.began, now);
  of.in->remove(of);
  told_.push_back(of);
}

void hedge_line::end(read& of, time_point now, ending how) {
  if (of.in == nullptr) return;
  if (how == ending::answered) {
    if (of.in != &told_) sample(of.began, now);
    tokens_ = std::min(tokens_ + budget_, burst);
  }
  of.in->remove(of);
}

void hedge_line::sample(time_point began, time_point now) noexcept {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - began).count();
  took_[taken_++ % samples] =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(took, 0, 1 << 30));
}

// 1 microsecond, for every 32 answers at most.
milliseconds hedge_line::delay() {
  if (after_) return *after_;
  if (taken_ - judged_ < min_samples) return delay_;
  judged_ = taken_;
  auto all = took_;
  const auto count = std::min(taken_, samples);
  const auto p99 = all.begin() + static_cast<std::ptrdiff_t>((count - 1) * 99 / 100);
  std::nth_element(all.begin(), p99, all.begin() + static_cast<std::ptrdiff_t>(count));
  const auto twice =
      std::chrono::ceil<milliseconds>(std::chrono::microseconds(2 * std::int64_t{*p99}));
  delay_ = std::clamp(twice, min_delay, max_delay);
  return delay_;
}

bool hedge_line::trust_again(time_point heard) noexcept {
  if (!is_suspect_ || heard <= suspect_since_) return false;
  is_suspect_ = false;
  return true;
}

// What came while this node stood still lies unread: the first late look waits for it, and one
// that is late again goes on.
bool hedge_line::is_pause(time_point now) noexcept {
  const bool is_first = is_late(now) && !was_late_;
  was_late_ = is_late(now);
  return is_first && rules_.wait_again_after_pause;
}

hedge_line::decision hedge_line::on_timer(time_point now, time_point heard) {
  decision out;
  if (trust_again(heard)) out.what = news::trusted;
  is_in_grace_ = is_pause(now);
  if (is_in_grace_) {
    due_ = now + grace;
    out.again = due_;
    return out;
  }
  // A peer without a link gets no requests: its health says the rest.
  if (heard == never && unanswered() == 0) is_suspect_ = false;
  if (!is_suspect_) suspect(now, heard, out);
  hedge(now, heard, out);
  due_ = next_look(now, heard);
  out.again = due_;
  return out;
}

time_point hedge_line::oldest_unanswered() const noexcept {
  auto oldest = time_point::max();
  for (const auto* each : {waiting_.front(), hedged_.front()}) {
    if (each != nullptr) oldest = std::min(oldest, each->began);
  }
  return oldest;
}

void hedge_line::suspect(time_point now, time_point heard, decision& out) {
  if (unanswered() < suspect_waiting) return;
  if (now - std::max(heard, oldest_unanswered()) < suspect_after) return;
  is_suspect_ = true;
  suspect_since_ = now;
  out.what = news::suspect;
}

void hedge_line::hedge(time_point now, time_point heard, decision& out) {
  const auto take = [&](list& from) {
    auto& one = *from.front();
    from.remove(one);
    hedged_.push_back(one);
    out.hedge.push_back(&one);
  };
  if (is_suspect_) {  // what it works on may be lost as well
    while (!waiting_.empty()) take(waiting_);
    while (!told_.empty()) take(told_);
    return;
  }
  const auto silence = delay();
  if (now - heard < silence) return;
  while (!waiting_.empty() && now - waiting_.front()->began >= silence && tokens_ >= 1) {
    tokens_ -= 1;
    take(waiting_);
  }
  for (auto* each = waiting_.front(); each != nullptr; each = each->after) {
    if (now - each->began < silence) break;
    if (!each->was_refused) ++out.refused;
    each->was_refused = true;
  }
}

std::optional<time_point> hedge_line::next_look(time_point now, time_point heard) {
  if (is_suspect_) return now + suspect_poll;
  auto next = time_point::max();
  if (!waiting_.empty()) {
    next = std::max(waiting_.front()->began, heard) + delay();
    if (next <= now) next = now + delay();  // the budget is spent
    next = std::min<time_point>(next, now + suspect_after);
  }
  if (unanswered() >= suspect_waiting) {
    next = std::min(next, std::max(heard, oldest_unanswered()) + suspect_after);
  }
  if (next == time_point::max()) return std::nullopt;
  return std::max(next, now + min_pause);
}

}  // namespace weir
