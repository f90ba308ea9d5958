#pragma once

#include "nats/nats_presence.hpp"

#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/peer.hpp>

#include <array>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace weir {

struct nats_rules {
  milliseconds heartbeat{1'000};      ///< of all nodes
  int misses = 5;                     ///< heartbeats in a row without a member that drop it
  int goodbye = 2;                    ///< heartbeats for which a member that left stays known
  milliseconds clock_window{30'000};  ///< by which the clocks of nodes may differ
  std::size_t most_members = 256;     ///< more are not heard
  std::size_t most_known = 1'024;     ///< those that are gone included
  bool is_signed = false;             ///< times are checked: nothing old is heard again
};

/// The candidates after all that was heard on the subject: a function of the events and the time.
///
/// No node is named before 1.5 heartbeats of a connection have passed, so that the first answer is
/// complete. The first answer also needs the node to have heard itself, which proves that the
/// subject works. If nothing is heard from others but messages that were refused, there is no first
/// answer: the node may have a wrong secret, and is not alone.
///
/// A member is dropped after `misses` heartbeats of one connection in each of which another member
/// was heard and this one was not, and `goodbye` heartbeats after its goodbye, unless it is heard
/// meanwhile. The count restarts when the connection breaks, after a heartbeat in which no other
/// node is heard, and after one for which the node itself was late. An incarnation is a member of
/// its own, so that no node replaces another. Not thread-safe.
class nats_members {
 public:
  nats_members(nats_rules rules, identity self);

  struct step {
    /// What to report: the first finding, a changed list, a new kind of failure or its end.
    std::optional<result<std::vector<candidate>>> tell;
    std::optional<time_point> next;  ///< when beat() is to be called; none = while not connected
  };

  step up(time_point now);
  step down();

  /// No server works.
  step failed(nats_outcome why);

  /// A heartbeat of this node is due: publish it; `next` is then when the following one is due.
  step beat(time_point now);

  /// `what` was read so at the wall clock's `unix_ms`; `from` counts if it was `heard`.
  step take(nats_outcome what, const nats_presence& from, std::uint64_t unix_ms, time_point now);

  /// Counts what changes nothing.
  void count(nats_outcome outcome) noexcept { ++counts_[static_cast<std::size_t>(outcome)]; }

  std::uint64_t counted(nats_outcome outcome) const noexcept {
    return counts_[static_cast<std::size_t>(outcome)];
  }

 private:
  struct life {
    std::string id;
    std::uint64_t incarnation = 0;

    friend auto operator<=>(const life&, const life&) = default;
  };

  struct known {
    std::string address;
    std::uint64_t at = 0;  ///< of its newest message
    bool is_member = true;
    bool is_heard = true;  ///< since the last heartbeat
    int absences = 0;
    std::optional<int> goodbye;  ///< heartbeats until it is dropped
    time_point seen;
  };

  nats_outcome judge(const nats_presence& from, std::uint64_t unix_ms, time_point now);
  bool make_room();
  void forget_old(time_point now);
  void count_absences();
  void begin_again();

  bool is_settled() const { return beats_ > settling_beats; }

  std::size_t members() const;
  std::vector<candidate> list() const;
  std::optional<nats_outcome> doubt() const;
  void conclude(step& out);

  static constexpr int settling_beats = 3;

  const nats_rules rules_;
  const identity self_;
  std::map<life, known> known_;
  std::array<std::uint64_t, nats_outcomes> counts_{};
  bool is_up_ = false;
  bool has_heard_itself_ = false;        ///< in this connection
  int beats_ = 0;                        ///< of this connection, up to settled
  time_point due_;                       ///< the next heartbeat
  std::optional<nats_outcome> refused_;  ///< the last kind of message that was
  int beats_since_refused_ = 0;
  std::optional<nats_outcome> trouble_;  ///< told, and not over
  bool has_answered_ = false;
  bool is_changed_ = false;  ///< members or addresses, since told_
  std::vector<std::string> told_;
};

}  // namespace weir
