#pragma once

#include "agreement/electorate.hpp"
#include "agreement/engine_context.hpp"
#include "agreement/hint_table.hpp"
#include "agreement/lease.hpp"
#include "agreement/record_feeds.hpp"

#include <weir/engine/membership.hpp>
#include <weir/engine/stats.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// How one node agrees with the others: its lease (agreement_lease.cpp), the records it broadcasts
/// (agreement_feed.cpp) and the votes about members that do not confirm them (agreement_votes.cpp).
///
/// electorate, lease, granted_leases and hint_table decide; this class exchanges the messages with
/// other nodes. Thread-safe. Calls the network, the listeners and its waiters without holding its
/// lock. Under its lock it takes those of the member table (address_of) and of the keyspaces
/// (drop_all), which never call back; docs/protocol.md has the order of all locks.
class agreement : public std::enable_shared_from_this<agreement> {
 public:
  explicit agreement(std::shared_ptr<engine_context> context, milliseconds grace);

  /// From now on other nodes may count: no lease until discovery has answered and a majority grants
  /// it.
  void join_cluster();

  /// Discovery answered.
  void set_candidates(named_nodes named);
  void member_proven(const member_life& who, named_nodes named);

  /// Discovery said nothing new, but time has passed since its answer.
  void set_named(named_nodes named);
  void member_left(const std::string& id);

  /// Called with every round of heartbeats. Removes members that this node and a majority of every
  /// view have not reached for 30 s, or for 5 s if discovery dropped them.
  void set_silent(std::set<std::string> silent);
  result<void> forget(std::string_view id);

  /// This node leaves: from now on it serves nothing from memory, and it does not come back under a
  /// new incarnation.
  void leave();
  void stop();

  // Heartbeats: the caller sends and times them.
  ping_request make_ping(const std::string& id);
  void take_pong(const std::string& id, std::uint64_t number, time_point sent, ping_reply pong);
  ping_reply answer(const std::string& from, const ping_request& ping);

  // What other nodes send.
  feed_reply take(const identity& from, const feed_request& request);
  void take(const identity& from, const vote_request& request, completion<vote_reply> done);
  relay_reply take(const identity& from, const relay_request& request);

  /// How the announcement of one change ended.
  struct outcome {
    error_code error;  ///< unavailable: too few nodes applied it or keep a hint of it
    std::vector<std::string> unconfirmed;
  };

  /// Sends a record to every member, `rounds` times or more, until each has confirmed it or was
  /// voted leaseless.
  asio::awaitable<outcome> announce(change_record record, int rounds, time_point deadline);

  /// A link to a member came up or went down, or its health changed.
  void link_changed(const std::string& id);

  /// The ids that count in any view, and those of the newest.
  std::vector<std::string> everyone() const;
  std::vector<std::string> members() const;

  /// Whether `id` counts in any view.
  bool counts(const std::string& id) const;
  lease_status status() const;
  change_stats stats() const;
  bool is_granting(const std::string& id) const;

  /// True if this node granted a lease to each of them under its present incarnation.
  bool has_granted(const std::vector<std::string>& ids) const;
  std::uint64_t feed_lag(const std::string& id) const;

 private:
  /// Up to which record of an origin's life this node keeps hints for one member.
  struct kept_hints {
    std::uint64_t life = 0;
    std::uint64_t number = 0;
  };

  /// What this node has received from one incarnation of a member.
  struct intake {
    std::uint64_t incarnation = 0;
    std::uint64_t applied = 0;
    std::uint64_t hints_applied = 0;
  };

  struct poll;
  using work = std::vector<std::function<void()>>;  ///< to do after the lock is released

  // agreement_lease.cpp
  electorate_note note_for(std::uint64_t digest_of_other) const;
  bool hear(const std::string& id, const electorate_note& note);

  bool is_counted(const std::string& id) const { return who_.everyone().contains(id); }

  bool are_strangers_leaseless() const;
  bool admits_all(time_point now) const;
  bool admits(const std::string& id, const ping_reply& pong, time_point now);
  bool is_old(const std::string& id, time_point now) const;
  std::string why_no_lease(const lease_status& found) const;
  void views_changed(work& todo);
  void forget_gone(work& todo);
  void renew(work& todo);
  void publish_lease();
  void drop_all();
  void apply_hints(const std::vector<change_record>& hints, bool must_flush);

  std::string address_of(const std::string& id) const {
    const auto links = context_->members.lock();
    return links ? links->address_of(id) : std::string();
  }

  // agreement_feed.cpp
  /// What one round of an announcement began with, to be compared with what it ends with.
  struct round {
    std::uint64_t number = 0;
    std::uint64_t changes = 0;
    std::uint64_t disagreements = 0;
  };

  void send_round(
      const change_record& record, time_point deadline, round& of, completion<result<void>> done
  );
  bool may_announce() const;
  void give_up(const record_feeds::wait_key& waiting);
  outcome outcome_of(const round& last, bool was_enough);
  void pump(const std::string& id, work& todo);
  feed_reply take_from_stranger(const feed_request& request);
  void batch_ended(const std::string& id, std::uint64_t last, result<peer_reply> reply);
  void watch(const std::string& id, std::uint64_t sent);
  void stall(const std::string& id, work& todo);

  // agreement_votes.cpp
  void ask_votes(const std::string& id, work& todo);
  void ask_votes_now(const std::string& id, work& todo);
  vote_request votes_about(const std::string& missing, const std::string& voter) const;
  void send_votes(
      const std::shared_ptr<poll>& asked, const std::vector<std::string>& voters, work& todo
  );
  void take_vote(
      const std::shared_ptr<poll>& of, const std::string& voter, result<peer_reply> reply
  );
  void count_votes(const std::shared_ptr<poll>& of, work& todo);
  void ask_again(const std::string& id);
  void vote_here(const identity& from, const vote_request& request, vote_reply& reply);
  void pass_on(const std::string& id, vote_reply reply, completion<vote_reply> done);
  void passed_on(
      const std::string& id,
      std::uint64_t number,
      bool is_all,
      const result<peer_reply>& answer,
      vote_reply& reply
  );
  void settle(work& todo);
  void later(milliseconds after, std::function<void(agreement&)> what);
  static void run(work& todo);

  const std::shared_ptr<engine_context> context_;
  const milliseconds grace_;  ///< after which a batch without answer counts as late
  mutable std::mutex mutex_;
  electorate who_;
  lease lease_;
  granted_leases granted_;
  hint_table hints_;
  bool is_in_cluster_ = false;
  bool has_candidates_ = false;  ///< discovery has answered
  time_point candidates_since_{};
  std::uint64_t reported_losses_ = 0;
  bool is_leaving_ = false;
  bool is_stopped_ = false;
  std::set<std::string> silent_;                            ///< by this node's own judgement
  std::map<std::string, std::set<std::string>> silent_by_;  ///< by the judgement of others
  /// The incarnations, by member, whose predecessors' grants have all ended.
  std::map<std::string, std::uint64_t> old_lives_;
  /// Nodes that were met and are to become members, and since when their grants can be relied on.
  std::map<std::string, std::pair<std::uint64_t, time_point>> newcomers_;
  std::map<std::string, std::uint64_t> pings_sent_;
  std::map<std::pair<std::string, std::uint64_t>, time_point> ping_times_;

  record_feeds feeds_;
  std::map<std::string, intake> intakes_;
  std::map<std::pair<std::string, std::string>, kept_hints> kept_;  ///< by origin and member
  std::set<std::string> passing_on_;  ///< members that are being sent hints
  std::uint64_t disagreements_ = 0;   ///< answers from members that knew another electorate or ring
  change_stats stats_;
};

}  // namespace weir
