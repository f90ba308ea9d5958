#include "http/door_guard.hpp"

#include <weir/transport/http_target.hpp>

#include <algorithm>

namespace weir {
namespace {

bool is_name(const http_field& field, std::string_view name) noexcept {
  return http_name_equal(field.name, name);
}

std::string_view without_port(std::string_view host) noexcept {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']') + 1, host.size()));
  return host.substr(0, host.find(':'));
}

/// 127.0.0.0/8, four numbers.
bool is_loopback_v4(std::string_view host) noexcept {
  if (!host.starts_with("127.")) return false;
  const auto is_good = [](char c) { return (c >= '0' && c <= '9') || c == '.'; };
  return std::all_of(host.begin(), host.end(), is_good) &&
         std::count(host.begin(), host.end(), '.') == 3;
}

/// "http://host:port" against the Host field.
bool is_same_origin(std::string_view origin, std::string_view host) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return http_name_equal(origin.substr(scheme.size()), host);
  }
  return false;
}

bool is_multipart_of_ranges(std::string_view type) noexcept {
  constexpr std::string_view ranges = "multipart/byteranges";
  return http_name_equal(type.substr(0, ranges.size()), ranges);
}

}  // namespace

bool is_this_machine(std::string_view host) noexcept {
  const auto name = without_port(host);
  return http_name_equal(name, "localhost") || is_loopback_v4(name) || name == "[::1]";
}

bool is_change(const http_request& request, door_page page) noexcept {
  switch (request.method) {
    case http_method::put:
    case http_method::delete_:
    case http_method::purge:
      return true;
    case http_method::post:
      return page != door_page::keyspace || query_parameter(request.query, "purge").has_value();
    case http_method::get:
    case http_method::head:
      return page == door_page::key && !request.query.empty() &&
             query_parameter(request.query, "fresh").has_value();
    default:
      return false;
  }
}

bool is_from_foreign_page(const http_request& request) noexcept {
  for (const auto& field : request.fields) {
    if (is_name(field, "Origin") && !is_same_origin(field.value, request.host)) return true;
    if (!is_name(field, "Sec-Fetch-Site")) continue;
    if (field.value == "cross-site" || field.value == "same-site") return true;
  }
  return false;
}

std::optional<field_refusal> refuse_fields(const http_request& request, door_op op) {
  if (op == door_op::get) return std::nullopt;
  const bool is_batch = op != door_op::put && op != door_op::remove && op != door_op::invalidate;
  for (const auto& field : request.fields) {
    const auto is = [&field](std::string_view name) { return is_name(field, name); };
    if (is("Content-Range") || (is("Content-Type") && is_multipart_of_ranges(field.value))) {
      return field_refusal{400, "the body is a part of the value; send the whole of it"};
    }
    if (is("Content-Encoding") && !http_name_equal(field.value, "identity")) {
      return field_refusal{
          415,
          "the body is encoded, and the encoding would not be kept; send it without "
          "Content-Encoding"};
    }
    if (is("If-Modified-Since") || is("If-Unmodified-Since")) {
      return field_refusal{
          400, "values have no dates; a change is conditional by If-Match or If-None-Match: *"};
    }
    if (is_batch && (is("If-Match") || is("If-None-Match"))) {
      return field_refusal{400, "a request for several keys takes no precondition"};
    }
  }
  return std::nullopt;
}

}  // namespace weir
