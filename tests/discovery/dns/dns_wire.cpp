#include "tests/discovery/dns/dns_wire.hpp"

namespace weir::test {
namespace {

constexpr std::uint16_t internet = 1;

std::string record_of(
    std::string_view owner, std::uint16_t type, std::uint32_t ttl, std::string_view data
) {
  return dns_wire::name(owner) + dns_wire::u16(type) + dns_wire::u16(internet) +
         dns_wire::u16(static_cast<std::uint16_t>(ttl >> 16)) +
         dns_wire::u16(static_cast<std::uint16_t>(ttl)) +
         dns_wire::u16(static_cast<std::uint16_t>(data.size())) + std::string(data);
}

}  // namespace

std::string dns_wire::u16(std::uint16_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number)};
}

std::string dns_wire::name(std::string_view dotted) {
  std::string out;
  while (!dotted.empty()) {
    const auto label = dotted.substr(0, dotted.find('.'));
    out.append(1, static_cast<char>(label.size())).append(label);
    dotted.remove_prefix(std::min(dotted.size(), label.size() + 1));
  }
  return out.append(1, '\0');
}

dns_wire::dns_wire(
    std::uint16_t id, std::string_view asked, std::uint16_t type, std::uint16_t flags
)
    : head_(u16(id) + u16(flags)), question_(name(asked) + u16(type) + u16(internet)) {}

dns_wire& dns_wire::record(
    std::string_view owner, std::uint16_t type, std::uint32_t ttl, std::string_view data
) {
  ++answer_count_;
  answers_ += record_of(owner, type, ttl, data);
  return *this;
}

dns_wire& dns_wire::a(std::string_view owner, std::uint32_t ttl, std::string_view bytes) {
  return record(owner, bytes.size() == 16 ? 28 : 1, ttl, bytes);
}

dns_wire& dns_wire::cname(std::string_view owner, std::uint32_t ttl, std::string_view to) {
  return record(owner, 5, ttl, name(to));
}

dns_wire& dns_wire::srv(
    std::string_view owner, std::uint32_t ttl, std::uint16_t port, std::string_view target
) {
  return record(owner, 33, ttl, u16(0) + u16(7) + u16(port) + name(target));
}

dns_wire& dns_wire::glue(std::string_view owner, std::uint32_t ttl, std::string_view bytes) {
  ++additional_count_;
  additional_ += record_of(owner, bytes.size() == 16 ? 28 : 1, ttl, bytes);
  return *this;
}

std::string dns_wire::text() const {
  return head_ + u16(1) + u16(answer_count_) + u16(0) + u16(additional_count_) + question_ +
         answers_ + additional_;
}

}  // namespace weir::test
