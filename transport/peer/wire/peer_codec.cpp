#include "peer/wire/peer_codec.hpp"

#include "peer/wire/peer_codec_parts.hpp"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <variant>

namespace weir {
namespace {

error_code check_key(std::string_view key) {
  if (key.empty()) return errc::bad_key;
  return key.size() > max_key_bytes ? error_code(errc::too_large) : error_code();
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
  if (request.kind == change_kind::clear) return errc::bad_request;
  if (const auto error = check_key(request.key)) return error;
  if (request.value.size() > limits.max_value) return errc::too_large;
  if (request.kind != change_kind::put && !request.value.empty()) return errc::bad_request;
  if (request.ttl && (request.ttl->count() < 0 || *request.ttl > max_ttl)) return errc::bad_request;
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

constexpr frame_type type_at(frame_type first, std::size_t index) noexcept {
  return static_cast<frame_type>(static_cast<std::size_t>(first) + index);
}

/// The number of `Message` among the alternatives of a variant.
template <class Message, class... All>
constexpr std::size_t place_in(const std::variant<All...>*) noexcept {
  constexpr bool is_it[] = {std::is_same_v<Message, All>...};
  return static_cast<std::size_t>(std::find(std::begin(is_it), std::end(is_it), true) - is_it);
}

/// Whether frames of the types `request` and `reply` carry these messages.
template <class Request, class Reply>
constexpr bool carry(frame_type request, frame_type reply) noexcept {
  constexpr const request_body* requests = nullptr;
  constexpr const reply_body* replies = nullptr;
  return type_at(frame_type::get, place_in<Request>(requests)) == request &&
         type_at(frame_type::get_reply, place_in<Reply>(replies)) == reply &&
         reply_to(request) == reply;
}

// The variants list their alternatives in the order of the frame types. A new message goes to the
// end of both, and gets a line here.
using type = frame_type;
static_assert(carry<get_request, get_reply>(type::get, type::get_reply));
static_assert(carry<get_many_request, get_many_reply>(type::get_many, type::get_many_reply));
static_assert(carry<change_request, change_reply>(type::change, type::change_reply));
static_assert(carry<ping_request, ping_reply>(type::ping, type::ping_reply));
static_assert(carry<leave_request, leave_reply>(type::leave, type::leave_reply));
static_assert(carry<confirm_request, confirm_reply>(type::confirm, type::confirm_reply));
static_assert(carry<feed_request, feed_reply>(type::feed, type::feed_reply));
static_assert(carry<vote_request, vote_reply>(type::vote, type::vote_reply));
static_assert(carry<relay_request, relay_reply>(type::relay, type::relay_reply));
static_assert(carry<report_request, report_reply>(type::report, type::report_reply));
static_assert(std::variant_size_v<request_body> == 10 && std::variant_size_v<reply_body> == 10);
static_assert(is_request(type::report) && is_reply(type::report_reply));

}  // namespace

error_code check_request(const peer_request& request, const frame_limits& limits) {
  return std::visit([&](const auto& body) { return check_body(body, limits); }, request.body);
}

frame_type type_of(const request_body& body) noexcept {
  return type_at(frame_type::get, body.index());
}

frame_type type_of(const reply_body& body) noexcept {
  return type_at(frame_type::get_reply, body.index());
}

}  // namespace weir
