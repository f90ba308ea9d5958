#include "nats/nats_outcome.hpp"

#include <string>

namespace weir {
namespace {

class nats_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "nats"; }

  std::string message(int code) const override {
    switch (static_cast<nats_outcome>(code)) {
      case nats_outcome::failed:
        return "no NATS server can be reached; check discovery.nats.servers";
      case nats_outcome::refused:
        return "the NATS server refuses this node; check user, password and token of "
               "discovery.nats, and that it may publish and subscribe to discovery.nats.subject";
      case nats_outcome::untrusted:
        return "TLS with the NATS server failed; check that its certificate is for the name in "
               "discovery.nats.servers and from the authority in discovery.nats.ca";
      case nats_outcome::protocol:
        return "what answers does not speak NATS; check discovery.nats.servers";
      case nats_outcome::deaf:
        return "NATS does not bring back what this node publishes; check the permissions of "
               "discovery.nats.subject";
      case nats_outcome::is_unsigned:
      case nats_outcome::forged:
        return "only heartbeats without or with another signature are heard; check that "
               "discovery.nats.secret is the same on all nodes";
      case nats_outcome::stale:
        return "only heartbeats with times far from this node's are heard; check the clocks";
      default:
        return "discovery by NATS: " + std::string(weir::name(static_cast<nats_outcome>(code)));
    }
  }
};

}  // namespace

std::string_view name(nats_outcome outcome) noexcept {
  switch (outcome) {
    case nats_outcome::connected:
      return "connected";
    case nats_outcome::heard:
      return "heard";
    case nats_outcome::left:
      return "left";
    case nats_outcome::failed:
      return "failed";
    case nats_outcome::refused:
      return "refused";
    case nats_outcome::untrusted:
      return "untrusted";
    case nats_outcome::protocol:
      return "protocol";
    case nats_outcome::deaf:
      return "deaf";
    case nats_outcome::malformed:
      return "malformed";
    case nats_outcome::too_large:
      return "too_large";
    case nats_outcome::is_unsigned:
      return "unsigned";
    case nats_outcome::forged:
      return "forged";
    case nats_outcome::stale:
      return "stale";
    case nats_outcome::replayed:
      return "replayed";
    case nats_outcome::other_cluster:
      return "other_cluster";
    case nats_outcome::duplicate:
      return "duplicate";
    case nats_outcome::too_many:
      return "too_many";
  }
  return "unknown";
}

error_code make_error_code(nats_outcome outcome) noexcept {
  static const nats_category category;
  return {static_cast<int>(outcome), category};
}

}  // namespace weir
