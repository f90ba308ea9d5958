#include "peer/peer_client.hpp"

#include "peer/peer_core.hpp"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace weir {

namespace {

constexpr auto sweep_period = std::chrono::milliseconds(10);
constexpr unsigned max_unknown_replies = 100;

// TCP alone would hold on to a dead connection for longer: a sender that hears nothing tries again
// ever more seldom, and a proxy on the way may take everything for ever.
constexpr unsigned max_unheard_pings = 2;

milliseconds time_left(time_point now, time_point deadline) {
  return std::chrono::duration_cast<milliseconds>(std::max(deadline - now, steady_duration(0)));
}

}  // namespace

peer_client::peer_client(
    std::shared_ptr<peer_core> core,
    net_stream socket,
    std::string address,
    std::shared_ptr<peer_history> history,
    end_handler on_end
)
    : peer_connection(std::move(core), std::move(socket), peer_side::dialler),
      address_(std::move(address)),
      history_(std::move(history)),
      on_end_(std::move(on_end)),
      loop_(executor()),
      sweep_timer_(executor()) {}

error_code peer_client::call(
    const peer_request& request,
    time_point now,
    time_point deadline,
    peer_callback& done,
    std::shared_ptr<call_watcher> watcher
) {
  std::lock_guard lock(mutex_);
  if (!up_) return errc::unavailable;
  const auto type = type_of(request.body);
  if (queue_.size() > core().options.max_output && !is_control(type)) return errc::overloaded;
  const auto id = calls_.add(type, now, deadline, done, std::move(watcher));
  if (!id) return errc::overloaded;
  append_request(queue_, *id, request, time_left(now, deadline));
  messages_out_.add(1);
  flush_soon();
  if (!sweeping_) {
    sweeping_ = true;
    asio::post(executor(), [self = shared_from_this(), this] { sweep(); });
  }
  return {};
}

void peer_client::on_up() {
  was_up_ = true;
  history_->met(peer_.id);
  core().count_link_up();
  core().log("peer_up", {{"address", address_}, {"peer", peer_.id}});
  core().add_route(address_, std::static_pointer_cast<peer_client>(shared_from_this()));
  core().handler->on_link_up(address_, peer_);
}

peer_fault peer_client::on_unknown() {
  core().count_unknown_reply();
  return ++unknown_replies_ < max_unknown_replies ? peer_fault::none : peer_fault::unknown_replies;
}

peer_fault peer_client::on_loading(std::uint64_t id) {
  peer_calls::noticed call;
  {
    std::lock_guard lock(mutex_);
    call = calls_.note_loading(id);
  }
  if (call.how == peer_calls::match::mismatched) return peer_fault::mismatched_reply;
  if (call.how == peer_calls::match::unknown) return on_unknown();
  if (call.watcher) call.watcher->on_loading();
  return peer_fault::none;
}

peer_fault peer_client::on_message(const frame_message& message) {
  if (message.header.type == frame_type::loading) return on_loading(message.header.id);
  peer_calls::answered call;
  {
    std::lock_guard lock(mutex_);
    call = calls_.take(message.header.id, message.header.type);
  }
  switch (call.how) {
    case peer_calls::match::mismatched:
      return peer_fault::mismatched_reply;
    case peer_calls::match::late:
      core().count_late_reply();
      return peer_fault::none;
    case peer_calls::match::unknown:
      return on_unknown();
    case peer_calls::match::taken:
      history_->answered.add(1);
      break;
  }
  if (message.header.type == frame_type::fault) {
    error_code error;
    const auto fault = read_fault(message, error);
    deliver(std::move(call.done), fault == peer_fault::none ? error : errc::unavailable);
    return fault;
  }
  peer_reply reply;
  const auto fault = read_reply(message, reply);
  if (fault != peer_fault::none) {
    deliver(std::move(call.done), make_error_code(errc::unavailable));
    return fault;
  }
  if (call.request == frame_type::ping) measure(call.sent);
  deliver(std::move(call.done), std::move(reply));
  return peer_fault::none;
}

void peer_client::deliver(peer_callback done, result<peer_reply> reply) {
  auto to = asio::get_associated_executor(done, loop_);
  if (to == loop_) {
    std::move(done)(std::move(reply));
    return;
  }
  auto same = std::find_if(elsewhere_.begin(), elsewhere_.end(), [&](const delivery& one) {
    return one.to == to;
  });
  if (same == elsewhere_.end()) same = elsewhere_.insert(same, delivery{std::move(to), {}});
  same->answers.push_back({std::move(done), std::move(reply)});
}

void peer_client::on_batch_end() {
  for (auto& one : std::exchange(elsewhere_, {})) {
    auto hand_over = [answers = std::move(one.answers)]() mutable {
      for (auto& answer : answers) std::move(answer.done)(std::move(answer.reply));
    };
    asio::dispatch(one.to, std::move(hand_over));
  }
}

void peer_client::deliver_all(std::vector<peer_callback> callbacks, errc why) {
  for (auto& done : callbacks) deliver(std::move(done), make_error_code(why));
  on_batch_end();
}

void peer_client::measure(time_point sent) {
  const std::int64_t took = (core().env.now() - sent).count();
  const std::int64_t before = rtt_ns_.load(std::memory_order_relaxed);
  rtt_ns_.store(before == 0 ? took : before + (took - before) / 8, std::memory_order_relaxed);
}

void peer_client::sweep() {
  std::vector<peer_callback> expired;
  const auto now = core().env.now();
  unsigned unheard = 0;
  {
    std::lock_guard lock(mutex_);
    unheard = calls_.expire(now, heard(), expired);
    sweeping_ = up_ && !calls_.empty();
    if (sweeping_) {
      sweep_timer_.expires_after(sweep_period);
      sweep_timer_.async_wait([self = shared_from_this(), this](error_code error) {
        if (!error) sweep();
      });
    }
  }
  history_->timed_out.add(expired.size());
  deliver_all(std::move(expired), errc::deadline_exceeded);
  close_if_silent(unheard, now);
}

void peer_client::close_if_silent(unsigned unheard, time_point now) {
  if (std::exchange(silent_since_, heard()) != heard()) unheard_pings_ = 0;
  unheard_pings_ += unheard;
  const bool is_silent = now - heard() >= core().options.max_silence;
  if (unheard == 0 || unheard_pings_ < max_unheard_pings || !is_silent) return;
  close({link_loss::timeout, false, "no answer to several pings"});
}

void peer_client::abandon() {
  asio::post(executor(), [self = shared_from_this(), this] {
    std::vector<peer_callback> given_up;
    {
      std::lock_guard lock(mutex_);
      calls_.abandon(core().env.now(), given_up);
    }
    history_->lost.add(given_up.size());
    deliver_all(std::move(given_up), errc::unavailable);
  });
}

void peer_client::on_closed(const connection_end& why) {
  core().remove_route(address_, this);
  sweep_timer_.cancel();
  std::vector<peer_callback> pending;
  {
    std::lock_guard lock(mutex_);
    calls_.abandon(core().env.now(), pending);
  }
  history_->lost.add(pending.size());
  deliver_all(std::move(pending), errc::unavailable);
  if (auto on_end = std::exchange(on_end_, {})) on_end(why, was_up_);
}

peer_link_state peer_client::state() const {
  peer_link_state now;
  now.address = address_;
  now.id = peer_.id;
  now.up = true;
  now.rtt = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::nanoseconds(rtt_ns_.load(std::memory_order_relaxed))
  );
  auto& self = const_cast<peer_client&>(*this);
  std::lock_guard lock(self.mutex_);
  now.pending = calls_.waiting();
  return now;
}

}  // namespace weir
