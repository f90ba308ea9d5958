#pragma once

#include "peer/wire/frame_header.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace weir {

using peer_callback = completion<result<peer_reply>>;

/// The requests of one connection that wait for their reply. Not thread-safe.
///
/// An id is a place in a table and a number that never comes twice, so a reply is found without a
/// search. A request whose caller was answered early, at its deadline or by abandon(), keeps its
/// place until the reply comes, so that a late reply is not taken for one without a request.
class peer_calls {
 public:
  /// At most this many at once; a late one counts too, for `late_for` at most.
  static constexpr std::size_t capacity = 65'536;
  static constexpr std::chrono::seconds late_for{60};

  /// Keeps `done` and `watcher`, which may be null; the id for the wire, or nothing (and `done`
  /// untouched) when the table is full.
  std::optional<std::uint64_t> add(
      frame_type request,
      time_point now,
      time_point deadline,
      peer_callback& done,
      std::shared_ptr<call_watcher> watcher = {}
  );

  enum class match : std::uint8_t { taken, late, unknown, mismatched };

  struct answered {
    match how = match::unknown;
    peer_callback done;
    time_point sent;
    frame_type request = frame_type::ping;
  };

  /// Finds the request of a reply and frees its place.
  answered take(std::uint64_t id, frame_type reply);

  struct noticed {
    match how = match::unknown;
    std::shared_ptr<call_watcher> watcher;  ///< of one taken; may be null
  };

  /// Finds the get that the other side loads; its place stays. A second time for the same get is
  /// mismatched.
  noticed note_loading(std::uint64_t id);

  /// Moves the callbacks whose deadline has passed to `out`; returns how many of them were pings
  /// sent after `heard`.
  unsigned expire(time_point now, time_point heard, std::vector<peer_callback>& out);

  /// Moves all callbacks to `out`; their replies, should they come, are dropped.
  void abandon(time_point now, std::vector<peer_callback>& out);

  std::size_t waiting() const noexcept { return waiting_; }

  bool empty() const noexcept { return used_ == 0; }

 private:
  struct place {
    std::uint64_t id = 0;  // 0 = free
    bool late = false;
    bool is_loading = false;
    frame_type request = frame_type::ping;
    time_point sent;
    time_point deadline;
    peer_callback done;
    std::shared_ptr<call_watcher> watcher;
  };

  void release(place& one);

  std::vector<place> places_;
  std::vector<std::uint32_t> free_;
  std::uint64_t last_number_ = 0;
  std::size_t used_ = 0;
  std::size_t waiting_ = 0;
  time_point earliest_ = time_point::max();  // no deadline before this one
};

}  // namespace weir
