#include "peer/peer_connection.hpp"

#include "peer/peer_core.hpp"
#include "peer/peer_socket.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <utility>

namespace weir {

namespace {

// A flush that keeps finding more gives the loop back after this many writes.
constexpr int writes_in_a_row = 8;
constexpr std::size_t max_conflict_text = 700;  // a node id and an address at their longest
constexpr std::size_t most_room = 128 * 1024;

// A message that stops half way, and a write of which nothing arrives, end the connection.
constexpr milliseconds watch_period{1000};
constexpr milliseconds max_write_stall{30'000};

/// The other side's certificate is good, but not for the node id that it claims.
void refuse_name(peer_handshake::outcome& outcome) {
  const std::string text =
      "wrong SAN: the certificate has no DNS name equal to node id \"" + outcome.peer.id + '"';
  outcome.reason = {refusal_reason::bad_hello, text};
  outcome.send.clear();
  append_refusal(outcome.send, outcome.reason);
}

}  // namespace

peer_connection::peer_connection(std::shared_ptr<peer_core> core, net_stream socket, peer_side side)
    : queue_(core->limits),
      core_(std::move(core)),
      socket_(std::move(socket)),
      handshake_timer_(socket_.get_executor()),
      watch_timer_(socket_.get_executor()),
      side_(side),
      handshake_(side, core_->self),
      decoder_(core_->limits),
      buffer_(std::make_unique_for_overwrite<char[]>(read_size)) {}

void peer_connection::begin(std::string_view leftover) {
  heard_.store(core_->env.coarse_now().time_since_epoch().count(), std::memory_order_relaxed);
  handshake_timer_.expires_after(core_->options.handshake_timeout);
  handshake_timer_.async_wait([self = self()](error_code error) {
    if (error || self->greeted_) return;
    self->close({link_loss::timeout, false, "no hello in time"});
  });
  {
    std::lock_guard lock(mutex_);
    queue_.control() += handshake_.opening();
    flush_coming_ = true;
  }
  if (!leftover.empty()) handle(leftover);
  if (closed_) return;
  on_batch_end();
  flush();
  resume();
}

void peer_connection::read() {
  reading_ = true;
  auto done = [self = self()](error_code error, std::size_t size) {
    self->reading_ = false;
    if (self->closed_) return;
    if (error) return self->lose(error);
    self->on_read(size);
  };
  socket_.async_read_some(asio::buffer(buffer_.get(), read_size), std::move(done));
}

void peer_connection::on_read(std::size_t size) {
  heard_.store(core_->env.coarse_now().time_since_epoch().count(), std::memory_order_relaxed);
  {
    std::lock_guard lock(mutex_);
    flush_coming_ =
        true;  // whatever is queued while these bytes are handled goes out with flush() below
  }
  handle({buffer_.get(), size});
  if (closed_) return;
  on_batch_end();
  flush();
  resume();
  watch();
}

void peer_connection::handle(std::string_view input) {
  bytes_in_.add(input.size());
  frame_message message;
  while (!closed_) {
    const auto status = decoder_.next(input, message);
    if (status == frame_decoder::status::need_more) return;
    if (status == frame_decoder::status::failed) return fail(decoder_.fault());
    messages_in_.add(1);
    const bool greeting = !greeted_ || message.header.type == frame_type::refusal;
    const auto fault = greeting ? greet(message) : on_message(message);
    if (fault != peer_fault::none) return fail(fault);
  }
}

peer_fault peer_connection::greet(const frame_message& message) {
  using kind = peer_handshake::outcome::kind;
  bool is_proven = true;
  const auto admit = [&](const identity& peer) {
    is_proven = socket_.proves(peer.id);
    return is_proven ? core_->admit(peer, self()) : std::string();
  };
  auto outcome = handshake_.on_message(message, admit);
  if (!is_proven) refuse_name(outcome);
  switch (outcome.what) {
    case kind::fault:
      return outcome.cause;
    case kind::was_refused:
    case kind::refused: {
      const bool here = outcome.what == kind::refused;
      core_->count_refusal();
      if (here) {
        std::lock_guard lock(mutex_);
        queue_.control() += outcome.send;
      }
      if (here) flush();
      const auto reason = outcome.reason.reason;
      if (!here) tell_conflict(outcome.reason);
      const bool lasting = reason == refusal_reason::other_cluster ||
                           reason == refusal_reason::other_ring || reason == refusal_reason::self ||
                           !is_proven;
      close(
          {link_loss::rejected, lasting, std::move(outcome.reason.text), std::move(outcome.peer.id)}
      );
      return peer_fault::none;
    }
    case kind::up:
      break;
  }
  greeted_ = true;
  handshake_timer_.cancel();
  decoder_.enter(
      side_ == peer_side::dialler ? frame_decoder::phase::replies : frame_decoder::phase::requests
  );
  peer_ = std::move(outcome.peer);
  {
    std::lock_guard lock(mutex_);
    queue_.control() += outcome.send;
    up_ = true;
  }
  on_up();
  return peer_fault::none;
}

/// The words come from outside and are shown to people.
void peer_connection::tell_conflict(const refusal& told) {
  const bool is_own = told.reason == refusal_reason::own_id;
  if (!is_own && told.reason != refusal_reason::doubled_id) return;
  auto text = told.text.substr(0, max_conflict_text);
  const auto is_odd = [](unsigned char c) { return c < 0x20 || c >= 0x7f; };
  std::replace_if(text.begin(), text.end(), is_odd, '?');
  core_->handler->on_id_conflict({.text = std::move(text), .is_said_by_other = !is_own});
}

void peer_connection::flush_soon() {
  if (flush_coming_) return;
  flush_coming_ = true;
  // Two rounds of the loop: what other callers of this round are about to send goes out with it.
  asio::post(socket_.get_executor(), [self = self()] {
    asio::post(self->socket_.get_executor(), [self] {
      self->flush();
      self->resume();
    });
  });
}

void peer_connection::flush() {
  if (closed_ || writing_) return;
  for (int i = 0; i < writes_in_a_row; ++i) {
    {
      std::lock_guard lock(mutex_);
      if (queue_.empty()) {
        flush_coming_ = false;
        return;
      }
      queue_.take(out_, room_for(queue_.size()));
      on_taken();
      if (out_.empty()) flush_coming_ = false;  // a control frame must be able to wake the loop
    }
    if (out_.empty()) return wait_for_room();
    error_code error;
    const std::size_t sent = socket_.write_some(asio::buffer(out_), error);
    if (error && error != asio::error::would_block) return lose(error);
    bytes_out_.add(out_.size());
    most_unsent_ += out_.size();
    if (sent == out_.size()) continue;
    writing_ = true;
    write_began_ = core_->env.coarse_now();
    watch();
    auto done = [self = self()](error_code failed, std::size_t) { self->on_written(failed); };
    asio::async_write(
        socket_, asio::buffer(out_.data() + sent, out_.size() - sent), std::move(done)
    );
    return;
  }
  // Two rounds of the loop: what other callers of this round are about to send goes out with it.
  asio::post(socket_.get_executor(), [self = self()] {
    asio::post(self->socket_.get_executor(), [self] {
      self->flush();
      self->resume();
    });
  });
}

// What the system has taken and not yet sent stands before a ping that comes later: on a narrow
// link for longer than a ping may take. So little of it is kept there, except for control frames.
// A link on which everything left at once gets more at a time, which saves calls.
std::size_t peer_connection::room_for(std::uint64_t wanted) {
  if (most_unsent_ + wanted <= max_unsent) return room_;
  int unsent = 0;
  if (::ioctl(socket_.socket().native_handle(), SIOCOUTQNSD, &unsent) != 0) return room_;
  most_unsent_ = static_cast<std::uint64_t>(unsent);
  room_ = unsent == 0 ? std::min(2 * room_, most_room) : frame_queue::least_room;
  return 2 * most_unsent_ < max_unsent ? room_ : 0;
}

void peer_connection::wait_for_room() {
  if (waiting_for_room_) return;
  waiting_for_room_ = true;
  write_began_ = core_->env.coarse_now();
  watch();
  auto done = [self = self()](error_code error) {
    self->waiting_for_room_ = false;
    if (self->closed_) return;
    if (error) return self->lose(error);
    self->flush();
    self->resume();
  };
  socket_.socket().async_wait(asio::ip::tcp::socket::wait_write, std::move(done));
}

void peer_connection::on_written(error_code error) {
  writing_ = false;
  if (closed_) return;
  if (error) return lose(error);
  flush();
  resume();
}

void peer_connection::resume() {
  if (!closed_ && !reading_ && may_read()) read();
}

bool peer_connection::is_stuck(time_point now) const {
  return ((writing_ || waiting_for_room_) && now - write_began_ > max_write_stall) ||
         (reading_ && !decoder_.idle() && now - heard() > core_->options.handshake_timeout);
}

void peer_connection::watch() {
  if (watching_ || closed_ || (!writing_ && !waiting_for_room_ && decoder_.idle())) return;
  watching_ = true;
  watch_timer_.expires_after(std::min(watch_period, core_->options.handshake_timeout));
  watch_timer_.async_wait([self = self()](error_code error) {
    self->watching_ = false;
    if (error || self->closed_) return;
    if (self->is_stuck(self->core_->env.now())) {
      return self->close({link_loss::timeout, false, "the other side stopped half way"});
    }
    self->watch();
  });
}

void peer_connection::fail(peer_fault fault) {
  core_->count(fault);
  peer_log_fields fields{place()};
  if (!peer_.id.empty()) fields.emplace_back("peer", peer_.id);
  fields.emplace_back("detail", std::string(name(fault)));
  core_->log_seldom("peer_protocol_error", std::move(fields));
  // Damage on the way says nothing about the node at the other end.
  const auto cause = fault == peer_fault::checksum ? link_loss::timeout : link_loss::reset;
  close({cause, false, "protocol error: " + std::string(name(fault))});
}

void peer_connection::lose(error_code error) {
  close({loss_of(error), false, error.message()});
}

void peer_connection::close(const connection_end& why) {
  if (closed_) return;
  closed_ = true;
  const auto keep = self();
  handshake_timer_.cancel();
  watch_timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  {
    std::lock_guard lock(mutex_);
    up_ = false;
    queue_ = frame_queue(core_->limits);
  }
  core_->forget(*this);
  on_closed(why);
}

void peer_connection::close_soon(connection_end why) {
  asio::post(socket_.get_executor(), [self = self(), why = std::move(why)] { self->close(why); });
}

void peer_connection::add_to(peer_link_counters& sum) const {
  sum.messages_in += messages_in_.get();
  sum.messages_out += messages_out_.get();
  if (side_ == peer_side::dialler) sum.calls += messages_out_.get();
  sum.bytes_in += bytes_in_.get();
  sum.bytes_out += bytes_out_.get();
}

}  // namespace weir
