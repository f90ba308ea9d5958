#pragma once

#include "agreement/electorate.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// The lease of one node: until when a majority of every view has granted that it may serve what it
/// keeps.
///
/// Leases by majority contact, after Gray and Cheriton, "Leases" (SOSP 1989), without a lessor: a
/// grant is an answer to a heartbeat, and counts from when the heartbeat left. Pure. Not
/// thread-safe.
class lease {
 public:
  /// `id` answered a heartbeat under `life` and handed over its hints; the grant is good until
  /// `until`, and counts once `id` is a member.
  void grant(const std::string& id, std::uint64_t life, time_point until, time_point now);

  enum class event { none, gained, kept, dropped };

  /// Recomputes the lease after grants or views changed. `dropped`: it came back without the hints
  /// of the nodes that could have voted meanwhile, so the caller must drop everything kept first.
  event update(const electorate& who, time_point now, const protocol_rules& rules);

  /// Notes if the lease has run out. Call it before anything changes.
  void look(time_point now);

  time_point until() const noexcept { return until_; }

  bool is_held(time_point now) const noexcept { return holds_ && now < until_; }

  bool is_granted_by(const std::string& id, time_point now) const;

  /// True if too few of the nodes that could have voted when the lease was lost are left to hand
  /// over their hints: the caller can drop everything kept at once.
  bool is_beyond_hope(const electorate& who) const;

  /// Everything was dropped while the lease was not held.
  void emptied() { lost_.reset(); }

  /// Forgets every grant: this node begins a new membership, empty.
  void reset();

  std::uint64_t losses() const noexcept { return losses_; }

 private:
  struct grant_of {
    std::uint64_t life = 0;
    time_point until{};
  };

  struct loss {
    std::vector<std::vector<std::string>> views;
    std::size_t named_needed = 0;  ///< the largest since it was lost
    std::map<std::string, std::uint64_t> lives;
  };

  loss as_of(const electorate& who) const;
  bool has_old_hints(const electorate& who, time_point now) const;

  std::map<std::string, grant_of> grants_;
  time_point until_{time_point::min()};
  bool holds_ = false;
  std::uint64_t losses_ = 0;
  loss held_under_;           ///< while the lease is held: which nodes could vote
  std::optional<loss> lost_;  ///< which nodes could have voted when it was lost
};

/// What this node has granted to others, and so whether it may vote that one of them has no lease.
class granted_leases {
 public:
  explicit granted_leases(time_point started, bool rests_after_pause = true)
      : started_(started), rests_after_pause_(rests_after_pause), last_tick_(started) {}

  /// Called with every heartbeat. A late call means that this node stood still: it must hear what
  /// others agreed on meanwhile before it votes again.
  void tick(time_point now);

  /// Grants `who` a lease if this node's own past cannot contradict it.
  ///
  /// A node that has just started does not know how an earlier life of it voted: it grants only to
  /// nodes that keep nothing, or that it has granted before.
  bool grant(const member_life& who, bool keeps_nothing, time_point now);

  /// True if this node granted `who` a lease under that life.
  bool has_granted(const member_life& who) const;

  /// True if no grant of this node, or of an earlier life of it, can still count at `who`.
  bool is_over(const member_life& who, time_point now) const;

  void forget(const std::string& id) { answers_.erase(id); }

  /// True if a grant of an earlier life of this node may still count somewhere.
  bool is_young(time_point now) const { return now - started_ < lease_ended_everywhere; }

 private:
  struct answer {
    std::uint64_t life = 0;
    time_point at{};
  };

  const time_point started_;
  const bool rests_after_pause_;
  time_point last_tick_;
  time_point awake_since_{};  ///< when this node last went on after a pause
  std::map<std::string, answer> answers_;
};

}  // namespace weir
