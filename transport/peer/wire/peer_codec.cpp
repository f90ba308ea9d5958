#include "peer/wire/peer_codec.hpp"

#include "peer/wire/peer_codec_parts.hpp"

#include <algorithm>

namespace weir {
namespace {

error_code check_key(std::string_view key) {
  if (key.empty()) return errc::bad_key;
  return key.size() > max_wire_key ? error_code(errc::too_large) : error_code();
}

error_code check_body(const get_request& request, const frame_limits&) {
  if (!is_keyspace_name(request.keyspace)) return errc::no_keyspace;
  return check_key(request.key);
}

error_code check_body(const get_many_request& request, const frame_limits&) {
  if (!is_keyspace_name(request.keyspace)) return errc::no_keyspace;
  if (request.keys.size() > max_batch_keys) return errc::too_large;
  for (const auto& key : request.keys) {
    if (const auto error = check_key(key)) return error;
  }
  return {};
}

error_code check_body(const change_request& request, const frame_limits& limits) {
  if (!is_keyspace_name(request.keyspace)) return errc::no_keyspace;
  if (request.kind == change_kind::clear) {
    if (!request.key.empty()) return errc::bad_request;
  } else if (const auto error = check_key(request.key)) {
    return error;
  }
  if (request.value.size() > limits.max_value) return errc::too_large;
  if (request.kind != change_kind::put && !request.value.empty()) return errc::bad_request;
  if (request.ttl && (request.ttl->count() < 0 || *request.ttl > max_wire_ttl))
    return errc::bad_request;
  return {};
}

error_code check_body(const ping_request&, const frame_limits&) {
  return {};
}

error_code check_body(const leave_request&, const frame_limits&) {
  return {};
}

error_code check_body(const report_request&, const frame_limits&) {
  return {};
}

error_code check_body(const confirm_request&, const frame_limits&) {
  return {};
}

error_code check_body(const feed_request& request, const frame_limits&) {
  return check_records(request.records);
}

error_code check_body(const vote_request& request, const frame_limits&) {
  if (!fits(request.missing) || request.since == 0 || request.first < request.since) {
    return errc::bad_request;
  }
  return check_records(request.records);
}

error_code check_body(const relay_request& request, const frame_limits&) {
  return check_records(request.records);
}

}  // namespace

error_code check_request(const peer_request& request, const frame_limits& limits) {
  return std::visit([&](const auto& body) { return check_body(body, limits); }, request.body);
}

bool is_keyspace_name(std::string_view name) noexcept {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= max_keyspace_name &&
         std::all_of(name.begin(), name.end(), allowed);
}

// Both variants list their alternatives in the order of the frame types.
frame_type type_of(const request_body& body) noexcept {
  return static_cast<frame_type>(static_cast<std::size_t>(frame_type::get) + body.index());
}

frame_type type_of(const reply_body& body) noexcept {
  return static_cast<frame_type>(static_cast<std::size_t>(frame_type::get_reply) + body.index());
}

}  // namespace weir
