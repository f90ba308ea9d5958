#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/result.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// How one poll of DNS ended.
enum class dns_outcome : std::uint8_t {
  answered,
  no_such_name,
  empty,
  failed,
  timed_out,
  malformed,
  too_many,
};
inline constexpr std::size_t dns_outcomes = static_cast<std::size_t>(dns_outcome::too_many) + 1;

/// The label of a metric: "answered", "timed_out", ...
std::string_view name(dns_outcome outcome) noexcept;

/// In the category "dns", whose messages say what to do.
error_code make_error_code(dns_outcome outcome) noexcept;

struct dns_finding {
  dns_outcome outcome = dns_outcome::failed;
  std::vector<std::string> addresses;  ///< host:port; of an answer only
  std::chrono::seconds ttl{0};         ///< the shortest of its records
};

struct dns_rules {
  milliseconds interval{5'000};       ///< between polls at most
  milliseconds shortest{1'000};       ///< between polls at least, whatever the TTL
  int absences = 3;                   ///< answers in a row without a candidate that drop it
  std::size_t most_candidates = 256;  ///< an answer with more changes nothing
};

/// What is known of the candidates after all polls so far: a function of the findings and the time.
///
/// Only answers change it. A known candidate is dropped when `absences` answers in a row do not
/// name it; anything other than an answer changes nothing and restarts that count. At most
/// `absences` times `most_candidates` are known at once. Not thread-safe.
class dns_candidates {
 public:
  explicit dns_candidates(dns_rules rules) : rules_(rules) {}

  struct step {
    /// What to report: the first finding, a changed list, a new kind of failure or its end.
    std::optional<result<std::vector<candidate>>> tell;
    time_point next;  ///< when to poll again
  };

  /// A poll ended at `now` with this finding.
  step take(const dns_finding& found, time_point now);

  std::uint64_t count(dns_outcome outcome) const noexcept {
    return counts_[static_cast<std::size_t>(outcome)];
  }

 private:
  dns_outcome checked(const dns_finding& found) const;
  bool update(const std::vector<std::string>& named);
  std::vector<candidate> list() const;

  dns_rules rules_;
  std::map<std::string, int> known_;  ///< by address: answers in a row without it
  std::optional<dns_outcome> last_;
  std::array<std::uint64_t, dns_outcomes> counts_{};
};

}  // namespace weir
