#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/peer_messages.hpp>
#include <weir/engine/view.hpp>

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir WEIR_API {

/// One membership of one node. A node that was removed comes back with another incarnation.
struct member_life {
  std::string id;
  std::uint64_t incarnation = 0;

  friend auto operator<=>(const member_life&, const member_life&) = default;
};

/// The members that count for leases and votes, as one node knows them. It only grows: two states
/// are joined by union.
struct electorate_state {
  std::vector<member_life> members;
  std::vector<member_life> removed;             ///< for good
  std::vector<std::string> forgotten;           ///< by an operator: they count nowhere
  std::vector<std::vector<std::string>> views;  ///< ids of the views that count, the oldest first
};

/// What every message of the agreement says about its sender.
struct electorate_note {
  std::uint64_t digest = 0;  ///< of the sender's members and removals
  std::shared_ptr<const electorate_state>
      state;  ///< in answers to a sender with another digest; else null
};

/// What all nodes should have in common of one keyspace. A difference breaks no link: it is warned
/// of. Addresses, queries and sizes may differ from place to place and are no part of it.
struct keyspace_settings {
  std::string name;
  weir::consistency consistency = weir::consistency::strict;
  weir::writes writes = weir::writes::deny;
  bool has_near = false;
  milliseconds ttl{0};
  milliseconds negative_ttl{0};
  std::string source;  ///< the kind of source: "http", "callback", ...

  friend bool operator==(const keyspace_settings&, const keyspace_settings&) = default;
};

/// How many keyspaces are compared, the first by name.
inline constexpr std::size_t max_compared_keyspaces = 256;
inline constexpr std::size_t max_source_kind = 32;
using keyspace_settings_list = std::vector<keyspace_settings>;

/// The direct probe and the heartbeat of the lease.
struct ping_request {
  electorate_note note;
  std::uint64_t number = 0;  ///< of this sender's pings to the asked node
  std::uint64_t life = 0;    ///< incarnation under which the sender is a member
  bool is_empty = false;     ///< it has kept nothing that a change could concern
  /// How often the sender took or gave up its slots: odd = it has some.
  std::uint32_t slot_turns = 0;
  bool is_draining = false;          ///< the sender is about to leave
  std::uint64_t hints_applied = 0;   ///< of those that the asked node had for it
  std::uint64_t known_settings = 0;  ///< digest of the asked node's settings as the sender knows it
  std::vector<std::string> silent;   ///< members it has not reached for 30 s
};

struct ping_reply {
  std::vector<member> view;  ///< when the digests of the requests differ
  electorate_note note;
  std::uint64_t life = 0;
  bool is_granted = false;       ///< counts towards the asker's lease once it has applied `hints`
  std::uint32_t slot_turns = 0;  ///< as in ping_request
  bool is_draining = false;      ///< as in ping_request
  bool is_latecomer = false;     ///< the asker joins where others have had slots for a while
  bool is_settled = false;       ///< the asked node is part of a working ring and holds a lease
  /// A lease granted by a former incarnation of the asked node may still hold.
  bool is_young = false;
  std::uint64_t hints_number = 0;
  bool must_flush = false;  ///< too much was missed: drop everything
  bool has_more_hints = false;
  std::vector<change_record> hints;
  std::vector<std::string> silent;
  std::uint64_t settings_digest = 0;  ///< of the asked node's keyspaces
  std::shared_ptr<const keyspace_settings_list>
      settings;  ///< when the asker knew another digest; else null
};

/// Numbered records of one node, in order, to one member.
struct feed_request {
  electorate_note note;
  std::uint64_t first = 0;  ///< number of the first record
  /// The last ping of the asked node that the sender had answered: bounds how old this can be.
  std::uint64_t after_ping = 0;
  /// Earlier records are lost: trust no copy that this feed should have kept right.
  bool is_reset = false;
  std::vector<change_record> records;
};

struct feed_reply {
  electorate_note note;
  std::uint64_t applied = 0;  ///< number of the last record that the asked node has applied
};

/// "`missing` does not confirm these records. Keep them for it, pass them on if you can, and say
/// whether it can still hold a lease." Asked again, it carries only what the asked node does not
/// keep yet.
struct vote_request {
  electorate_note note;
  member_life missing;
  std::uint64_t since = 1;  ///< the sender's first record that `missing` has not confirmed
  std::uint64_t first = 1;  ///< its first record in here; those from `since` on came before
  bool must_flush = false;  ///< in place of all before `first`, which are too many to be told
  std::vector<change_record> records;

  /// The last record that this is about.
  std::uint64_t last() const noexcept { return first + records.size() - 1; }
};

struct vote_reply {
  electorate_note note;
  std::uint64_t kept = 0;     ///< the asked node keeps hints of all records from `since` up to here
  bool is_leaseless = false;  ///< the missing member has no lease by the asked node's grants
  bool is_delivered = false;  ///< the missing member has just applied all that it is about
};

/// Records for a member that their origin cannot reach.
struct relay_request {
  electorate_note note;
  bool must_flush = false;
  std::vector<change_record> records;
};

struct relay_reply {
  electorate_note note;
};

}  // namespace weir
