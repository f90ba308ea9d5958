#include "peer/wire/frame_queue.hpp"

#include <algorithm>

namespace weir {

namespace {

constexpr std::size_t kept_output = 1u << 20;

}  // namespace

void frame_body::copy_next(std::string& out, std::size_t count) {
  while (count > 0) {
    const std::size_t next = piece_ < pieces_.size() ? pieces_[piece_].first : flat_.size();
    if (flat_done_ < next) {
      const std::size_t taken = std::min(count, next - flat_done_);
      out.append(flat_, flat_done_, taken);
      flat_done_ += taken;
      count -= taken;
    } else if (piece_ < pieces_.size()) {
      const bytes& value = pieces_[piece_].second;
      const std::size_t taken = std::min(count, value.size() - piece_done_);
      out.append(value.data() + piece_done_, taken);
      piece_done_ += taken;
      count -= taken;
      if (piece_done_ == value.size()) {
        pieces_[piece_++].second = {};
        piece_done_ = 0;
      }
    } else {
      return;
    }
  }
}

void frame_queue::push(frame_header header, frame_body body, lane small) {
  header.remaining = static_cast<std::uint32_t>(body.size());
  if (!header.more()) {
    std::string& flat = small == lane::control ? control_ : shorts_;
    const auto start = flat.size();
    flat.append(frame_header_size, '\0');
    body.copy_next(flat, header.remaining);
    seal_frame(flat, start, header);
    return;
  }
  bulk_size_ += header.remaining;
  wait({header, std::move(body)});
}

void frame_queue::wait(stream&& long_one) {
  if (is_control(long_one.header.type)) {
    waiting_.push_front(std::move(long_one));
  } else {
    waiting_.push_back(std::move(long_one));
  }
}

void frame_queue::absorb(frame_queue&& other) {
  control_ += other.control_;
  shorts_ += other.shorts_;
  bulk_size_ += other.bulk_size_;
  for (auto& one : other.waiting_) wait(std::move(one));
  other = frame_queue(limits_);
}

void frame_queue::start_waiting() {
  while (!waiting_.empty() && active_.size() < max_active) {
    const std::uint64_t length = waiting_.front().header.remaining;
    if (active_total_ + length > max_partial_bytes(limits_) && !active_.empty()) return;
    active_total_ += length;
    active_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void frame_queue::append_chunk(std::string& out) {
  if (turn_ >= active_.size()) turn_ = 0;
  stream& now = active_[turn_];
  const auto start = out.size();
  const std::uint32_t count = now.header.chunk();
  out.append(frame_header_size, '\0');
  now.body.copy_next(out, count);
  seal_frame(out, start, now.header);
  now.header.remaining -= count;
  bulk_size_ -= count;
  if (now.header.remaining > 0) {
    ++turn_;
    return;
  }
  active_total_ -= now.body.size();
  active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(turn_));
}

void frame_queue::append_shorts(std::string& out, std::size_t room) {
  std::size_t end = shorts_.size();
  if (end - shorts_done_ > room) {  // whole frames
    end = shorts_done_;
    while (end - shorts_done_ < room) {
      end += frame_header_size + load_number<std::uint32_t>(shorts_.data() + end + 16);
    }
  }
  out.append(shorts_, shorts_done_, end - shorts_done_);
  shorts_done_ = end;
  if (shorts_done_ == shorts_.size() || shorts_done_ > kept_output) {
    shorts_.erase(0, shorts_done_);
    shorts_done_ = 0;
  }
}

void frame_queue::take(std::string& out, std::size_t room) {
  out.clear();
  if (out.capacity() > kept_output) out = {};
  out.swap(control_);
  if (room == 0) return;
  if (out.empty() && shorts_done_ == 0 && shorts_.size() <= room) {
    out.swap(shorts_);
  } else {
    append_shorts(out, room);
  }
  for (std::size_t bulk = 0; bulk < room && bulk_size_ > 0; bulk += frame_chunk) {
    start_waiting();
    append_chunk(out);
  }
}

}  // namespace weir
