#include "peer/remark_limiter.hpp"

#include <tuple>
#include <utility>

namespace weir {

std::uint64_t remark_limiter::take(const std::string& kind, time_point now) {
  auto found = kinds_.find(kind);
  if (found == kinds_.end()) {
    if (kinds_.size() >= most_) {
      std::erase_if(kinds_, [&](const auto& each) {
        return !each.first.empty() && now - each.second.told >= every_;
      });
    }
    const bool has_place = kinds_.size() < most_;
    bool is_new = false;
    std::tie(found, is_new) = kinds_.try_emplace(has_place ? kind : std::string());
    if (is_new) {
      found->second.told = now;
      return 1;
    }
  }
  auto& of = found->second;
  ++of.untold;
  if (now - of.told < every_) return 0;
  of.told = now;
  return std::exchange(of.untold, 0);
}

}  // namespace weir
