#pragma once

#include "tests/sim/world/sim_clock.hpp"
#include "tests/sim/world/sim_scheduler.hpp"
#include "tests/sim/world/sim_value.hpp"

#include <weir/engine/entry.hpp>
#include <weir/engine/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

enum class request_kind : std::uint8_t {
  get,
  owner_get,  ///< the owner's answer, whatever copies there are nearer
  fresh_get,  ///< from the source
  put,
  remove,
  invalidate,
  clear,
};

std::string_view name(request_kind kind) noexcept;

enum class request_end : std::uint8_t {
  pending,
  value,
  not_found,
  ok,       ///< a change, applied everywhere it concerns
  partial,  ///< a change that some nodes did not confirm
  failed,   ///< see `error`
  died,     ///< the node that was asked died first
};

std::string_view name(request_end end) noexcept;

/// A version that a client was given, for a later precondition.
struct observation {
  weir::version version;
  instant when{0};  ///< it was in the client's hands
};

/// One request of a client and what became of it. Times are virtual, not those of any node.
struct request_record {
  std::uint64_t number = 0;
  request_kind kind = request_kind::get;
  std::size_t node = 0;
  owner_id incarnation = 0;
  std::size_t session = 0;  ///< one connection of one client to this node; 0 = none
  std::string keyspace;
  std::string key;
  instant started{0};
  instant due{0};  ///< when the node's own clock passes the deadline
  instant ended{0};
  request_end end = request_end::pending;
  error_code error;
  int endings = 0;         ///< must become 1
  bool is_intact = false;  ///< of a value: the checksum held
  std::size_t size = 0;    ///< of a value
  std::optional<value_label>
      label;  ///< of a value or absence that was returned, or a value that was put
  std::optional<milliseconds> ttl;   ///< of a value that was put
  std::optional<observation> basis;  ///< of a conditional change: what must not have changed since
  origin from;
  weir::version version;
  milliseconds age{0};
  std::uint64_t views_at_start = 0;  ///< the digest that all nodes had; 0 = they differed
  std::uint64_t views_at_end = 0;
  std::vector<std::string> unconfirmed;  ///< of a partial change
  milliseconds bound{0};                 ///< of a partial change
  instant received{0};  ///< of a put: when a node that may have applied it got it last

  bool is_read() const noexcept { return kind <= request_kind::fresh_get; }

  bool is_change() const noexcept { return !is_read(); }

  bool was_answered_from_cache() const noexcept {
    return (end == request_end::value || end == request_end::not_found) && !from.collapsed &&
           (from.from == served_from::memory || from.from == served_from::near);
  }
};

enum class fault_kind : std::uint8_t {
  crash,
  freeze,
  cut,
  wires,
  join,    ///< a node that was not a member appears
  leave,   ///< a node says that it goes
  remove,  ///< discovery drops a node
};

std::string_view name(fault_kind kind) noexcept;

/// One fault, from its start to its cure. `wires` concerns every path, and a change of the
/// membership every key.
struct fault_record {
  fault_kind kind = fault_kind::crash;
  std::size_t node = 0;
  std::size_t other = 0;  ///< of a cut: the far side
  instant from{0};
  instant until = instant::max();

  bool is_of_membership() const noexcept { return kind >= fault_kind::join; }

  bool concerns(std::size_t some_node) const noexcept {
    return kind == fault_kind::wires || is_of_membership() || node == some_node ||
           (kind == fault_kind::cut && other == some_node);
  }
};

/// A node was seen without a lease, or to have dropped all it kept.
struct lease_loss {
  std::size_t node = 0;
  instant when{0};
};

/// All that happened in one simulation, for the checkers.
struct history {
  std::vector<request_record> requests;  ///< by number, from 1
  std::vector<fault_record> faults;
  std::vector<lease_loss> lease_losses;     ///< in the order of time
  std::vector<std::uint64_t> put_requests;  ///< request of each put, by number, from 1
  std::vector<std::string> violations;      ///< found while it ran; the first one stops the run

  /// True while a fault was active, or within `after` its cure.
  bool is_faulty(instant when, duration after = 0ns) const noexcept;
};

}  // namespace weir::sim
