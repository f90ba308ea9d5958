#include "peer/peer_handshake.hpp"

#include <algorithm>
#include <cstdio>

namespace weir {
namespace {

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

std::string range(const hello& one) {
  return std::to_string(one.lowest_version) + " to " + std::to_string(one.highest_version);
}

std::string decimal(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", number);
  return text;
}

/// "ring.vnodes is 512 at "n1" and 256 at "n2""
std::string differing(const std::string& what, const identity& a, const identity& b) {
  const bool is_vnodes = what == "vnodes";
  const auto value = [&](const identity& of) {
    return is_vnodes ? std::to_string(of.ring.vnodes) : decimal(of.ring.bounded_load);
  };
  return "ring." + what + " is " + value(a) + " at " + quoted(a.id) + " and " + value(b) + " at " +
         quoted(b.id);
}

std::string ring_difference(const identity& self, const identity& theirs) {
  std::string out;
  if (self.ring.vnodes != theirs.ring.vnodes) out = differing("vnodes", self, theirs);
  if (self.ring.bounded_load != theirs.ring.bounded_load) {
    out += (out.empty() ? "" : ", ") + differing("bounded_load", self, theirs);
  }
  return out + "; they would disagree about who owns what: set the same on all nodes";
}

/// "another living process (10.0.0.1:7420) uses node id "n1""
std::string taken(const std::string& id, const std::string& where) {
  return "another living process " + (where.empty() ? "" : '(' + where + ") ") + "uses node id " +
         quoted(id);
}

/// What is wrong with a hello that a node of this version would not send; empty = nothing. The ring
/// is compared with one's own later.
std::string bad_field(const hello& theirs) {
  if (theirs.lowest_version > theirs.highest_version)
    return "the protocol versions are " + range(theirs);
  auto who = theirs.who;
  who.ring = {};
  return fault_of(who);
}

}  // namespace

std::optional<refusal> judge_hello(const hello& theirs, const hello& self, const admission& admit) {
  if (auto fault = bad_field(theirs); !fault.empty()) {
    return refusal{refusal_reason::bad_hello, std::move(fault)};
  }
  if (std::max(theirs.lowest_version, self.lowest_version) >
      std::min(theirs.highest_version, self.highest_version)) {
    return refusal{
        refusal_reason::version,
        "no protocol version in common: " + range(self) + " here, " + range(theirs) + " there"};
  }
  if (theirs.who.cluster != self.who.cluster) {
    return refusal{
        refusal_reason::other_cluster,
        "this is a node of cluster " + quoted(self.who.cluster) + ", not of " +
            quoted(theirs.who.cluster)};
  }
  if (theirs.who.id == self.who.id) {
    if (theirs.who.incarnation == self.who.incarnation) {
      return refusal{refusal_reason::self, "the node reached itself"};
    }
    return refusal{refusal_reason::own_id, taken(self.who.id, self.who.address)};
  }
  if (theirs.who.ring != self.who.ring) {
    return refusal{refusal_reason::other_ring, ring_difference(self.who, theirs.who)};
  }
  if (admit) {
    if (const auto where = admit(theirs.who)) {
      return refusal{refusal_reason::doubled_id, taken(theirs.who.id, *where)};
    }
  }
  return std::nullopt;
}

std::string peer_handshake::opening() const {
  std::string out;
  if (side_ == peer_side::dialler) append_hello(out, self_);
  return out;
}

peer_handshake::outcome peer_handshake::on_message(
    const frame_message& message, const admission& admit
) const {
  using kind = outcome::kind;
  outcome result;
  if (message.header.type == frame_type::refusal) {
    result.cause = read_refusal(message, result.reason);
    result.what = result.cause == peer_fault::none ? kind::was_refused : kind::fault;
    return result;
  }
  if (message.header.type != frame_type::hello) {
    result.cause = peer_fault::unexpected;
    return result;
  }
  hello theirs;
  result.cause = read_hello(message, theirs);
  if (result.cause != peer_fault::none) return result;
  result.peer = theirs.who;
  if (auto why = judge_hello(theirs, self_, admit)) {
    result.what = kind::refused;
    result.reason = std::move(*why);
    append_refusal(result.send, result.reason);
    return result;
  }
  result.what = kind::up;
  if (side_ == peer_side::acceptor) append_hello(result.send, self_);
  return result;
}

std::string_view name(refusal_reason reason) noexcept {
  switch (reason) {
    case refusal_reason::other_cluster:
      return "other_cluster";
    case refusal_reason::self:
      return "self";
    case refusal_reason::doubled_id:
      return "doubled_id";
    case refusal_reason::version:
      return "version";
    case refusal_reason::busy:
      return "busy";
    case refusal_reason::bad_hello:
      return "bad_hello";
    case refusal_reason::other_ring:
      return "other_ring";
    case refusal_reason::own_id:
      return "own_id";
  }
  return "none";
}

milliseconds redial_pause::next(bool lasting_refusal, std::uint64_t random, milliseconds spent) {
  milliseconds pause = lasting_refusal ? lasting_refusal_pause : first_ * (1u << losses_);
  if (!lasting_refusal && pause >= longest_) pause = longest_;
  if (losses_ < 16) ++losses_;
  const auto spread = [random](milliseconds whole) {
    return whole - whole * static_cast<std::int64_t>(random % 256) / 1024;
  };
  return std::max(spread(pause) - spent, spread(first_));
}

}  // namespace weir
