#include "postgres/pg_failure.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace weir {
namespace {

using namespace std::string_view_literals;

template <std::size_t Count>
bool is_one_of(std::string_view state, const std::array<std::string_view, Count>& all) {
  return std::find(all.begin(), all.end(), state) != all.end();
}

/// Lock timeout, statement timeout, too many connections, serialisation failure, deadlock.
constexpr std::array busy{"55P03"sv, "57014"sv, "53300"sv, "40001"sv, "40P01"sv};

/// String too long for the column, limit of the program (a key too long for an index).
constexpr std::array large{"22001"sv, "54000"sv};

/// Result type changed, no such statement; datatype mismatch, no such operator, no such cast.
constexpr std::array outdated{"0A000"sv, "26000"sv, "42804"sv, "42883"sv, "42846"sv};

}  // namespace

bool pg_fault::is_stale() const {
  return what == kind::refused && is_one_of(state, outdated);
}

errc pg_load_error(const pg_fault& fault) noexcept {
  if (fault.what == pg_fault::kind::late) return errc::deadline_exceeded;
  if (fault.what == pg_fault::kind::refused && is_one_of(fault.state, busy))
    return errc::overloaded;
  return errc::source_failed;
}

errc pg_write_error(const pg_fault& refused, const pg_statement& of) noexcept {
  const std::string_view state = refused.state;
  const auto kind = state.substr(0, 2);
  if (is_one_of(state, busy)) return errc::overloaded;
  if (is_one_of(state, large)) return errc::too_large;
  if (state == "23505" && of.takes_no_key_twice) return errc::conflict;
  // Data, constraint, check option, and what a function of the database raises.
  if (kind == "22" || kind == "23" || kind == "44" || kind == "P0") return errc::bad_request;
  // Syntax and rights, read-only server, feature, login, no such statement, resources.
  constexpr std::array never{"42"sv, "25"sv, "0A"sv, "28"sv, "26"sv, "53"sv, "54"sv};
  if (is_one_of(kind, never)) return errc::source_failed;
  return errc::unknown_outcome;
}

bool is_key_fault(const pg_fault& fault) noexcept {
  constexpr std::array unfit{"22021"sv, "22P05"sv};  // no such character in the encoding
  return fault.what == pg_fault::kind::refused && is_one_of(fault.state, unfit);
}

}  // namespace weir
