#include "dns/dns_message.hpp"

#include <weir/engine/errc.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <map>
#include <optional>

namespace weir {
namespace {

constexpr std::size_t longest_name = 255;
constexpr std::size_t longest_chain = 8;  // of aliases
constexpr std::uint16_t cname = 5;
constexpr std::uint16_t internet = 1;

/// Reads forward; once something is missing it is not good any more and gives zeros.
class wire {
 public:
  explicit wire(std::span<const unsigned char> all) : all_(all) {}

  bool good() const noexcept { return good_; }

  std::size_t at() const noexcept { return at_; }

  void fail() noexcept { good_ = false; }

  std::uint16_t u16() {
    const auto from = take(2);
    return good_ ? static_cast<std::uint16_t>(from[0] << 8 | from[1]) : std::uint16_t{0};
  }

  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }

  std::span<const unsigned char> take(std::size_t size) {
    if (!good_ || all_.size() - at_ < size) {
      good_ = false;
      return {};
    }
    at_ += size;
    return all_.subspan(at_ - size, size);
  }

  /// A name in lower case without its last dot. Each pointer must lead further back than the one
  /// before, so that none can loop.
  std::string name() {
    std::string out;
    std::optional<std::size_t> after;
    std::size_t here = at_;
    std::size_t limit = at_;
    while (good_) {
      if (here >= all_.size()) break;
      const std::size_t length = all_[here];
      if (length == 0) {
        at_ = after.value_or(here + 1);
        return out;
      }
      if (length >= 0xc0) {
        if (here + 1 >= all_.size()) break;
        if (!after) after = here + 2;
        here = (length & 0x3f) << 8 | all_[here + 1];
        if (here >= limit) break;
        limit = here;
        continue;
      }
      if (length >= 0x40 || all_.size() - here - 1 < length) break;
      if (out.size() + length + 1 > longest_name) break;
      if (!out.empty()) out += '.';
      if (!add_label(all_.subspan(here + 1, length), out)) break;
      here += length + 1;
    }
    good_ = false;
    return {};
  }

 private:
  /// Only what host and service names are made of: what is logged and dialled later.
  static bool add_label(std::span<const unsigned char> label, std::string& out) {
    for (const auto c : label) {
      const bool is_upper = c >= 'A' && c <= 'Z';
      const bool is_fine =
          is_upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!is_fine) return false;
      out += static_cast<char>(is_upper ? c + 32 : c);
    }
    return true;
  }

  std::span<const unsigned char> all_;
  std::size_t at_ = 0;
  bool good_ = true;
};

/// The literal of an address that can be dialled; empty for one that cannot.
std::string literal(std::span<const unsigned char> bytes) {
  const auto of = [](const auto& address) {
    const bool is_bad = address.is_unspecified() || address.is_multicast();
    return is_bad ? std::string() : address.to_string();
  };
  if (bytes.size() == 4) {
    asio::ip::address_v4::bytes_type raw;
    std::copy(bytes.begin(), bytes.end(), raw.begin());
    const asio::ip::address_v4 address(raw);
    return address == asio::ip::address_v4::broadcast() ? std::string() : of(address);
  }
  if (bytes.size() != 16) return {};
  asio::ip::address_v6::bytes_type raw;
  std::copy(bytes.begin(), bytes.end(), raw.begin());
  return of(asio::ip::address_v6(raw));
}

struct alias {
  std::string to;
  std::uint32_t ttl;
};

struct section {
  std::map<std::string, alias> aliases;
  std::vector<std::pair<std::string, dns_record>> wanted;  ///< by owner
};

void read_srv(wire& in, dns_record& out) {
  in.u16();  // priority: all nodes are candidates
  out.weight = in.u16();
  out.port = in.u16();
  out.host = in.name();
  if (out.port == 0) in.fail();
}

void read_address(wire& in, std::size_t size, std::size_t right_size, dns_record& out) {
  if (size != right_size) return in.fail();
  out.address = literal(in.take(size));
  if (out.address.empty()) in.fail();
}

void read_record(wire& in, dns_type wanted, bool takes_glue, section& into) {
  auto owner = in.name();
  const auto type = in.u16();
  const auto kind = in.u16();
  dns_record read;
  read.ttl = in.u32();
  if (read.ttl > 0x7fffffff) read.ttl = 0;  // RFC 2181, 8
  const std::size_t size = in.u16();
  const auto end = in.at() + size;
  const bool is_asked = type == static_cast<std::uint16_t>(wanted);
  const bool is_glue = takes_glue && (type == static_cast<std::uint16_t>(dns_type::a) ||
                                      type == static_cast<std::uint16_t>(dns_type::aaaa));
  if (!in.good()) return;
  if (kind == internet && type == cname && !takes_glue) {
    into.aliases.insert_or_assign(std::move(owner), alias{in.name(), read.ttl});
  } else if (kind == internet && (takes_glue ? is_glue : is_asked)) {
    if (type == static_cast<std::uint16_t>(dns_type::srv)) {
      read_srv(in, read);
    } else {
      read_address(in, size, type == static_cast<std::uint16_t>(dns_type::a) ? 4 : 16, read);
      if (takes_glue) read.host = owner;
    }
    into.wanted.emplace_back(std::move(owner), std::move(read));
  } else {
    in.take(size);
  }
  if (in.at() != end) in.fail();
}

}  // namespace

result<dns_message> read_dns_message(std::span<const unsigned char> message, dns_type wanted) {
  wire in(message);
  in.u32();  // id and flags, which c-ares has looked at
  const auto questions = in.u16();
  const auto answers = in.u16();
  const auto authorities = in.u16();
  const auto additional = in.u16();
  if (!in.good() || questions != 1) return errc::bad_request;
  auto asked = in.name();
  in.u32();  // type and class
  section found;
  for (int i = 0; i != answers && in.good(); ++i) read_record(in, wanted, false, found);
  for (int i = 0; i != authorities && in.good(); ++i) {
    in.name();
    in.take(8);
    in.take(in.u16());
  }
  section extra;
  const bool takes_glue = wanted == dns_type::srv;
  for (int i = 0; takes_glue && i != additional && in.good(); ++i) {
    read_record(in, wanted, true, extra);
  }
  if (!in.good()) return errc::bad_request;

  std::uint32_t ttl = 0x7fffffff;
  for (std::size_t links = 0;; ++links) {
    const auto next = found.aliases.find(asked);
    if (next == found.aliases.end()) break;
    if (links == longest_chain) return errc::bad_request;
    ttl = std::min(ttl, next->second.ttl);
    asked = next->second.to;
  }
  dns_message out;
  for (auto& [owner, record] : found.wanted) {
    if (owner != asked) continue;
    record.ttl = std::min(record.ttl, ttl);
    out.records.push_back(std::move(record));
  }
  for (auto& [owner, record] : extra.wanted) out.glue.push_back(std::move(record));
  return out;
}

}  // namespace weir
