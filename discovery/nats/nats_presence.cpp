#include "nats/nats_presence.hpp"

#include <weir/engine/limits.hpp>
#include <weir/transport/host_port.hpp>
#include <weir/transport/text.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <optional>
#include <stdexcept>
#include <vector>

namespace weir {
namespace {

constexpr std::string_view magic = "weir1";
constexpr std::string_view no_signature = "-";
constexpr std::size_t words_of_presence = 8;
constexpr std::size_t longest_host = 255;
constexpr std::size_t digest_bytes = 32;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

std::string encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
    } else {
      out += '%';
      append_hex(out, static_cast<unsigned char>(c));
    }
  }
  return out;
}

template <class Number>
std::optional<Number> read_number(std::string_view text, int base) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

/// False when it is not what encode() writes, or empty, or longer than any name.
bool decode(std::string_view text, std::string& out) {
  out.clear();
  while (!text.empty()) {
    if (is_plain(text.front())) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    if (text.front() != '%' || text.size() < 3) return false;
    const auto byte = read_number<unsigned char>(text.substr(1, 2), 16);
    if (!byte) return false;
    out += static_cast<char>(*byte);
    text.remove_prefix(3);
  }
  return !out.empty() && out.size() <= max_name;
}

bool is_dialled(std::string_view text) {
  const auto where = parse_host_port(text);
  if (!where || where->host.empty() || where->port == 0 || where->host.size() > longest_host)
    return false;
  error_code no_literal;
  const auto literal = asio::ip::make_address(where->host, no_literal);
  if (no_literal) return std::all_of(where->host.begin(), where->host.end(), is_plain);
  const bool is_broadcast = literal.is_v4() && literal.to_v4() == asio::ip::address_v4::broadcast();
  return !literal.is_unspecified() && !literal.is_multicast() && !is_broadcast;
}

std::string sign(std::string_view text, std::string_view secret) {
  std::array<unsigned char, digest_bytes> digest{};
  unsigned int size = digest.size();
  const auto* made = HMAC(
      EVP_sha256(),
      secret.data(),
      static_cast<int>(secret.size()),
      reinterpret_cast<const unsigned char*>(text.data()),
      text.size(),
      digest.data(),
      &size
  );
  if (made == nullptr || size != digest.size()) {
    throw std::runtime_error("nats: OpenSSL gives no HMAC-SHA256; check its configuration");
  }
  std::string out;
  for (const auto byte : digest) append_hex(out, byte);
  return out;
}

bool is_same(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (words.size() <= words_of_presence) {
    const auto end = text.find(' ');
    words.push_back(text.substr(0, end));
    if (end == text.npos) break;
    text.remove_prefix(end + 1);
  }
  return words;
}

}  // namespace

std::string write_nats_presence(const nats_presence& from, std::string_view secret) {
  std::string out(magic);
  out += from.what == nats_presence::kind::here ? " here " : " gone ";
  out += encode(from.cluster) + ' ' + encode(from.id) + ' ' + from.address + ' ';
  for (int shift = 56; shift >= 0; shift -= 8) {
    append_hex(out, static_cast<unsigned char>(from.incarnation >> shift));
  }
  out += ' ' + std::to_string(from.at);
  const auto signature = secret.empty() ? std::string(no_signature) : sign(out, secret);
  return out + ' ' + signature;
}

nats_outcome read_nats_presence(
    std::string_view text, std::string_view cluster, std::string_view secret, nats_presence& into
) {
  if (text.size() > longest_presence) return nats_outcome::malformed;
  const auto words = words_of(text);
  if (words.size() != words_of_presence || words[0] != magic) return nats_outcome::malformed;
  if (words[1] != "here" && words[1] != "gone") return nats_outcome::malformed;
  into.what = words[1] == "here" ? nats_presence::kind::here : nats_presence::kind::gone;
  const auto incarnation = read_number<std::uint64_t>(words[5], 16);
  const auto at = read_number<std::uint64_t>(words[6], 10);
  const bool is_read = decode(words[2], into.cluster) && decode(words[3], into.id) &&
                       is_dialled(words[4]) && words[5].size() == 16 && incarnation && at;
  if (!is_read) return nats_outcome::malformed;
  into.address = words[4];
  into.incarnation = *incarnation;
  into.at = *at;
  if (into.cluster != cluster) return nats_outcome::other_cluster;
  if (secret.empty()) return nats_outcome::heard;
  const auto& signature = words[7];
  if (signature == no_signature) return nats_outcome::is_unsigned;
  const auto covered = text.substr(0, text.size() - signature.size() - 1);
  return is_same(signature, sign(covered, secret)) ? nats_outcome::heard : nats_outcome::forged;
}

}  // namespace weir
