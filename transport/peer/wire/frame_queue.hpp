#pragma once

#include "peer/wire/frame_header.hpp"

#include <weir/engine/bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// The payload of one message: flat bytes with large values spliced in by reference.
class frame_body {
 public:
  /// Values from this size on are not copied here, but once, when they go out.
  static constexpr std::size_t splice_from = 16 * 1024;

  std::string& flat() noexcept { return flat_; }

  /// Puts `value` after what flat() holds now.
  void splice(bytes value) {
    spliced_size_ += value.size();
    pieces_.emplace_back(flat_.size(), std::move(value));
  }

  std::uint64_t size() const noexcept { return flat_.size() + spliced_size_; }

  /// Appends `count` bytes to `out`, continuing where the last call ended.
  void copy_next(std::string& out, std::size_t count);

 private:
  std::string flat_;
  std::vector<std::pair<std::size_t, bytes>> pieces_;  // position in flat_, value
  std::uint64_t spliced_size_ = 0;
  std::size_t flat_done_ = 0;
  std::size_t piece_ = 0;
  std::size_t piece_done_ = 0;
};

/// Which of the messages that fit one chunk go first.
enum class lane : std::uint8_t { control, shorts };

/// What waits to be written to one connection: control frames first, then short messages, then one
/// chunk of each long message in turn, so that a large value never holds up a small one. Not
/// thread-safe.
class frame_queue {
 public:
  explicit frame_queue(frame_limits limits = {}) : limits_(limits) {}

  /// Where complete frames are appended directly.
  std::string& control() noexcept { return control_; }

  std::string& shorts() noexcept { return shorts_; }

  /// A message of any length; one that fits one chunk goes where `small` says. Of long ones those
  /// that leases hang on begin first.
  void push(frame_header header, frame_body body, lane small = lane::shorts);

  /// Takes over what `other` holds; it has written nothing yet.
  void absorb(frame_queue&& other);

  /// Replaces `out` by what to write next: all control frames, and up to about `room` bytes of
  /// short messages and as many of long ones. Keeps the memory of `out` for later.
  void take(std::string& out, std::size_t room = least_room);

  bool empty() const noexcept { return size() == 0; }

  std::uint64_t size() const noexcept {
    return control_.size() + shorts_.size() - shorts_done_ + bulk_size_;
  }

  static constexpr std::size_t least_room = frame_chunk;  ///< what a slow link gets at a time
  static constexpr std::size_t max_active = 8;

 private:
  struct stream {
    frame_header header;
    frame_body body;
  };

  void wait(stream&& long_one);
  void start_waiting();
  void append_shorts(std::string& out, std::size_t room);
  void append_chunk(std::string& out);

  frame_limits limits_;
  std::string control_;
  std::string shorts_;
  std::size_t shorts_done_ = 0;  // bytes of shorts_ that are taken
  std::vector<stream> active_;
  std::deque<stream> waiting_;
  std::size_t turn_ = 0;
  std::uint64_t active_total_ = 0;  // whole lengths of active_: never above what the receiver holds
  std::uint64_t bulk_size_ = 0;     // bytes of long messages not yet taken
};

}  // namespace weir
