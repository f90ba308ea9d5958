#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/errc.hpp>
#include <weir/transport/http_message.hpp>

#include <string>
#include <string_view>

namespace weir WEIR_API {

/// An answer of type application/problem+json (RFC 9457) with `status`, `title`, `detail` and
/// `code`. `detail` may hold any bytes; what is not UTF-8 is replaced. An `overloaded` one asks for
/// a retry after one second.
http_response problem(
    unsigned status, std::string_view code, std::string_view title, std::string_view detail
);

/// The same, with status and title that belong to `code`. Unless it is empty, what the source said
/// stands in a member of its own, `source`: text from outside, apart from ours.
http_response problem(errc code, std::string_view detail, std::string_view source = {});

/// The HTTP status of `code`: not_found is 404.
unsigned http_status(errc code) noexcept;

}  // namespace weir
