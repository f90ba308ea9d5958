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

/// Discovery's latest answer, as far as it is known who stands behind it.
struct named_nodes {
  /// An address where nobody has been met yet.
  struct stranger {
    std::string id = {};   ///< as discovery calls it; empty = unknown
    bool is_idle = false;  ///< discovery has only ever marked it as not serving, or only just
  };

  std::set<std::string, std::less<>> ids = {};                  ///< of those who have been met
  std::map<std::string, stranger, std::less<>> strangers = {};  ///< by address
  std::set<std::string, std::less<>> idle = {};                 ///< ids of those met, as above
  /// Of a provider that marks who serves: the ids, this node's own among them, of those who have not
  /// been marked for long enough that everybody has heard of it.
  std::set<std::string, std::less<>> unvouched = {};
};

/// Who counts for leases and votes: the views of which a majority must agree, and who belongs to
/// them.
///
/// What a node knows only grows: members join, and one that was removed never returns under the
/// same incarnation. So whatever two nodes know can be joined, and no order of messages matters. A
/// view is a set of ids. Each change of that set is a new view beside the older ones; an older one
/// counts until a majority of it has been heard to know all that this node knows, and one lease
/// time more, so that leases which were granted before have run out.
///
/// Strangers are whom discovery names and nobody here has met. To a node that starts each of them
/// may be part of a ring that works, so they count against every majority, and it needs more than
/// half of all who are named. A settled node was in contact with everybody named at one time, or
/// with one of a ring that works: to it strangers are newcomers, which join by their handshake. It
/// needs half of those named, and so no strangers who start can be a majority without one of its
/// half. Who is idle and no member is not even named to it: unless everybody answers, a node that
/// starts counts nobody as a part of its majority before discovery has marked it, and everybody has
/// had the time to hear that.
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

  /// Takes an id off every view, for good under its present incarnation: an operator's word.
  void forget(std::string_view id);

  /// Adds all that `other` knows. True if anything was new.
  bool join(const electorate_state& other);

  /// Begins a new membership of this node after it was removed.
  void return_as(std::uint64_t incarnation);

  /// Discovery has answered. Once a majority has been heard, strangers counted, every change of the
  /// ids makes a view of its own. Until then nothing can have relied on what this node took for the
  /// members.
  void begin();

  /// Strangers had the time to answer. Until then they may be met at any moment, and a view without
  /// them would have to be agreed upon by few.
  void wait_no_longer();

  /// `who` was heard to know the state with `digest`.
  void heard(std::string_view id, std::uint64_t digest);

  /// A settled node that holds a lease has told all that it knows, unless that has this digest.
  void met_settled(std::uint64_t digest);

  /// Settles if it has begun and everybody named is in contact now, under a life so old that no
  /// other contact can be of an earlier one. To have met them one after the other is not enough: they
  /// may have found each other meanwhile.
  void settle(const std::function<bool(const std::string&)>& is_in_contact);

  /// True while this node joins a ring that works, and has no views of its own yet.
  bool is_joining() const noexcept { return has_met_settled_ && !has_begun_; }

  /// True once it has settled, or has begun and met a settled node that held a lease.
  bool is_settled() const noexcept { return is_settled_; }

  /// Lets go of views that have been replaced. True if one went.
  bool retire(time_point now, bool needs_majority);

  /// Whom discovery named last; this node is one of them in any case. Half of them, or more than
  /// half while this node is not settled, must have a part in whatever counts: should the others
  /// start anew with nothing but discovery's word, any majority that they form has one of that half
  /// in it.
  void set_named(named_nodes named);

  std::uint64_t digest() const noexcept { return digest_; }

  /// Grows whenever anything new becomes known; the digest tells of the members alone.
  std::uint64_t changes() const noexcept { return changes_; }

  std::shared_ptr<const electorate_state> state() const;
  bool contains(const member_life& who) const;
  bool is_removed(const member_life& who) const;
  std::uint64_t incarnation_of(std::string_view id) const;  ///< 0 = unknown

  /// Everybody who counts in any view, this node included.
  const std::set<std::string, std::less<>>& everyone() const noexcept { return everyone_; }

  std::size_t view_count() const noexcept { return views_.size(); }

  std::size_t size() const { return views_.back().ids.size() + unknown_in(views_.back()); }

  /// How many would count if everybody whom discovery names were a member as well.
  std::size_t size_with_all() const;

  bool is_alone() const {
    return everyone_.size() == 1 && unknown_in(views_.back()) == 0 && is_half_here();
  }

  /// True if enough of those whom discovery names count in some view.
  bool is_half_here() const;

  /// True if enough of those whom discovery names satisfy `test`.
  bool is_half_of_named(const std::function<bool(const std::string&)>& test) const;

  bool has_strangers() const noexcept { return !named_.strangers.empty(); }

  /// True if discovery names a stranger with this id.
  bool is_stranger(std::string_view id) const;

  /// How many of those named count, this node included, and how many of them satisfy `test`.
  std::size_t named_count() const;
  std::size_t named_count(const std::function<bool(const std::string&)>& test) const;

  /// How many of those named must have a part in whatever counts.
  std::size_t named_needed() const;

  /// Those of them whose part counts only later: discovery has not marked them for long enough.
  std::size_t unvouched_count(const std::function<bool(const std::string&)>& test) const;

  /// True once discovery has answered and this node has heard from a majority of each view, and so
  /// of every view that counted before it started.
  bool has_begun() const noexcept { return has_begun_; }

  /// True if more than half of each view satisfy `test`.
  bool is_majority(const std::function<bool(const std::string&)>& test) const;

  /// The latest time that a majority of each view, and enough of those whom discovery names, reach
  /// when member `id` reaches `time_of(id)`.
  time_point majority_time(const std::function<time_point(const std::string&)>& time_of) const;

  /// True if at least half, rounded up, of each view of which `missing` is a member satisfy `test`,
  /// `missing` itself not counted: any majority that it could form has one of them in it; and
  /// enough of those whom discovery names.
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
  std::map<std::string, std::deque<std::uint64_t>, std::less<>>
      removed_;  ///< the latest few of each id
  std::set<std::string, std::less<>> forgotten_;
  std::vector<counted_view> views_;
  std::set<std::vector<std::string>> retired_;  ///< views let go of: not taken from others again
  std::set<std::string, std::less<>> everyone_;
  std::map<std::string, std::uint64_t, std::less<>>
      known_by_;  ///< digest that each member was last heard with
  named_nodes named_;
  bool is_discovery_heard_ = false;
  bool waits_for_strangers_ = true;
  bool has_begun_ = false;
  bool has_met_settled_ = false;  ///< and has been told what that knew
  bool is_settled_ = false;
  std::uint64_t digest_ = 0;
  std::uint64_t changes_ = 0;
  mutable std::shared_ptr<const electorate_state> state_;
};

}  // namespace weir
