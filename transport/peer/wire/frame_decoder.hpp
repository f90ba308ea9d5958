#pragma once

#include "peer/wire/frame_header.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// One complete message; the payload is valid until the next call of the decoder or the end of its
/// input.
struct frame_message {
  frame_header header;  ///< of the last frame; `remaining` is the whole length
  std::string_view payload;
};

/// Cuts a stream of bytes, split anywhere, into messages; puts chunked ones together again.
///
/// A message that lies in one piece in the input is handed out where it lies. Others are collected
/// in memory that grows with the bytes received, never with the length announced. Nothing of a
/// frame is used before its checksums are found right. After a fault every further call returns the
/// same fault. Not thread-safe.
class frame_decoder {
 public:
  /// What the other side may send now.
  enum class phase : std::uint8_t { handshake, requests, replies };
  enum class status : std::uint8_t { message, need_more, failed };

  explicit frame_decoder(frame_limits limits = {}, phase allowed = phase::handshake)
      : limits_(limits), phase_(allowed) {}

  void enter(phase allowed) noexcept { phase_ = allowed; }

  /// Takes bytes off the front of `input` up to the end of the next message.
  status next(std::string_view& input, frame_message& message);

  peer_fault fault() const noexcept { return fault_; }

  /// True between two messages: nothing is half received.
  bool idle() const noexcept { return header_size_ == 0 && !in_frame_ && partial_.empty(); }

  /// Bytes held for unfinished messages.
  std::uint64_t held() const noexcept { return held_; }

 private:
  struct partial {
    frame_header first;          // `remaining` = length of the whole message
    std::uint32_t received = 0;  // of complete frames and of the frame that arrives now
    std::string body;
  };

  status fail(peer_fault fault) noexcept;
  peer_fault check(const frame_header& header) const noexcept;
  peer_fault begin_frame(const frame_header& header);
  status finish(std::size_t at, frame_message& message);
  std::size_t find(const frame_header& header) const noexcept;

  frame_limits limits_;
  phase phase_;
  peer_fault fault_ = peer_fault::none;
  char header_[frame_header_size];
  std::size_t header_size_ = 0;
  bool in_frame_ = false;
  std::size_t current_ = 0;  // index into partial_ of the frame that arrives now
  std::uint32_t frame_left_ = 0;
  std::uint32_t frame_size_ = 0;      // of the chunk that arrives now
  std::uint32_t frame_checksum_ = 0;  // what it must have
  std::vector<partial> partial_;
  std::uint64_t held_ = 0;
  std::string done_;  // the last assembled message
};

}  // namespace weir
