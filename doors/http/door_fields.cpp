#include "http/door_fields.hpp"

#include <weir/transport/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace weir {
namespace {

bool is_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_token_char(char c) noexcept {
  constexpr std::string_view others = "0123456789!#$%&'*+-.^_`|~:/";
  return is_alpha(c) || others.find(c) != std::string_view::npos;
}

std::string_view text_of(served_detail detail) noexcept {
  switch (detail) {
    case served_detail::none:
      return {};
    case served_detail::near:
      return "near";
    case served_detail::gutter:
      return "gutter";
    case served_detail::passthrough:
      return "passthrough";
    case served_detail::unleased:
      return "unleased";
    case served_detail::stale:
      return "stale";
  }
  return {};
}

}  // namespace

void append_etag(std::string& out, version v) {
  std::array<char, 40> text;
  auto* const last = text.data() + text.size();
  auto* end = text.data();
  *end++ = '"';
  end = std::to_chars(end, last, v.epoch, 16).ptr;
  *end++ = '-';
  end = std::to_chars(end, last, v.seq, 16).ptr;
  *end++ = '"';
  out.append(text.data(), end);
}

void append_item(std::string& out, std::string_view id) {
  const bool is_token = !id.empty() && (is_alpha(id.front()) || id.front() == '*') &&
                        std::all_of(id.begin(), id.end(), is_token_char);
  if (is_token) {
    out.append(id);
    return;
  }
  out.push_back('"');
  for (const char c : id) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  }
  out.push_back('"');
}

door_fields::door_fields(std::string_view own_id) : own_id_(own_id) {
  append_item(own_item_, own_id);
}

void door_fields::add(http_response& response, const lookup& found, std::string& scratch) const {
  const auto& entry = found.entry;
  if (found.found) {
    const bool has_type = entry.meta && !entry.meta->content_type.empty();
    response.add(
        "Content-Type",
        has_type ? std::string_view(entry.meta->content_type)
                 : std::string_view("application/octet-stream")
    );
    response.add("X-Content-Type-Options", "nosniff");
  }
  if (entry.version) {
    scratch.clear();
    append_etag(scratch, entry.version);
    response.add("ETag", scratch);
  }
  scratch.clear();
  append_number(scratch, std::int64_t{std::chrono::floor<std::chrono::seconds>(entry.age).count()});
  response.add("Age", scratch);
  scratch.clear();
  append_cache_status(scratch, entry);
  response.add("Cache-Status", scratch);
}

void door_fields::append_cache_status(std::string& out, const entry& answer) const {
  const auto& from = answer.from;
  const bool is_elsewhere = !from.node.empty() && from.node != own_id_;
  const bool is_hit = from.from == served_from::memory || from.from == served_from::near;
  if (is_elsewhere) {
    append_item(out, from.node);
  } else {
    out.append(own_item_);
  }
  if (is_hit) {
    out.append("; hit; ttl=");
    append_number(out, std::int64_t{std::chrono::floor<std::chrono::seconds>(answer.ttl).count()});
  } else {
    out.append("; fwd=miss");
    if (from.collapsed) out.append("; collapsed");
    if (from.stored) out.append("; stored");
  }
  const auto detail = from.from == served_from::near && from.detail == served_detail::none
                          ? served_detail::near
                          : from.detail;
  if (detail != served_detail::none) out.append("; detail=").append(text_of(detail));
  if (!is_elsewhere) return;
  out.append(", ").append(own_item_).append("; fwd=miss");
  if (is_hit && from.collapsed) out.append("; collapsed");
}

}  // namespace weir
