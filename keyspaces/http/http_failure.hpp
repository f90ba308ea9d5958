#pragma once

#include <weir/engine/result.hpp>

#include <string>

namespace weir {

/// What kept a request to `server` ("host:port") from its answer, in words that name the culprit.
/// `said` is what the client said of an answer that is no HTTP; may be empty.
std::string http_failure_text(
    const std::string& server, const error_code& error, const std::string& said
);

}  // namespace weir
