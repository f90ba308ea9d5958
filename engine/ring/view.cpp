#define XXH_INLINE_ALL
#include "values/digest_text.hpp"

#include <weir/engine/view.hpp>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <utility>
#include <xxhash.h>

namespace weir {

namespace {

constexpr std::uint64_t digest_seed = 0x7765697276696577;  // "weirview"

// Rings of equal digest must be equal.
std::uint64_t digest_of(const std::vector<member>& members, const ring_settings& settings) {
  std::string text;
  append(text, settings.vnodes);
  append(text, std::bit_cast<std::uint64_t>(settings.bounded_load));
  append(text, members.size());
  for (const auto& each : members) {
    append(text, each.id);
    append(text, each.incarnation);
    append(text, each.weight);
  }
  return XXH3_64bits_withSeed(text.data(), text.size(), digest_seed);
}

}  // namespace

std::string check_ring(const ring_settings& settings) {
  if (settings.vnodes < 1 || settings.vnodes > max_vnodes) {
    return "ring: vnodes is " + std::to_string(settings.vnodes) + "; set 1.." +
           std::to_string(max_vnodes);
  }
  const bool off = settings.bounded_load == 0;
  const bool in_range = settings.bounded_load >= 1 && settings.bounded_load <= max_bounded_load;
  if (!off && !in_range) {  // also catches NaN
    return "ring: bounded_load is " + std::to_string(settings.bounded_load) +
           "; set 0 (off) or 1.." + std::to_string(static_cast<int>(max_bounded_load));
  }
  return {};
}

std::vector<member> sorted_by_id(std::vector<member> members) {
  std::sort(members.begin(), members.end(), [](const member& a, const member& b) {
    return a.id < b.id;
  });
  return members;
}

std::string check_members(
    const std::vector<member>& members, const ring_settings& settings, std::size_t max_members
) {
  if (auto fault = check_ring(settings); !fault.empty()) return fault;
  if (members.size() > max_members) {
    return "view: " + std::to_string(members.size()) + " members; at most " +
           std::to_string(max_members) + " are possible";
  }
  std::uint64_t weights = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto& each = members[i];
    if (each.id.empty()) return "view: a member has an empty id; name every node";
    if (each.id.size() > max_name) {
      return "view: a member id has " + std::to_string(each.id.size()) + " bytes; use at most " +
             std::to_string(max_name);
    }
    if (i > 0 && members[i - 1].id == each.id) {
      return "view: two members are called '" + each.id + "'; give every node an id of its own";
    }
    if (each.weight > max_weight) {
      return "view: member '" + each.id + "' has weight " + std::to_string(each.weight) +
             "; set 0.." + std::to_string(max_weight);
    }
    weights += each.weight;
  }
  if (weights * settings.vnodes > max_ring_points) {
    return "ring: " + std::to_string(weights * settings.vnodes) +
           " points (vnodes x weights); at most " + std::to_string(max_ring_points) +
           " are possible: lower vnodes or the weights";
  }
  return {};
}

view::view(std::vector<member> members, ring_settings settings)
    : members_(sorted_by_id(std::move(members))), settings_(settings) {
  if (auto fault = check_members(members_, settings_, max_view_members); !fault.empty()) {
    throw std::invalid_argument(fault);
  }
  settings_.bounded_load += 0.0;  // -0.0 is 0.0 in the digest too
  digest_ = digest_of(members_, settings_);
}

view::view(checked, std::vector<member> members, ring_settings settings)
    : members_(std::move(members)), settings_(settings), digest_(digest_of(members_, settings_)) {}

const member* view::find(std::string_view id) const noexcept {
  const auto at = std::lower_bound(
      members_.begin(),
      members_.end(),
      id,
      [](const member& each, std::string_view wanted) { return each.id < wanted; }
  );
  return at != members_.end() && at->id == id ? &*at : nullptr;
}

view view::with(member joined) const {
  auto members = members_;
  std::erase_if(members, [&](const member& each) { return each.id == joined.id; });
  members.push_back(std::move(joined));
  return view(std::move(members), settings_);
}

view view::without(std::string_view id) const {
  auto members = members_;
  std::erase_if(members, [&](const member& each) { return each.id == id; });
  return view(checked{}, std::move(members), settings_);
}

}  // namespace weir
