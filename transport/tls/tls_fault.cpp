#include <weir/transport/tls.hpp>

#include <array>

namespace weir {
namespace {

struct named {
  std::string_view name;
  const char* message;
};

constexpr std::array<named, 11> faults{{
    {"none", "no fault"},
    {"plaintext", "plaintext: the other side does not speak TLS; set tls on both sides or neither"},
    {"version", "TLS version: none in common; peers speak TLS 1.3, clients TLS 1.2 or later"},
    {"no_certificate", "no certificate: the other side shows none; give it cert and key"},
    {"wrong_ca",
     "wrong CA: this node does not trust the certificate that it was shown: no certificate in its "
     "`ca` file issued it"},
    {"wrong_name", "wrong SAN: the certificate of the other side is for another name"},
    {"expired", "expired certificate of the other side; renew it"},
    {"not_yet_valid", "certificate of the other side is not valid yet; compare the clocks"},
    {"refused", "the other side refuses this side's certificate, or wants one; its log says why"},
    {"broken", "the other side broke the TLS protocol"},
    {"wrong_usage",
     "wrong usage: the other side's certificate needs both serverAuth and clientAuth"},
}};

const named& entry_of(int value) noexcept {
  const auto index = static_cast<std::size_t>(value);
  return faults[index < faults.size() ? index : std::size_t{9}];
}

class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "weir.tls"; }

  std::string message(int value) const override { return entry_of(value).message; }
};

}  // namespace

std::string_view name(tls_fault fault) noexcept {
  return entry_of(static_cast<int>(fault)).name;
}

const boost::system::error_category& tls_category() noexcept {
  static const category only;
  return only;
}

}  // namespace weir
