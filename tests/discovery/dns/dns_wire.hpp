#pragma once

#include <cstdint>
#include <string>

namespace weir::test {

/// Writes DNS messages, right and wrong ones, for tests.
class dns_wire {
 public:
  /// `flags`: 0x8180 = an answer, | 3 = NXDOMAIN, | 2 = SERVFAIL, | 0x0200 = truncated.
  dns_wire(std::uint16_t id, std::string_view name, std::uint16_t type, std::uint16_t flags);

  dns_wire& a(std::string_view owner, std::uint32_t ttl, std::string_view bytes);
  dns_wire& cname(std::string_view owner, std::uint32_t ttl, std::string_view to);
  dns_wire& srv(
      std::string_view owner, std::uint32_t ttl, std::uint16_t port, std::string_view target
  );
  dns_wire& glue(std::string_view owner, std::uint32_t ttl, std::string_view bytes);
  dns_wire& record(
      std::string_view owner, std::uint16_t type, std::uint32_t ttl, std::string_view data
  );

  std::string text() const;

  static std::string name(std::string_view dotted);
  static std::string u16(std::uint16_t number);

 private:
  std::string head_;
  std::string question_;
  std::string answers_;
  std::string additional_;
  std::uint16_t answer_count_ = 0;
  std::uint16_t additional_count_ = 0;
};

}  // namespace weir::test
