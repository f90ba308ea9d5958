#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/protocol_rules.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// The shortest time after which a grant given now is void on every clock that is right within 2 %.
inline constexpr milliseconds lease_time{3'000};
inline constexpr milliseconds lease_ended_everywhere{3'130};

/// Discovery's latest answer, with the ids behind the addresses as far as they are known.
struct named_nodes {
  /// An address where this node has not met any node yet.
  struct stranger {
    std::string id = {};   ///< as discovery calls it; empty = unknown
    bool is_idle = false;  ///< discovery has only ever marked it as not serving, or only just
  };

  std::set<std::string, std::less<>> ids = {};                  ///< of nodes that have been met
  std::map<std::string, stranger, std::less<>> strangers = {};  ///< by address
  std::set<std::string, std::less<>> idle = {};                 ///< ids of those met, as above
  /// With a provider that marks the nodes that serve: the ids, this node's own included, that have
  /// not been marked long enough for every node to have heard of it.
  std::set<std::string, std::less<>> unvouched = {};
};

/// Which nodes count for leases and votes: the views of which a majority must agree, and their
/// members.
///
/// What a node knows only grows: members join, and one that was removed never returns under the
/// same incarnation. So the knowledge of two nodes can always be joined, in any order of messages.
/// A view is a set of ids. Each change of that set makes a new view beside the older ones; an older
/// view counts until this node has heard that a majority of it knows all that this node knows, and
/// one lease time longer, so that leases granted before have run out.
///
/// Strangers are nodes that discovery names and this node has not met. To a node that starts, each
/// of them may be part of a working ring, so they count against every majority, and it needs more
/// than half of all named nodes. A settled node was in contact with all named nodes at one time, or
/// with one node of a working ring: to it strangers are newcomers, which join by their handshake.
/// It needs half of the named nodes, and so strangers that start cannot form a majority without one
/// of its half. A node that is idle and no member does not even count as named to it: unless all
/// named nodes answer, a node that starts counts no node as part of its majority before discovery
/// has marked it and every node has had the time to hear that.
///
/// Pure: no clock of its own, no I/O. Not thread-safe.
class electorate {
 public:
  explicit electorate(member_life self, const protocol_rules& rules = {});

  const member_life& self() const noexcept { return self_; }

  /// A member that a handshake proved; incarnation 0 = not yet known. False if it was removed.
  bool add(const member_life& who);

  /// Takes a member off the newest view, for good; older views still count it until they are
  /// replaced.
  void remove(std::string_view id);

  /// Takes an id off every view, for good under its present incarnation: an operator's command.
  void forget(std::string_view id);

  /// Adds all that `other` knows. True if anything was new.
  bool join(const electorate_state& other);

  /// Begins a new membership of this node after it was removed.
  void return_as(std::uint64_t incarnation);

  /// Discovery has answered. Once this node has heard from a majority, strangers counted, every
  /// change of the ids makes a new view. Until then nothing can have relied on what this node takes
  /// for the members.
  void begin();

  /// Strangers had the time to answer. Until then this node may meet one at any moment, and only a
  /// few nodes could agree on a view without them.
  void wait_no_longer();

  /// `id` said that it knows the state with `digest`.
  void heard(std::string_view id, std::uint64_t digest);

  /// A settled node that holds a lease answered: it sent its state, or its state has this digest.
  void met_settled(std::uint64_t digest);

  /// Settles if it has begun and every named node is in contact now, under a life so old that no
  /// other contact can be of an earlier one. To meet them one after the other is not enough: they
  /// may have found each other meanwhile.
  void settle(const std::function<bool(const std::string&)>& is_in_contact);

  /// True while this node joins a ring that works, and has no views of its own yet.
  bool is_joining() const noexcept { return has_met_settled_ && !has_begun_; }

  /// True once it has settled, or has begun and met a settled node that held a lease.
  bool is_settled() const noexcept { return is_settled_; }

  /// Drops the views that have been replaced. True if there was one.
  bool retire(time_point now, bool needs_majority);

  /// The nodes that discovery named last; this node is always one of them. Every quorum must
  /// include half of the discovered nodes, or more than half while this node is not settled;
  /// otherwise restarted nodes could form a quorum from discovery alone.
  void set_named(named_nodes named);

  std::uint64_t digest() const noexcept { return digest_; }

  /// Grows whenever this node learns anything new; the digest covers only the members.
  std::uint64_t changes() const noexcept { return changes_; }

  std::shared_ptr<const electorate_state> state() const;
  bool contains(const member_life& who) const;
  bool is_removed(const member_life& who) const;
  std::uint64_t incarnation_of(std::string_view id) const;  ///< 0 = unknown

  /// Every node that counts in any view, this node included.
  const std::set<std::string, std::less<>>& everyone() const noexcept { return everyone_; }

  std::size_t view_count() const noexcept { return views_.size(); }

  std::size_t size() const { return views_.back().ids.size() + unknown_in(views_.back()); }

  /// How many nodes would count if every discovered node were a member as well.
  std::size_t size_with_all() const;

  bool is_alone() const {
    return everyone_.size() == 1 && unknown_in(views_.back()) == 0 && is_half_here();
  }

  /// True if enough of the discovered nodes count in some view.
  bool is_half_here() const;

  /// True if enough of the discovered nodes satisfy `test`.
  bool is_half_of_named(const std::function<bool(const std::string&)>& test) const;

  bool has_strangers() const noexcept { return !named_.strangers.empty(); }

  /// True if discovery names a stranger with this id.
  bool is_stranger(std::string_view id) const;

  /// How many of the discovered nodes count, this node included, and how many of those satisfy
  /// `test`.
  std::size_t named_count() const;
  std::size_t named_count(const std::function<bool(const std::string&)>& test) const;

  /// How many of the discovered nodes every quorum must include.
  std::size_t named_needed() const;

  /// How many discovered nodes that satisfy `test` count in a quorum only later, as discovery has
  /// not marked them long enough.
  std::size_t unvouched_count(const std::function<bool(const std::string&)>& test) const;

  /// True once discovery has answered and this node has heard from a majority of each view, and so
  /// of every view that counted before it started.
  bool has_begun() const noexcept { return has_begun_; }

  /// True if more than half of each view satisfy `test`.
  bool is_majority(const std::function<bool(const std::string&)>& test) const;

  /// The latest time that a majority of each view, and enough of the discovered nodes, reach when
  /// member `id` reaches `time_of(id)`.
  time_point majority_time(const std::function<time_point(const std::string&)>& time_of) const;

  /// True if at least half, rounded up, of each view of which `missing` is a member satisfy `test`,
  /// `missing` itself not counted, so that any majority that it could form includes one of them;
  /// and so do enough of the discovered nodes.
  bool can_block(std::string_view missing, const std::function<bool(const std::string&)>& test)
      const;

  /// The views as they count now, for a later comparison.
  std::vector<std::vector<std::string>> views() const;

 private:
  struct counted_view {
    std::vector<std::string> ids;
    bool is_told = false;              ///< by another node, which may rely on it
    std::optional<time_point> ends{};  ///< set once a majority of it knew all that this node knows
  };

  bool insert(const member_life& who);
  bool add_tombstone(const std::string& id, std::uint64_t incarnation);
  bool drop_id(const std::string& id);
  void changed();
  void count_anew();
  void begin_if_possible();
  bool has_met_majority() const;
  bool are_all_named(const std::function<bool(const std::string&)>& test) const;
  bool knows_ring() const;
  bool is_counted(const std::string& id) const;
  bool is_named(const std::string& id) const;
  bool is_vouched(const std::string& id) const;
  std::size_t unknown_in(const counted_view& view) const;

  member_life self_;
  const protocol_rules rules_;
  std::map<std::string, std::set<std::uint64_t>, std::less<>> members_;
  /// The tombstones: incarnations that were removed, the latest few of each id.
  std::map<std::string, std::deque<std::uint64_t>, std::less<>> removed_;
  std::set<std::string, std::less<>> forgotten_;
  std::vector<counted_view> views_;
  std::set<std::vector<std::string>> retired_;  ///< dropped views: not taken from others again
  std::set<std::string, std::less<>> everyone_;
  /// The digest that each member was last heard with.
  std::map<std::string, std::uint64_t, std::less<>> known_by_;
  named_nodes named_;
  bool is_discovery_heard_ = false;
  bool waits_for_strangers_ = true;
  bool has_begun_ = false;
  bool has_met_settled_ = false;  ///< and has received what that node knew
  bool is_settled_ = false;
  std::uint64_t digest_ = 0;
  std::uint64_t changes_ = 0;
  mutable std::shared_ptr<const electorate_state> state_;
};

}  // namespace weir
