#include "peer/wire/frame_decoder.hpp"

namespace weir {

namespace {

constexpr std::size_t kept_payload = 256u << 10;

}  // namespace

frame_decoder::status frame_decoder::fail(peer_fault fault) noexcept {
  fault_ = fault;
  return status::failed;
}

peer_fault frame_decoder::check(const frame_header& header) const noexcept {
  const bool fits = phase_ == phase::requests  ? is_request(header.type)
                    : phase_ == phase::replies ? is_reply(header.type)
                                               : false;
  const bool greeting = header.type == frame_type::refusal ||
                        (header.type == frame_type::hello && phase_ == phase::handshake);
  if (!fits && !greeting) return peer_fault::unexpected;
  return header.remaining > max_length(header.type, limits_) ? peer_fault::too_large
                                                             : peer_fault::none;
}

std::size_t frame_decoder::find(const frame_header& header) const noexcept {
  for (std::size_t i = 0; i < partial_.size(); ++i) {
    if (partial_[i].first.id == header.id) return i;
  }
  return partial_.size();
}

// Opens the message that the frame begins, or finds the one that it continues.
peer_fault frame_decoder::begin_frame(const frame_header& header) {
  current_ = find(header);
  if (current_ < partial_.size()) {
    const partial& open = partial_[current_];
    const bool continues =
        open.first.type == header.type && open.first.remaining - open.received == header.remaining;
    return continues ? peer_fault::none : peer_fault::length;
  }
  if (partial_.size() >= limits_.max_partial) return peer_fault::too_many_partial;
  partial_.push_back({header, 0, {}});
  return peer_fault::none;
}

frame_decoder::status frame_decoder::finish(std::size_t at, frame_message& message) {
  partial& whole = partial_[at];
  message.header = whole.first;
  if (done_.capacity() > kept_payload) done_ = {};
  done_.swap(whole.body);
  held_ -= done_.size();
  message.payload = done_;
  if (at + 1 != partial_.size()) partial_[at] = std::move(partial_.back());
  partial_.pop_back();
  return status::message;
}

frame_decoder::status frame_decoder::next(std::string_view& input, frame_message& message) {
  if (fault_ != peer_fault::none) return status::failed;
  while (true) {
    if (!in_frame_) {
      const char* raw = input.data();
      if (header_size_ > 0 || input.size() < frame_header_size) {
        const std::size_t taken = std::min(frame_header_size - header_size_, input.size());
        if (taken > 0) std::memcpy(header_ + header_size_, input.data(), taken);
        header_size_ += taken;
        input.remove_prefix(taken);
        if (header_size_ < frame_header_size) return status::need_more;
        raw = header_;
      } else {
        input.remove_prefix(frame_header_size);
      }
      header_size_ = 0;
      frame_header header;
      if (const auto fault = read_header(raw, header); fault != peer_fault::none)
        return fail(fault);
      if (const auto fault = check(header); fault != peer_fault::none) return fail(fault);
      const bool alone = !header.more() && (partial_.empty() || find(header) == partial_.size());
      if (alone && input.size() >= header.remaining) {
        message.header = header;
        message.payload = input.substr(0, header.remaining);
        if (frame_checksum(message.payload) != header.chunk_checksum) {
          return fail(peer_fault::checksum);
        }
        input.remove_prefix(header.remaining);
        return status::message;
      }
      if (const auto fault = begin_frame(header); fault != peer_fault::none) return fail(fault);
      frame_left_ = frame_size_ = header.chunk();
      frame_checksum_ = header.chunk_checksum;
      in_frame_ = true;
    }
    partial& open = partial_[current_];
    const std::size_t taken = std::min<std::size_t>(frame_left_, input.size());
    if (held_ + taken > max_partial_bytes(limits_)) return fail(peer_fault::too_many_partial);
    open.body.append(input.data(), taken);
    input.remove_prefix(taken);
    open.received += static_cast<std::uint32_t>(taken);
    held_ += taken;
    frame_left_ -= static_cast<std::uint32_t>(taken);
    if (frame_left_ > 0) return status::need_more;
    in_frame_ = false;
    const auto chunk = std::string_view(open.body).substr(open.body.size() - frame_size_);
    if (frame_checksum(chunk) != frame_checksum_) return fail(peer_fault::checksum);
    if (open.received == open.first.remaining) return finish(current_, message);
  }
}

}  // namespace weir
