#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// What a record takes in the journal and on the wire, in bytes, approximately.
inline std::size_t size_of(const change_record& record) {
  return 64 + record.keyspace.size() + record.key.size() + record.value.size();
}

/// The record as an invalidation: a node that holds the key drops it.
inline change_record without_value(const change_record& from) {
  return {.keyspace = from.keyspace, .key = from.key, .version = from.version};
}

/// The records that this node sends to every member: the journal of them, how far each member is,
/// and the changes that wait until all are far enough.
///
/// Plain state without lock, clock or network: the agreement's lock guards it. Bounded: a journal
/// of 65,536 records or 16 MiB, and 32 MiB of changes that wait. A member that is behind the
/// journal gets a reset instead of what it missed. Forgets what every member has confirmed.
class record_feeds {
 public:
  /// How far one member is. Numbers are those of records, the first is 1.
  struct member {
    std::uint64_t acked = 0;  ///< it applied all up to here
    /// It applied all up to here, or was voted leaseless, or another node relayed them.
    std::uint64_t settled = 0;
    std::uint64_t hinted = 0;  ///< enough others keep hints of all up to here
    std::uint64_t pings = 0;   ///< number of its last ping that was answered
    std::uint64_t sent = 0;    ///< batches so far
    bool is_in_flight = false;
    bool is_watched = false;
    bool is_stalled = false;  ///< the batch in flight is late, or there is no way to it
    bool is_retrying = false;

    // Votes about it: one round at a time, and one timer until the next.
    bool is_polling = false;
    bool is_outvoted = false;  ///< the last round was not enough
    time_point polled{};       ///< when that began
    timer_id next_poll = 0;
    std::map<std::string, std::uint64_t> kept_by;  ///< by voter: it keeps hints up to this record
  };

  using wait_key = std::pair<std::uint64_t, std::uint64_t>;  ///< number of the record, and its own

  /// A change that is being broadcast.
  struct wait {
    std::size_t bytes = 0;
    completion<result<void>> done;
    timer_id timer = 0;
  };

  /// Number of the last record.
  std::uint64_t last() const noexcept { return last_; }

  // Members.

  /// Adds a member, which need not hear of earlier records; no effect if it is one already.
  void add(const std::string& id);

  /// Null = no member.
  member* find(const std::string& id);
  const member* find(const std::string& id) const;

  member& at(const std::string& id) { return members_.at(id); }

  const member& at(const std::string& id) const { return members_.at(id); }

  std::map<std::string, member>& members() noexcept { return members_; }

  const std::map<std::string, member>& members() const noexcept { return members_; }

  // Records.

  /// Takes a record for every member and returns its number; no effect without members.
  std::uint64_t append(change_record record, time_point now);

  /// The member applied all up to `number`.
  void confirmed(member& by, std::uint64_t number);

  /// The member holds no lease, or other nodes relayed all up to `number`.
  static void settled(member& of, std::uint64_t number);
  static void hinted(member& of, std::uint64_t number);

  /// The next batch for the member, at most 512 records and 256 KiB; values are as old as `now`
  /// says. A reset comes first where the journal does not reach back.
  feed_request next_batch(const member& to, time_point now) const;

  /// The records that the member has not confirmed and `voter` does not keep yet; none, but
  /// `must_flush`, where they are more than 4,096 or 768 KiB, or forgotten.
  vote_request unconfirmed(const member& of, const std::string& voter) const;

  // Changes that wait.

  bool is_waited_for() const noexcept { return !waits_.empty(); }

  /// True if no more changes may wait.
  bool is_full() const noexcept;

  /// `done` waits until record `number`, of `bytes`, is settled for every member.
  wait_key wait_for(std::uint64_t number, std::size_t bytes, completion<result<void>> done);

  /// Null = it has ended.
  wait* find(const wait_key& key);

  /// Ends one; empty if it has ended.
  std::optional<wait> take(const wait_key& key);

  /// Ends those whose records are settled for all members; stalled members count only if
  /// `waits_for_all`.
  std::vector<wait> take_settled(bool waits_for_all);
  std::vector<wait> take_all();

  std::size_t journal_bytes() const noexcept { return journal_bytes_; }

  std::size_t waiting_bytes() const noexcept { return waiting_bytes_; }

 private:
  struct journaled {
    change_record record;
    time_point since;
  };

  std::uint64_t oldest() const noexcept { return last_ - journal_.size() + 1; }

  void drop_oldest();

  std::deque<journaled> journal_;
  std::uint64_t last_ = 0;
  std::size_t journal_bytes_ = 0;
  std::map<std::string, member> members_;
  std::map<wait_key, wait> waits_;
  std::uint64_t last_wait_ = 0;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace weir
