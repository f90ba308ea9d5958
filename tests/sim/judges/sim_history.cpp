#include "tests/sim/judges/sim_history.hpp"

#include <algorithm>

namespace weir::sim {

std::string_view name(request_kind kind) noexcept {
  switch (kind) {
    case request_kind::get:
      return "get";
    case request_kind::owner_get:
      return "owner get";
    case request_kind::fresh_get:
      return "fresh get";
    case request_kind::put:
      return "put";
    case request_kind::remove:
      return "remove";
    case request_kind::invalidate:
      return "invalidate";
    case request_kind::clear:
      return "clear";
  }
  return "?";
}

std::string_view name(request_end end) noexcept {
  switch (end) {
    case request_end::pending:
      return "pending";
    case request_end::value:
      return "value";
    case request_end::not_found:
      return "not_found";
    case request_end::ok:
      return "ok";
    case request_end::partial:
      return "partial";
    case request_end::failed:
      return "failed";
    case request_end::died:
      return "connection_lost";
  }
  return "?";
}

std::string_view name(fault_kind kind) noexcept {
  switch (kind) {
    case fault_kind::crash:
      return "crash";
    case fault_kind::freeze:
      return "freeze";
    case fault_kind::cut:
      return "cut";
    case fault_kind::wires:
      return "loss";
    case fault_kind::join:
      return "join";
    case fault_kind::leave:
      return "leave";
    case fault_kind::remove:
      return "remove";
  }
  return "?";
}

bool history::is_faulty(instant when, duration after) const noexcept {
  return std::any_of(faults.begin(), faults.end(), [&](const fault_record& f) {
    return f.from <= when && (f.until == instant::max() || when < f.until + after);
  });
}

}  // namespace weir::sim
