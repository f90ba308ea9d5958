#pragma once

#include <weir/engine/errc.hpp>
#include <weir/engine/options.hpp>
#include <weir/transport/http_message.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Why a request is not carried out: an error of the table, and what was wrong in words.
struct door_refusal {
  errc code = errc::bad_request;
  std::string detail;
};

/// Whether an If-None-Match field of a GET names `current` (RFC 9110, 13.1.2: a list of tags or
/// `*`, weak comparison), so that 304 is the answer. A malformed field matches nothing.
bool none_match_names(std::string_view field, version current) noexcept;

/// Whether an If-Match field of a GET names `current` (RFC 9110, 13.1.1: strong comparison); 412 is
/// the answer when it does not.
bool match_names(std::string_view field, version current) noexcept;

/// Reads If-Match and If-None-Match of a change into `out`. Allowed are one tag in If-Match or `*`
/// in If-None-Match. A tag that no weir ever gave is a conflict; what is no tag is a bad request.
std::optional<door_refusal> read_condition(const http_request& request, precondition& out);

/// Reads the `ttl` parameter of a put: 1 ms to 30 days with a unit.
std::optional<door_refusal> read_ttl(std::string_view query, std::optional<timespan>& out);

}  // namespace weir
