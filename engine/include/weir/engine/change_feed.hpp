#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/data_source.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/error.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace weir WEIR_API {

/// One change that a source tells of.
struct source_change {
  std::string key;   ///< empty: everything may have changed
  std::string etag;  ///< the key's entity tag since then, as loads give it; empty: not told
};

/// What takes the changes that a feed tells: the keyspace on this node. Its functions are called
/// one at a time and do not block.
class change_sink {
 public:
  virtual ~change_sink() = default;

  /// The source has confirmed that from now on it tells every change; what changed before is not
  /// known. The first call of every connection, and the one after a gap. Everything kept is
  /// dropped.
  virtual void reset() = 0;

  /// Changes in the order in which the source made them: those of one of its transactions together.
  virtual void apply(std::span<const source_change> changes) = 0;

  /// Every change that the source made before `covered` was told. Take the time at which a question
  /// was sent that the source has answered since: what was said to a node that stood still is old.
  /// Due every change_feed::heartbeat.
  virtual void alive(time_point covered) = 0;
};

/// What happens to reads of a keyspace while its source cannot tell of changes.
enum class feed_loss : std::uint8_t {
  pass,   ///< they go to the source, and nothing is kept
  serve,  ///< what is kept is served until its TTL ends, and says that it may be stale
};

/// Tells of the changes that others make at a source: one connection of one node.
///
/// The engine runs it, dials again after a failure (50 ms to 5 s, drawn), and judges whether it
/// lives; a feed only speaks its protocol.
class change_feed {
 public:
  /// The longest time between two calls of change_sink::alive(), and how old the last one may be
  /// before the feed counts as lost.
  static constexpr milliseconds heartbeat{1'000};
  static constexpr milliseconds lost_after{3'000};

  virtual ~change_feed() = default;

  /// Connects and tells until the connection ends; returns why it did. `to` is valid until then.
  /// Runs on an event loop and must not block it; an exception is taken for errc::source_failed.
  /// The time-outs of connecting are the feed's own, 5 s at most.
  [[nodiscard]] virtual asio::awaitable<error> async_run(change_sink& to, load_context context) = 0;

  /// Ends async_run() soon. From any thread, and also when it does not run.
  virtual void cut() = 0;

  virtual feed_loss when_lost() const noexcept { return feed_loss::pass; }
};

}  // namespace weir
