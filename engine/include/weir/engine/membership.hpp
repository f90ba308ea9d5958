#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/entry.hpp>
#include <weir/engine/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir WEIR_API {

/// When a peer counts as unreachable and is routed around. Health never changes the ring.
struct health_settings {
  milliseconds probe_interval{1000};  ///< +-10 %
  milliseconds probe_timeout{500};
  int misses = 3;                   ///< missed probes in a row that count as unreachable
  milliseconds min_ejection{2000};  ///< shortest time it stays so; doubles with each relapse
  milliseconds max_ejection{15'000};
  /// A peer that was reachable for this long starts at min_ejection again.
  milliseconds forget_ejections{300'000};
  /// Verdicts of a node that was itself late by more than this do not count.
  milliseconds loop_lag{250};
};

/// A node that discovery or another node named: worth dialling, not yet proven.
struct candidate {
  std::string id;  ///< empty if only the address is known
  std::string address;
  /// Whether it takes requests, as the provider knows; empty if it cannot tell. A running node does
  /// not count a candidate that is no member yet and was never marked as serving. A node that
  /// starts counts a candidate towards its first majority only 75 s after the mark, unless all
  /// candidates answer. So a provider that sets marks must tell running nodes within 60 s that a
  /// node serves, or that it fails.
  std::optional<bool> is_serving = std::nullopt;
};

enum class member_state : std::uint8_t {
  unproven,  ///< named, but no handshake yet
  reachable,
  unreachable,  ///< routed around: its gutter nodes answer for it
  draining,     ///< it gives its slots to others and is about to leave
  left,         ///< it said goodbye
};

std::string_view name(member_state state) noexcept;

/// One setting of a keyspace that differs at another node.
struct setting_difference {
  std::string keyspace;
  std::string field;  ///< "writes", ...; "keyspace" when only one side has the keyspace at all
  std::string here;
  std::string there;

  friend bool operator==(const setting_difference&, const setting_difference&) = default;
};

/// What a node knows of another one's settings.
enum class config_state : std::uint8_t { unknown, same, differs };

std::string_view name(config_state state) noexcept;

/// One line of `weir members`.
struct member_status {
  std::string id;  ///< empty while unknown
  std::string address;
  std::uint64_t incarnation = 0;
  std::uint32_t weight = 1;
  member_state state = member_state::unproven;
  bool is_self = false;
  bool is_in_ring = false;
  bool is_linked = false;
  std::chrono::microseconds rtt{0};  ///< of the last probe
  milliseconds since{0};             ///< in this state
  std::string last_failure = {};  ///< "refused", "reset", ...; empty once it was well for a minute
  milliseconds failed_since{0};   ///< how long ago that was
  bool is_granting = false;       ///< its last heartbeat answer counts towards this node's lease
  std::uint64_t feed_lag = 0;     ///< records of this node that it has not yet confirmed
  config_state config = config_state::unknown;
  std::vector<setting_difference> differences = {};  ///< by keyspace and field
};

/// What one member said when it was asked for its figures.
struct member_report {
  std::string id;
  std::string text;  ///< as its engine::set_report() made it
  error_code error;  ///< errc::unavailable when it cannot be asked; then there is no text
};

/// Whether this node may serve what it keeps, and how many members grant that.
struct lease_status {
  bool is_valid = false;
  bool is_lone = false;     ///< no other node counts: no lease is needed
  milliseconds left{0};     ///< until it ends unless it is renewed
  std::size_t granted = 0;  ///< members, itself included, whose answers count now
  std::size_t members = 0;  ///< that count; a majority is needed
  std::size_t views = 1;    ///< more than one while one view replaces another
  std::string why;          ///< "no lease: 1 of 3 candidates answered"; empty while valid
};

/// How far a node has come since it started. A lone node has all of it at once.
struct settling_progress {
  bool has_had_slots = false;  ///< a lease and its share of the slots, once, whatever it lost since
  /// Its answers count towards the leases of all members that it reaches. A node that has just
  /// started grants no lease to members that keep something: it cannot know how its former
  /// incarnation voted.
  bool is_relied_on = false;
};

/// Something an operator may want to know; `name` is stable: "peer.reachable", "ring.changed", ...
struct cluster_event {
  std::string name;
  std::string peer;  ///< id or address; empty if it concerns no peer
  std::string detail;
  /// What else there is to say, name and value.
  std::vector<std::pair<std::string, std::string>> fields = {};
};

}  // namespace weir
