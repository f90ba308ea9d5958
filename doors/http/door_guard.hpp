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

/// Whether the request changes something, be it only copies.
bool is_change(const http_request& request, door_page page) noexcept;

/// Whether a page of another origin sent this from somebody's browser (Origin, Sec-Fetch-Site).
bool is_from_foreign_page(const http_request& request) noexcept;

/// A status of its own for `code`, and why.
struct field_refusal {
  unsigned status = 400;
  std::string detail;
};

/// What stands in the head that the door would have to ignore though it changes what the request
/// means: for a change or a batch. docs/http.md has the list.
std::optional<field_refusal> refuse_fields(const http_request& request, door_op op);

}  // namespace weir
