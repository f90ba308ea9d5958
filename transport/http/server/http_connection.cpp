#include "http/server/http_connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

namespace weir {
namespace {

using asio::ip::tcp;
using clock = http_request::clock;

constexpr std::size_t first_buffer = 4'096;
constexpr std::size_t largest_buffer = 65'536;
constexpr std::chrono::milliseconds drain_grace{250};  // for a request already on its way
constexpr std::chrono::milliseconds idle_before_trim{1'000};

}  // namespace

http_connection::http_connection(
    http_loop& loop, net_stream stream, std::unique_ptr<http_admission> admission
)
    : core_(admission->core().shared_from_this()),
      loop_(loop),
      socket_(std::move(stream)),
      admission_(std::move(admission)),
      share_(core_->replies) {
  session_.id = core_->next_session.fetch_add(1, std::memory_order_relaxed);
  session_.remote = admission_->address().to_string();
}

void http_connection::start() {
  if (core_->stopped) return close();
  loop_.add(shared_from_this());
  error_code ignored;
  socket_.socket().set_option(tcp::no_delay(true), ignored);
  socket_.socket().non_blocking(true, ignored);
  now_ = since_ = clock::now();
  const auto tls = core_->tls ? core_->tls() : nullptr;
  if (tls == nullptr) {
    if (core_->tls) admission_->greeted();
    return read();
  }
  phase_ = phase::greeting;
  socket_.secure(tls, tls_side::server);
  greet();
}

/// The handshake of TLS; only then is there HTTP.
void http_connection::greet() {
  socket_.async_handshake([self = shared_from_this()](const error_code& error) {
    if (self->phase_ == phase::closed) return;
    if (error) {
      self->core_->failed_handshakes.fetch_add(1, std::memory_order_relaxed);
      self->core_->remark_seldom("http: " + self->session_.remote + ": " + error.message());
      return self->close();
    }
    self->admission_->greeted();
    self->phase_ = phase::head;
    self->now_ = self->since_ = clock::now();
    self->read();
  });
}

void http_connection::run() {
  if (running_) return;
  running_ = true;
  try {
    take_requests();
  } catch (const std::bad_alloc&) {
    core_->remark("http: " + session_.remote + ": closed, out of memory");
    close();
  }
  running_ = false;
}

void http_connection::take_requests() {
  for (;;) {
    if ((output_is_full() || phase_ == phase::streaming) && !flush()) return;
    if (phase_ == phase::streaming) {
      append_piece();
      continue;
    }
    if (last_answer_given_ || (phase_ != phase::head && phase_ != phase::body)) break;
    if (!(phase_ == phase::head ? take_head() : take_body())) break;
  }
  if (phase_ == phase::closed || !flush() || phase_ == phase::closed) return;
  if (phase_ == phase::handling || phase_ == phase::waiting) return;
  if (phase_ == phase::switching) return hand_over();
  if (end_of_input_ && !last_answer_given_ && !unread().empty()) {
    refuse({400, errc::bad_request, "the request is cut off"});
    if (!flush()) return;
  }
  if (phase_ == phase::closed || phase_ == phase::lingering) return;
  if (end_of_input_) return close();
  if (last_answer_given_) return linger();
  read();
}

void http_connection::read() {
  if (reading_) return;
  if (phase_ != phase::lingering) make_room(phase_ == phase::body ? 1 : unread().size() + 1);
  reading_ = true;
  auto received = [self = shared_from_this()](const error_code& error, std::size_t size) {
    self->on_read(error, size);
  };
  socket_.async_read_some(asio::buffer(input_.get() + end_, capacity_ - end_), std::move(received));
}

void http_connection::on_read(const error_code& error, std::size_t size) {
  reading_ = false;
  if (phase_ == phase::closed) return;
  if (phase_ == phase::lingering) {
    begin_ = end_ = 0;
    return error ? close() : read();
  }
  now_ = clock::now();
  if (error && error != asio::error::eof) return close();
  end_of_input_ = error == asio::error::eof;
  if (begin_ == end_) since_ = now_;
  end_ += size;
  if (phase_ == phase::body) body_pace_.move(size, now_);
  run();
}

/// Makes room for at least one more byte. Outside of a body it may move and grow the buffer; during
/// one the head stays where it is and the window behind it is empty by now.
void http_connection::make_room(std::size_t wanted) {
  if (begin_ == end_ && phase_ == phase::head) begin_ = end_ = 0;
  const bool filled = end_ == capacity_;
  if (!filled && capacity_ != 0) return;
  if (begin_ > 0 && phase_ == phase::head) {
    std::memmove(input_.get(), input_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ + first_buffer / 2 <= capacity_) return;
  }
  const auto larger = std::max({first_buffer, wanted, std::min(capacity_ * 2, largest_buffer)});
  if (larger <= capacity_) return;
  std::unique_ptr<char[]> grown(new char[larger]);
  if (end_ > 0) std::memcpy(grown.get(), input_.get(), end_);
  input_ = std::move(grown);
  capacity_ = larger;
}

void http_connection::sweep(time_point now) {
  const auto& limits = core_->limits;
  now_ = now;
  if (phase_ == phase::closed || phase_ == phase::handling) return;
  if (phase_ == phase::waiting) return look_for_memory(now);
  if (phase_ == phase::lingering) {
    if (now - since_ >= limits.linger) close();
    return;
  }
  if (phase_ == phase::greeting) {
    if (now - since_ < std::min(limits.handshake_timeout, limits.header_timeout)) return;
    core_->timeouts.fetch_add(1, std::memory_order_relaxed);
    return close();
  }
  if (writing_) {
    const bool is_pressed = share_.size() > 0 && core_->replies->is_spent();
    const auto slow =
        write_pace_.too_slow(now, limits.write_timeout, limits.rate_grace, limits.min_rate);
    const auto in_the_way =
        is_pressed &&
        write_pace_.too_slow(now, limits.pressed_grace, limits.pressed_grace, limits.pressed_rate);
    if (!slow && !in_the_way) return;
    auto& cause = slow ? core_->timeouts : core_->short_of_memory;
    cause.fetch_add(1, std::memory_order_relaxed);
    return close();
  }
  if (phase_ == phase::body) {
    if (body_pace_.too_slow(now, limits.body_timeout, limits.rate_grace, limits.min_rate)) {
      time_out("the body comes too slowly");
    }
    return;
  }
  const bool begun = !unread().empty();
  if (!begun && now - since_ >= idle_before_trim) trim();
  if (!begun && core_->draining && now - since_ >= drain_grace) return close();
  const auto limit = begun || answered_ == 0 ? limits.header_timeout : limits.idle_timeout;
  if (now - since_ < limit) return;
  if (begun) return time_out("the header took too long");
  core_->timeouts.fetch_add(1, std::memory_order_relaxed);
  close();
}

/// Gives back what earlier answers needed.
void http_connection::trim() {
  if (output_.capacity() > largest_copied) std::string().swap(output_);
  if (sending_.capacity() > largest_copied) std::string().swap(sending_);
  if (piece_.capacity() > 0) std::string().swap(piece_);
}

void http_connection::time_out(const char* detail) {
  core_->timeouts.fetch_add(1, std::memory_order_relaxed);
  refuse({408, errc::bad_request, detail});
  run();
}

void http_connection::drain() {
  if (phase_ == phase::head && unread().empty()) since_ = clock::now();
}

void http_connection::close() {
  if (phase_ == phase::closed) return;
  phase_ = phase::closed;
  error_code ignored;
  socket_.close(ignored);
  admission_.reset();
  pieces_.reset();
  output_large_ = sending_large_ = bytes();
  share_.set(0);
  loop_.remove(*this);
}

void http_connection::close_soon() {
  asio::post(loop_.context(), [self = shared_from_this()] { self->close(); });
}

/// Ends the connection so that the client can still read the last answer: closing with unread bytes
/// in the socket would reset it (RFC 9112, 9.6).
void http_connection::linger() {
  error_code error;
  socket_.shutdown_send(error);
  if (error) return close();
  phase_ = phase::lingering;
  since_ = now_;
  if (reading_) return;
  begin_ = end_ = 0;
  read();
}

bool http_connection::output_is_full() const noexcept {
  if (output_.size() >= core_->limits.max_unread || !output_large_.empty()) return true;
  return writing_ && core_->replies->is_spent();
}

/// What waits here for the client to read it.
void http_connection::count_held() noexcept {
  auto held = output_large_.size() + sending_large_.size();
  if (writing_) held += output_.size() + sending_.size();
  if (pieces_) held = pieces_->held;
  share_.set(held);
}

template <class Write>
auto http_connection::write_rest(Write write) {
  const auto text = std::min(sent_, sending_.size());
  const auto large = sent_ - text;
  const auto first = asio::buffer(sending_.data() + text, sending_.size() - text);
  const auto second = asio::buffer(sending_large_.data() + large, sending_large_.size() - large);
  if (second.size() == 0) return write(asio::const_buffer(first));
  if (first.size() == 0) return write(asio::const_buffer(second));
  return write(std::array<asio::const_buffer, 2>{first, second});
}

/// Writes what has been answered; true when all of it is with the kernel.
bool http_connection::flush() {
  if (writing_) return false;
  if (output_.empty() && output_large_.empty()) return true;
  sending_.swap(output_);
  sending_large_ = std::move(output_large_);
  sent_ = 0;
  const auto total = sending_.size() + sending_large_.size();
  while (sent_ < total) {
    error_code error;
    const auto size =
        write_rest([&](const auto& buffers) { return socket_.write_some(buffers, error); });
    if (error == asio::error::would_block) {
      write_pace_.start(now_);
      write_later();
      count_held();
      return false;
    }
    if (error) {
      close();
      return false;
    }
    sent_ += size;
  }
  mark_sent(0);
  return true;
}

void http_connection::write_later() {
  writing_ = true;
  write_rest([this](const auto& buffers) {
    auto written = [self = shared_from_this()](const error_code& error, std::size_t size) {
      self->on_written(error, size);
    };
    socket_.async_write_some(buffers, std::move(written));
  });
}

void http_connection::on_written(const error_code& error, std::size_t size) {
  writing_ = false;
  if (phase_ == phase::closed) return;
  if (error) return close();
  now_ = clock::now();
  write_pace_.move(size, now_);
  mark_sent(size);
  if (!sending_.empty() || !sending_large_.empty()) return write_later();
  since_ = now_;
  run();
}

void http_connection::mark_sent(std::size_t size) {
  sent_ += size;
  if (sent_ < sending_.size() + sending_large_.size()) return;
  if (sending_.capacity() > largest_buffer * 2) std::string().swap(sending_);
  sending_.clear();
  if (!sending_large_.empty()) sending_large_ = bytes();
  sent_ = 0;
  if (share_.size() > 0) count_held();
}

void http_connection::hand_over() {
  loop_.remove(*this);
  phase_ = phase::closed;
  admission_.reset();
  std::string leftover(input_.get() + message_end_, end_ - message_end_);
  core_->upgrade(std::move(socket_), std::move(leftover), request_);
}

}  // namespace weir
