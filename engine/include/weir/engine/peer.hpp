#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/entry.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/explain.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/result.hpp>
#include <weir/engine/view.hpp>

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace weir WEIR_API {

/// The identity that a node claims when two nodes meet. Proven by the handshake, never by
/// discovery.
struct identity {
  std::string cluster;            ///< a name; empty = one without a name
  std::string id;                 ///< a name, stable over restarts; the ring hashes it
  std::uint64_t incarnation = 0;  ///< random per start; 0 = the engine draws one
  std::uint32_t weight = 1;       ///< 1..max_weight
  std::string address;            ///< host:port that others dial
  ring_settings ring = {};        ///< nodes that build other rings refuse each other
};

/// Says what is wrong with `who`, with the range that is allowed; empty = valid. An id is a name, a
/// cluster a name or empty, weight and ring within their limits. Nodes ask it of each other, too.
std::string fault_of(const identity& who);

/// Throws std::invalid_argument with the words of fault_of(), if there are any.
void check(const identity& who);

inline constexpr std::uint16_t peer_protocol_version = 4;

/// The role in which the asked node serves a request. It never forwards it again.
enum class serve_as : std::uint8_t { owner, gutter };

/// What the asked node does for one key. `cached`: serve or load it. `fresh`: invalidate and load
/// it. `observe`: tell its version only. `peek`: answer from what it kept of a term that is over.
/// `adopt`: as the new owner, ask the former one for what it kept; answered without a value.
enum class get_mode : std::uint8_t { cached, fresh, observe, peek, adopt };

/// "The value of one key, please."
struct get_request {
  std::string keyspace;
  std::string key;
  serve_as role = serve_as::owner;
  get_mode mode = get_mode::cached;
  bool explain = false;
  bool is_of_batch = false;  ///< its load waits in the line of batches
  version held;              ///< the asker has this one: no bytes when it still holds
};

struct get_reply {
  lookup answer;              ///< valid without error
  bool is_leased = false;     ///< the asked node held a lease: the answer may be kept
  bool is_unchanged = false;  ///< what the asker holds is right; `answer` has no value
  weir::error error;          ///< an errc, or none; with words where they are known
  std::vector<explain_step> steps;
  std::vector<member> view;  ///< with errc::not_owner: the members as the asked node sees them
};

/// "The values of these keys", all owned by the asked node.
struct get_many_request {
  std::string keyspace;
  std::vector<std::string> keys;
  serve_as role = serve_as::owner;
};

struct get_many_reply {
  std::vector<get_reply> answers;  ///< one per key, in their order
};

/// `clear`, of every key, is no order to another node: it goes round as a change_record.
enum class change_kind : std::uint8_t { put, remove, invalidate, clear };

/// "Change this key." An order to its owner; any other node refuses it with errc::not_owner.
/// Members are told of the change by a change_record.
struct change_request {
  std::string keyspace;
  change_kind kind = change_kind::invalidate;
  std::string key;  ///< empty for clear
  bytes value;      ///< for put
  std::optional<milliseconds> ttl;
  precondition condition;
};

struct change_reply {
  weir::version version;
  weir::error error;
  std::vector<member> view;  ///< with errc::not_owner
  /// Not 0: the change is ordered and still being broadcast; ask how it ended with confirm_request.
  /// 0: it has ended as the fields below say.
  std::uint64_t ticket = 0;
  std::vector<std::string> unconfirmed;
  milliseconds bound{0};
  bool is_stored = false;  ///< the source took it
};

/// "How did the change end that you gave this ticket for?" Answered when it has ended, or by the
/// deadline.
struct confirm_request {
  std::uint64_t ticket = 0;
};

struct confirm_reply {
  error_code error;
  std::vector<std::string> unconfirmed;
  milliseconds bound{0};
};

/// One change, as every member receives it: drop what you have of the key, whatever your role.
struct change_record {
  std::string keyspace;
  std::string key;        ///< empty = every key
  weir::version version;  ///< of the change; none = no owner ordered it: drop unconditionally
  bytes value;            ///< pushed to members that hold the key already
  milliseconds ttl{0};    ///< of the pushed value, when the message left; 0 = none was pushed
  milliseconds age{0};    ///< of the pushed value, likewise
};

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

/// "I am leaving; take me off your ring."
struct leave_request {};

struct leave_reply {};

/// "What have you done so far?" Answered with text for people and tools; the engine does not read
/// it.
struct report_request {};

struct report_reply {
  error_code error;  ///< errc::too_large: over max_report
  std::string text;
};

inline constexpr std::size_t max_report = 1u << 20;  ///< bytes of the text

using request_body = std::variant<
    get_request,
    get_many_request,
    change_request,
    ping_request,
    leave_request,
    confirm_request,
    feed_request,
    vote_request,
    relay_request,
    report_request>;
using reply_body = std::variant<
    get_reply,
    get_many_reply,
    change_reply,
    ping_reply,
    leave_reply,
    confirm_reply,
    feed_reply,
    vote_reply,
    relay_reply,
    report_reply>;

struct peer_request {
  std::uint64_t view_digest = 0;
  milliseconds timeout{5000};  ///< time left when the request was sent
  request_body body;
};

struct peer_reply {
  std::uint64_t view_digest = 0;
  reply_body body;
};

/// Why a link to a peer ended.
enum class link_loss : std::uint8_t {
  refused,   ///< nothing listens there
  reset,     ///< the connection broke
  timeout,   ///< no connection or handshake in time
  rejected,  ///< another cluster, a doubled id, another protocol: see the log
};

/// A node refused this one because another living process uses the same node id.
struct id_conflict {
  std::string text;              ///< "another living process (10.0.0.1:7420) uses node id \"n1\""
  bool is_said_by_other = true;  ///< by a third node; else by the process of the same id
};

/// What the engine does for the network: it serves requests and learns of links.
///
/// Called on any event loop. `reply` may be called before serve() returns.
class peer_handler {
 public:
  virtual ~peer_handler() = default;

  /// Answers without waiting if it can: the path of a hit. False = nothing done, call serve().
  virtual bool try_serve(const peer_request& request, peer_reply& reply) = 0;

  /// Serves one request of the node `from`, whose address is empty as in on_peer_seen(); `reply` is
  /// called exactly once. Of a get that starts or joins a load as owner `loading`, unless it is
  /// empty, is called before: at most once, before the source is called and serve() returns.
  virtual void serve(
      identity from, peer_request request, completion<peer_reply> reply, completion<> loading
  ) = 0;

  /// A handshake with the node at `address` that this node dialled succeeded.
  virtual void on_link_up(const std::string& address, const identity& peer) = 0;

  /// The link to `address` is gone or could not be made. `connect`ed addresses are dialled again by
  /// the network.
  virtual void on_link_down(const std::string& address, link_loss cause) = 0;

  /// A node that was not dialled introduced itself. It is a candidate at `peer.address`, which is
  /// empty when nothing but its own claim says that it is there.
  virtual void on_peer_seen(const identity& peer) = 0;

  /// A node refused a link because of this node's id.
  virtual void on_id_conflict(const id_conflict& found) { static_cast<void>(found); }
};

/// Is told how a request fares before it is answered.
class call_watcher {
 public:
  virtual ~call_watcher() = default;

  /// The asked node is working on it: it starts or joins a load. Called at most once, on an event
  /// loop, never after the request's completion.
  virtual void on_loading() = 0;
};

/// The engine's way to other nodes: the peer link in the product, a seeded model in the simulator.
///
/// Thread-safe. At most one link per address; requests to an address without a link fail at once.
class peer_network {
 public:
  virtual ~peer_network() = default;

  /// Dials `address` now and again after each loss until disconnect(); every result goes to the
  /// handler.
  virtual void connect(const std::string& address) = 0;

  /// Ends the link and stops dialling. What is pending there fails with errc::unavailable.
  virtual void disconnect(const std::string& address) = 0;

  /// Sends one request. `done` is called exactly once, never before call() returns: with the reply,
  /// with errc::deadline_exceeded at `deadline`, or with errc::unavailable as soon as the link is
  /// lost or missing.
  virtual void call(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done
  ) = 0;

  /// The same, and tells `watcher`, which is kept until the request ends, what comes before the
  /// reply. A network that cannot tell sends the request all the same.
  virtual void call_watched(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done,
      std::shared_ptr<call_watcher> watcher
  ) {
    static_cast<void>(watcher);
    call(address, std::move(request), deadline, std::move(done));
  }

  /// When anything last came from `address` in answer to what this node sent there; to 10 ms.
  /// time_point{} when there is no link.
  virtual time_point heard(const std::string& address) const {
    static_cast<void>(address);
    return {};
  }

  /// Fails everything pending at `address` with errc::unavailable: a health verdict fell.
  virtual void abandon(const std::string& address) = 0;
};

}  // namespace weir
