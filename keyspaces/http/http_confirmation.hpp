#pragma once

#include "http/cache_control.hpp"

#include <weir/engine/data_source.hpp>
#include <weir/transport/http_client.hpp>

#include <chrono>
#include <memory>

namespace weir {

/// What is kept of an answer beside its body: content type, entity tag, else the date of the last
/// change, and the lifetime that it was granted. Null when there is nothing. Fields of more than
/// 255 bytes are left out.
std::shared_ptr<const metadata> metadata_of(
    const http_client_response& answer, const http_freshness& granted
);

/// Makes a request conditional on `former` (RFC 9110, 13.1): If-None-Match, without a tag
/// If-Modified-Since. False, and nothing is added, when there is nothing to compare with.
bool add_condition(http_fields& to, const loaded* former);

/// The former value, confirmed by a 304 (RFC 9111, 4.3.4): what the 304 says replaces what the
/// value had, also how long it may be kept; where it says nothing, the lifetime that was granted
/// starts again. Nullopt when the 304 names another tag than the value's.
std::optional<loaded> confirmed(
    const loaded& former, const http_client_response& answer, std::chrono::sys_seconds now
);

}  // namespace weir
