#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/error.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace weir WEIR_API {

/// What a typed keyspace did beside its answer.
struct typed_event {
  enum class kind : std::uint8_t {
    unreadable,           ///< a value could not be decoded, and is dropped
    refused_by_guard,     ///< a value was vetoed, and is dropped
    put_refused,          ///< could not be encoded, or the put failed
    invalidation_failed,  ///< the drop, or an invalidate(), failed
  };

  kind what;
  std::string keyspace;
  std::string key;
  error why;  ///< none for refused_by_guard
};

/// "unreadable", "refused_by_guard", ... Static storage.
std::string_view name(typed_event::kind what) noexcept;

/// Hands events to a slow listener on a thread of its own, in their order: pass `*line` as on_event.
///
/// Bounded: what comes while `max_waiting` events wait is counted and dropped. close() and the
/// destructor drop what waits and return once the event in progress has been taken; what comes
/// later is dropped. Not to be closed by its own listener. An exception of the listener is dropped.
/// Thread-safe; copies of the function share the line, which must outlive them.
class event_line {
 public:
  explicit event_line(
      std::function<void(const typed_event&)> listener, std::size_t max_waiting = 1024
  );
  ~event_line();
  event_line(const event_line&) = delete;
  event_line& operator=(const event_line&) = delete;

  /// Never blocks but for a short lock.
  void operator()(const typed_event& event);

  /// Idempotent.
  void close();

  /// So far, those after close() included.
  std::uint64_t dropped() const noexcept;

 private:
  struct state;
  const std::unique_ptr<state> state_;
};

}  // namespace weir
