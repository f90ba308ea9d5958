// What the electorate answers: which nodes count, and which sets of members are enough.

#include "agreement/electorate.hpp"

#include <algorithm>

namespace weir {

std::vector<std::vector<std::string>> electorate::views() const {
  std::vector<std::vector<std::string>> out;
  for (const auto& each : views_) out.push_back(each.ids);
  return out;
}

bool electorate::contains(const member_life& who) const {
  const auto found = members_.find(who.id);
  return found != members_.end() && found->second.contains(who.incarnation);
}

bool electorate::is_removed(const member_life& who) const {
  const auto found = removed_.find(who.id);
  return found != removed_.end() &&
         std::find(found->second.begin(), found->second.end(), who.incarnation) !=
             found->second.end();
}

std::uint64_t electorate::incarnation_of(std::string_view id) const {
  const auto found = members_.find(id);
  return found == members_.end() || found->second.empty() ? 0 : *found->second.rbegin();
}

bool electorate::knows_ring() const {
  return is_settled_ || has_met_settled_ || !rules_.strangers_count_at_start;
}

std::size_t electorate::unknown_in(const counted_view& view) const {
  if (&view != &views_.back() || knows_ring()) return 0;
  const auto& all = named_.strangers;
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& each) {
    return is_counted(each.second.id);
  }));
}

std::size_t electorate::size_with_all() const {
  const auto& ids = named_.ids;
  const auto is_new = [&](const std::string& id) { return !everyone_.contains(id); };
  const auto more = static_cast<std::size_t>(std::count_if(ids.begin(), ids.end(), is_new));
  return everyone_.size() + more + named_.strangers.size();
}

bool electorate::is_stranger(std::string_view id) const {
  const auto& all = named_.strangers;
  return std::any_of(all.begin(), all.end(), [&](const auto& each) {
    return each.second.id == id;
  });
}

// An operator's command outweighs discovery, until the node is back.
bool electorate::is_counted(const std::string& id) const {
  return !forgotten_.contains(id) || members_.contains(id);
}

bool electorate::is_vouched(const std::string& id) const {
  return is_settled_ || has_met_settled_ || !rules_.wait_until_vouched ||
         !named_.unvouched.contains(id);
}

bool electorate::is_named(const std::string& id) const {
  const bool is_idle = knows_ring() && named_.idle.contains(id) && !everyone_.contains(id);
  return is_counted(id) && !is_idle;
}

std::size_t electorate::named_count(const std::function<bool(const std::string&)>& test) const {
  const auto& ids = named_.ids;
  return static_cast<std::size_t>(std::count_if(ids.begin(), ids.end(), [&](const auto& id) {
    return is_named(id) && test(id);
  }));
}

std::size_t electorate::named_count() const {
  const auto counts = [&](const auto& each) {
    if (!is_counted(each.second.id)) return false;
    if (!knows_ring()) return true;
    return !each.second.is_idle && rules_.strangers_count_as_named;
  };
  const auto& all = named_.strangers;
  const auto strangers = std::count_if(all.begin(), all.end(), counts);
  return named_count([](const std::string&) { return true; }) + static_cast<std::size_t>(strangers);
}

std::size_t electorate::unvouched_count(const std::function<bool(const std::string&)>& test) const {
  return named_count([&](const std::string& id) { return !is_vouched(id) && test(id); });
}

std::size_t electorate::named_needed() const {
  if (!rules_.half_of_named) return 0;
  return knows_ring() ? (named_count() + 1) / 2 : named_count() / 2 + 1;
}

bool electorate::is_half_of_named(const std::function<bool(const std::string&)>& test) const {
  const auto counts = [&](const std::string& id) { return is_vouched(id) && test(id); };
  return named_count(counts) >= named_needed() || are_all_named(test);
}

bool electorate::is_half_here() const {
  return is_half_of_named([&](const std::string& id) { return everyone_.contains(id); });
}

bool electorate::has_met_majority() const {
  const auto is_heard = [&](const std::string& id) {
    return id == self_.id || known_by_.contains(id);
  };
  return is_majority(is_heard) && is_half_of_named(is_heard);
}

bool electorate::are_all_named(const std::function<bool(const std::string&)>& test) const {
  const auto& ids = named_.ids;
  return named_.strangers.empty() && std::all_of(ids.begin(), ids.end(), [&](const auto& id) {
           return !is_counted(id) || test(id);
         });
}

bool electorate::is_majority(const std::function<bool(const std::string&)>& test) const {
  return std::all_of(views_.begin(), views_.end(), [&](const counted_view& each) {
    const auto count =
        static_cast<std::size_t>(std::count_if(each.ids.begin(), each.ids.end(), test));
    return 2 * count > each.ids.size() + unknown_in(each);
  });
}

time_point electorate::majority_time(const std::function<time_point(const std::string&)>& time_of
) const {
  auto earliest = time_point::max();
  for (const auto& each : views_) {
    std::vector<time_point> times;
    for (const auto& id : each.ids) times.push_back(time_of(id));
    const auto needed = (each.ids.size() + unknown_in(each)) / 2 + 1;
    if (needed > times.size()) return time_point::min();
    std::sort(times.begin(), times.end(), std::greater<>());
    earliest = std::min(earliest, times[needed - 1]);
  }
  std::vector<time_point> times;
  auto all = time_point::max();  // the earliest of all named nodes
  named_count([&](const std::string& id) {
    const auto until = everyone_.contains(id) ? time_of(id) : time_point::min();
    if (is_vouched(id)) times.push_back(until);
    all = std::min(all, until);
    return true;
  });
  const auto needed = named_needed();
  if (needed == 0) return earliest;
  if (!named_.strangers.empty()) all = time_point::min();
  if (needed > times.size()) return std::min(earliest, all);
  std::sort(times.begin(), times.end(), std::greater<>());
  return std::min(earliest, std::max(all, times[needed - 1]));
}

bool electorate::can_block(
    std::string_view missing, const std::function<bool(const std::string&)>& test
) const {
  const auto blocks = [&](const std::string& id) { return id != missing && test(id); };
  if (!is_half_of_named(blocks)) return false;
  return std::all_of(views_.begin(), views_.end(), [&](const counted_view& each) {
    if (std::find(each.ids.begin(), each.ids.end(), missing) == each.ids.end()) return true;
    const auto count =
        static_cast<std::size_t>(std::count_if(each.ids.begin(), each.ids.end(), blocks));
    return 2 * count >= each.ids.size() + unknown_in(each);
  });
}

}  // namespace weir
