#include "source/trouble_log.hpp"

namespace weir {

std::optional<trouble_log::line> trouble_log::failed(time_point now) {
  if (failures_ == 0) began_ = now;
  ++failures_;
  is_failing_ = true;
  last_ = now;
  return tell(now);
}

std::optional<trouble_log::line> trouble_log::succeeded(time_point now) {
  if (!is_failing_) return std::nullopt;
  is_failing_ = false;
  last_ = now;
  if (!is_told_) return std::nullopt;  // counted with what comes next, or by tick()
  return end(now);
}

std::optional<trouble_log::line> trouble_log::tick(time_point now) {
  if (is_quiet()) return std::nullopt;
  if (is_failing_ && how_ == ends::by_silence && now - last_ >= interval) {
    is_failing_ = false;
    return end(last_);
  }
  if (is_failing_) return tell(now);
  if (may_tell(now)) return end(last_);
  return std::nullopt;
}

std::optional<trouble_log::line> trouble_log::tell(time_point now) {
  if (!may_tell(now) || failures_ == told_failures_) return std::nullopt;
  told_at_ = now;
  told_failures_ = failures_;
  is_told_ = true;
  return line{line::kind::failing, failures_, now - began_};
}

trouble_log::line trouble_log::end(time_point now) {
  const line over{line::kind::over, failures_, now - began_};
  failures_ = told_failures_ = 0;
  is_told_ = false;
  return over;
}

}  // namespace weir
