#pragma once

#include "common/door_counters.hpp"
#include "http/door_route.hpp"

#include <weir/transport/http_message.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Whether the Host field names this machine: localhost, 127.0.0.0/8 or [::1], with any port. Names
/// of the outside that lead here are how web pages get around the rules of browsers.
bool is_this_machine(std::string_view host) noexcept;

/// Whether the request changes something, even if only copies.
bool is_change(const http_request& request, door_page page) noexcept;

/// Whether a web page of another origin sent this from a browser (Origin, Sec-Fetch-Site).
bool is_from_foreign_page(const http_request& request) noexcept;

/// A status of its own for `code`, and why.
struct field_refusal {
  unsigned status = 400;
  std::string detail;
};

/// What the head of a change or batch asks for that the door does not support and must not ignore,
/// as it changes what the request means. docs/http.md has the list.
std::optional<field_refusal> refuse_fields(const http_request& request, door_op op);

}  // namespace weir
