#include "membership/serving_mark.hpp"

namespace weir {
namespace {

// And a minute until the gap was noticed: together less than vouched_after.
constexpr milliseconds max_gap{10'000};

}  // namespace

void serving_mark::told(std::optional<bool> is_serving, time_point now, milliseconds heeded) {
  if (is_serving.value_or(false)) {
    if (now_ != mark::served) heeded_from_ = now + heeded;
    now_ = mark::served;
    if (!served_since_) served_since_ = now;
  } else if (now_ == mark::served) {
    return;
  } else if (!is_serving) {
    if (now_ != mark::idle) return;
    now_ = mark::lost;
    lost_since_ = now;
  } else if (now_ == mark::lost && now - lost_since_ >= max_gap) {
    now_ = mark::served;  // it may have been meanwhile
  } else {
    now_ = mark::idle;
  }
}

}  // namespace weir
