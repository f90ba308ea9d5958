#define XXH_INLINE_ALL

#include "peer/wire/frame_header.hpp"

#include <array>
#include <xxhash.h>

namespace weir {
namespace {

constexpr char magic[4] = {'W', 'E', 'I', 'R'};
constexpr std::uint16_t more_flag = 1;
constexpr std::size_t header_checksum_at = frame_header_size - 4;

bool exists(frame_type type) noexcept {
  return type == frame_type::hello || type == frame_type::refusal || is_request(type) ||
         is_reply(type);
}

}  // namespace

std::string_view name(peer_fault fault) noexcept {
  switch (fault) {
    case peer_fault::none:
      return "none";
    case peer_fault::magic:
      return "magic";
    case peer_fault::version:
      return "version";
    case peer_fault::checksum:
      return "checksum";
    case peer_fault::type:
      return "type";
    case peer_fault::flags:
      return "flags";
    case peer_fault::length:
      return "length";
    case peer_fault::too_large:
      return "too_large";
    case peer_fault::too_many_partial:
      return "too_many_partial";
    case peer_fault::unexpected:
      return "unexpected";
    case peer_fault::truncated:
      return "truncated";
    case peer_fault::trailing:
      return "trailing";
    case peer_fault::bad_value:
      return "bad_value";
    case peer_fault::bad_view:
      return "bad_view";
    case peer_fault::duplicate_request:
      return "duplicate_request";
    case peer_fault::unknown_replies:
      return "unknown_replies";
    case peer_fault::mismatched_reply:
      return "mismatched_reply";
  }
  return "unknown";
}

std::uint32_t max_length(frame_type type, const frame_limits& limits) noexcept {
  switch (type) {
    case frame_type::hello:
    case frame_type::refusal:
      return 4 * 1024;
    case frame_type::get:
      return 8 * 1024;
    case frame_type::get_many:
      return 5u << 20;
    case frame_type::change:
    case frame_type::get_reply:
      return limits.max_value + frame_slack;
    case frame_type::get_many_reply:
      return limits.max_batch_reply + 2 * frame_slack;
    case frame_type::change_reply:
    case frame_type::confirm_reply:
      return 2 * frame_slack;
    case frame_type::ping:
    case frame_type::feed_reply:
    case frame_type::vote_reply:
    case frame_type::relay_reply:
      return 2u << 20;  // an electorate, and names of members
    case frame_type::ping_reply:
    case frame_type::feed:
    case frame_type::vote:
    case frame_type::relay:
      return 4u << 20;  // these, and a full list of changes
    case frame_type::confirm:
      return 8;
    case frame_type::report_reply:
      return 2 + max_report;
    case frame_type::report:
    case frame_type::leave:
    case frame_type::leave_reply:
    case frame_type::loading:
      return 0;
    case frame_type::fault:
      return 2;
  }
  return 0;
}

std::uint64_t max_partial_bytes(const frame_limits& limits) noexcept {
  const std::uint64_t largest = std::max(limits.max_value, limits.max_batch_reply);
  return 2 * (largest + 2 * frame_slack);
}

std::uint32_t frame_checksum(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

void seal_frame(std::string& out, std::size_t start, const frame_header& header) {
  char* const raw = out.data() + start;
  std::memcpy(raw, magic, sizeof magic);
  raw[4] = static_cast<char>(peer_protocol_version);
  raw[5] = static_cast<char>(header.type);
  store_number<std::uint16_t>(raw + 6, header.more() ? more_flag : 0);
  store_number(raw + 8, header.id);
  store_number(raw + 16, header.remaining);
  store_number(raw + 20, header.timeout_ms);
  store_number(raw + 24, header.view_digest);
  store_number(raw + 32, frame_checksum(std::string_view(out).substr(start + frame_header_size)));
  store_number(raw + header_checksum_at, frame_checksum({raw, header_checksum_at}));
}

void append_frame(std::string& out, const frame_header& header, std::string_view chunk) {
  const auto start = out.size();
  out.append(frame_header_size, '\0');
  out += chunk;
  seal_frame(out, start, header);
}

peer_fault read_header(const char* data, frame_header& header) noexcept {
  if (std::memcmp(data, magic, sizeof magic) != 0) return peer_fault::magic;
  if (static_cast<unsigned char>(data[4]) != peer_protocol_version) return peer_fault::version;
  if (load_number<std::uint32_t>(data + header_checksum_at) !=
      frame_checksum({data, header_checksum_at})) {
    return peer_fault::checksum;
  }
  header.type = static_cast<frame_type>(data[5]);
  if (!exists(header.type)) return peer_fault::type;
  header.id = load_number<std::uint64_t>(data + 8);
  header.remaining = load_number<std::uint32_t>(data + 16);
  header.timeout_ms = load_number<std::uint32_t>(data + 20);
  header.view_digest = load_number<std::uint64_t>(data + 24);
  header.chunk_checksum = load_number<std::uint32_t>(data + 32);
  const auto flags = load_number<std::uint16_t>(data + 6);
  if (flags != (header.more() ? more_flag : 0)) return peer_fault::flags;
  return peer_fault::none;
}

}  // namespace weir
