#include "dns/dns_candidates.hpp"

#include <algorithm>
#include <set>

namespace weir {
namespace {

class dns_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "dns"; }

  std::string message(int code) const override {
    switch (static_cast<dns_outcome>(code)) {
      case dns_outcome::answered:
        return "DNS answered";
      case dns_outcome::no_such_name:
        return "DNS knows no such name; check discovery.dns.name";
      case dns_outcome::empty:
        return "DNS has no records of this type under the name; check discovery.dns.type";
      case dns_outcome::failed:
        return "no DNS server could answer; check discovery.dns.servers";
      case dns_outcome::timed_out:
        return "no DNS server answered in time; check discovery.dns.servers";
      case dns_outcome::malformed:
        return "the DNS answer is malformed, or names an address or port nobody can dial; check "
               "the records of discovery.dns.name";
      case dns_outcome::too_many:
        return "the DNS answer names too many nodes; check the records of discovery.dns.name";
    }
    return "DNS failed";
  }
};

}  // namespace

std::string_view name(dns_outcome outcome) noexcept {
  switch (outcome) {
    case dns_outcome::answered:
      return "answered";
    case dns_outcome::no_such_name:
      return "no_such_name";
    case dns_outcome::empty:
      return "empty";
    case dns_outcome::failed:
      return "failed";
    case dns_outcome::timed_out:
      return "timed_out";
    case dns_outcome::malformed:
      return "malformed";
    case dns_outcome::too_many:
      return "too_many";
  }
  return "unknown";
}

error_code make_error_code(dns_outcome outcome) noexcept {
  static const dns_category category;
  return {static_cast<int>(outcome), category};
}

dns_outcome dns_candidates::checked(const dns_finding& found) const {
  if (found.outcome != dns_outcome::answered) return found.outcome;
  if (found.addresses.empty()) return dns_outcome::empty;
  const bool is_sane = found.addresses.size() <= rules_.most_candidates;
  return is_sane ? dns_outcome::answered : dns_outcome::too_many;
}

dns_candidates::step dns_candidates::take(const dns_finding& found, time_point now) {
  const auto outcome = checked(found);
  ++counts_[static_cast<std::size_t>(outcome)];
  const auto before = std::exchange(last_, outcome);
  step out;
  if (outcome == dns_outcome::answered) {
    const bool is_changed = update(found.addresses);
    if (is_changed || before != outcome) out.tell = list();
    const auto ttl = std::max<milliseconds>(found.ttl, rules_.shortest);
    out.next = now + std::min(ttl, rules_.interval);
    return out;
  }
  for (auto& [address, absences] : known_) absences = 0;
  if (before != outcome) out.tell = make_error_code(outcome);
  out.next = now + (known_.empty() ? rules_.shortest : rules_.interval);
  return out;
}

bool dns_candidates::update(const std::vector<std::string>& named) {
  const std::set<std::string_view> present(named.begin(), named.end());
  bool is_changed = false;
  for (auto each = known_.begin(); each != known_.end();) {
    each->second = present.contains(each->first) ? 0 : each->second + 1;
    if (each->second < rules_.absences) {
      ++each;
      continue;
    }
    each = known_.erase(each);
    is_changed = true;
  }
  for (const auto address : present) is_changed |= known_.emplace(address, 0).second;
  return is_changed;
}

std::vector<candidate> dns_candidates::list() const {
  std::vector<candidate> out;
  for (const auto& [address, absences] : known_) out.push_back({.id = {}, .address = address});
  return out;
}

}  // namespace weir
