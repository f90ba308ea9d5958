// The half of http_connection that takes requests and answers them; http_connection.cpp has the
// I/O.
#include "http/server/http_connection.hpp"

#include <weir/transport/http_problem.hpp>
#include <weir/transport/text.hpp>

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t body_window = 16'384;  // free behind the head while a body comes in
constexpr std::size_t kept_body = 65'536;    // memory kept for the next body

constexpr auto no_memory =
    "answers to slow readers take all of node.max_reply_memory; retry later, and read faster";
constexpr auto over_limit = "the body is over its limit, for a value max_entry of its keyspace";

http_response answer_for(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::bad_alloc&) {
    return problem(errc::overloaded, "out of memory");
  } catch (const std::exception& error) {
    return problem(500, name(errc::unknown_outcome), "Internal error", error.what());
  } catch (...) {
    return problem(500, name(errc::unknown_outcome), "Internal error", "the handler failed");
  }
}

/// A reason phrase as the title of a problem: "URI too long".
std::string title_of(std::string_view reason) {
  std::string title(reason);
  for (std::size_t i = 1; i + 1 < title.size(); ++i) {
    const auto is_upper = [&title](std::size_t at) { return title[at] >= 'A' && title[at] <= 'Z'; };
    if (title[i - 1] == ' ' && is_upper(i) && !is_upper(i + 1)) title[i] += 'a' - 'A';
  }
  return title;
}

}  // namespace

bool http_connection::take_head() {
  if (unread().empty()) return false;
  if (answered_ == 0 && closed_as_another_protocol()) return false;
  const auto& limits = core_->limits;
  http_refusal why;
  const head_limits head_limits{limits.max_target, limits.max_header, limits.max_fields};
  switch (parse_request_head(unread(), head_limits, head_, why)) {
    case parse_state::need_more:
      return false;
    case parse_state::refused:
      if (unread().starts_with("PRI * HTTP/2.0\r\n")) {
        remark_protocol("HTTP/2 without asking");
      }
      refuse(why);
      return true;
    case parse_state::complete:
      begin_message();
      return true;
  }
  return false;
}

bool http_connection::closed_as_another_protocol() {
  const char first = unread().front();
  const char* protocol = first == 0x16 ? "TLS" : first == '*' || first == '$' ? "RESP" : nullptr;
  if (protocol == nullptr) return false;
  core_->bad_requests.fetch_add(1, std::memory_order_relaxed);
  remark_protocol(protocol);
  close();
  return true;
}

void http_connection::remark_protocol(std::string_view spoken) {
  const auto port = core_->upgrade ? "a plain peer port" : "a plain HTTP port";
  core_->remark_seldom(
      "http: " + session_.remote + ": closed, it speaks " + std::string(spoken) + " to " + port
  );
}

void http_connection::begin_message() {
  if (!std::exchange(is_settled_, true)) admission_->settle();
  if (!describe_request()) return;
  const bool switches = core_->upgrade && !head_.upgrade.empty() && !core_->draining &&
                        head_.method == http_method::get &&
                        http_name_equal(head_.upgrade, core_->upgrade_protocol);
  message_end_ = begin_ + head_.size;
  if (head_.chunked || head_.content_length.value_or(0) > 0) return begin_body();
  if (!switches) return dispatch();
  output_.append("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ");
  output_.append(core_->upgrade_protocol).append("\r\n\r\n");
  phase_ = phase::switching;
}

bool http_connection::describe_request() {
  const auto& limits = core_->limits;
  auto timeout = limits.default_timeout;
  if (!head_.timeout.empty()) {
    const auto asked = parse_duration(head_.timeout);
    if (!asked || asked->count() == 0) {
      refuse({400, errc::bad_request, "Weir-Timeout must be a duration over 0, like 250ms or 1m30s"}
      );
      return false;
    }
    timeout = std::min(*asked, limits.max_timeout);
  }
  request_.method = head_.method;
  request_.target = head_.target;
  request_.path = head_.path;
  request_.query = head_.query;
  request_.host = head_.host;
  request_.body = {};
  request_.fields = head_.fields();
  request_.arrived = now_;
  request_.deadline = now_ + timeout;
  request_.session = &session_;
  const bool is_last = limits.max_requests != 0 && answered_ + 1 >= limits.max_requests;
  request_.keep_alive = head_.keep_alive && !is_last && !core_->draining;
  request_.is_repeated = false;
  return true;
}

void http_connection::begin_body() {
  body_limit_ = std::min(core_->limits.max_body, core_->handler.body_limit(request_));
  const auto length = head_.content_length.value_or(0);
  if (length > body_limit_) return refuse({413, errc::too_large, over_limit});
  const auto behind_head = end_ - message_end_;
  if (!head_.chunked && length <= behind_head) {
    request_.body = {input_.get() + message_end_, static_cast<std::size_t>(length)};
    message_end_ += static_cast<std::size_t>(length);
    return dispatch();
  }
  if (head_.expects_continue && behind_head == 0) output_.append("HTTP/1.1 100 Continue\r\n\r\n");
  if (capacity_ - message_end_ < body_window) {
    // The head stays in place from here on: move it to the front of a buffer with room behind it.
    const auto size = unread().size();
    const auto capacity = head_.size + std::max(behind_head, body_window);
    std::unique_ptr<char[]> roomier(new char[capacity]);
    std::memcpy(roomier.get(), unread().data(), size);
    input_ = std::move(roomier);
    capacity_ = capacity;
    begin_ = 0;
    end_ = size;
    http_refusal none;
    const auto& limits = core_->limits;
    parse_request_head(
        unread(), {limits.max_target, limits.max_header, limits.max_fields}, head_, none
    );
    describe_request();
    message_end_ = head_.size;
  }
  body_.clear();
  chunks_ = chunk_decoder(body_limit_);
  phase_ = phase::body;
  body_pace_.start(now_);
}

bool http_connection::take_body() {
  const std::string_view window(input_.get() + message_end_, end_ - message_end_);
  std::size_t consumed = 0;
  auto state = parse_state::need_more;
  http_refusal why;
  if (head_.chunked) {
    state = chunks_.decode(window, consumed, body_, why);
  } else {
    consumed = static_cast<std::size_t>(
        std::min<std::uint64_t>(*head_.content_length - body_.size(), window.size())
    );
    body_.append(window.substr(0, consumed));
    if (body_.size() == *head_.content_length) state = parse_state::complete;
  }
  // What is left of the window moves up to the head, so that there is always room to read.
  std::memmove(input_.get() + message_end_, window.data() + consumed, window.size() - consumed);
  end_ -= consumed;
  if (state == parse_state::need_more) return false;
  if (state == parse_state::refused) {
    refuse(why);
    return true;
  }
  request_.body = body_;
  dispatch();
  return true;
}

void http_connection::dispatch() {
  phase_ = phase::handling;
  core_->requests.fetch_add(1, std::memory_order_relaxed);
  wait_began_ = now_;
  carry_out();
}

void http_connection::carry_out() {
  phase_ = phase::handling;
  response_.clear();
  bool done = true;
  try {
    done = core_->handler.try_handle(request_, response_);
  } catch (...) {
    response_ = answer_for(std::current_exception());
  }
  if (done && has_room_for(response_)) return answer(response_);
  request_.is_repeated |= done;
  if (done || (core_->replies->is_spent() && core_->handler.may_be_large(request_))) {
    return wait_for_memory();
  }
  start_handler();
}

/// Slow readers have what the answer needs: only the request is kept until some of it is free.
void http_connection::wait_for_memory() {
  response_.clear();
  phase_ = phase::waiting;
  loop_.hurry();
}

void http_connection::look_for_memory(time_point now) {
  const bool is_over = now - wait_began_ >= core_->limits.reply_wait || now >= request_.deadline;
  if (core_->replies->is_spent() && !is_over) return loop_.hurry();
  if (is_over) {
    core_->short_of_memory.fetch_add(1, std::memory_order_relaxed);
    answer(problem(errc::overloaded, no_memory));
  } else {
    carry_out();
  }
  run();
}

void http_connection::start_handler() {
  auto finished = [self = shared_from_this(
                   )](const std::exception_ptr& failure, const http_response& response) {
    if (self->phase_ == phase::closed) return;
    self->now_ = http_request::clock::now();
    if (failure) {
      self->answer(answer_for(failure));
    } else if (self->has_room_for(response)) {
      self->answer(response);
    } else {
      self->core_->short_of_memory.fetch_add(1, std::memory_order_relaxed);
      self->answer(problem(errc::overloaded, no_memory));
    }
    self->run();
  };
  try {
    asio::co_spawn(loop_.context(), core_->handler.handle(request_), std::move(finished));
  } catch (...) {
    answer(answer_for(std::current_exception()));
  }
}

/// Appends the answer of the current request and goes on to the next one.
void http_connection::answer(const http_response& response) {
  append(response, request_.keep_alive && !core_->draining ? after::keep : after::close);
  ++answered_;
  begin_ = message_end_;
  if (begin_ == end_) begin_ = end_ = 0;
  if (body_.capacity() > kept_body) std::string().swap(body_);
  phase_ = pieces_ ? phase::streaming : phase::head;
  since_ = now_;
}

/// Answers a message that is not taken. What follows it cannot be told apart, so it is the last.
void http_connection::refuse(const http_refusal& why) {
  core_->bad_requests.fetch_add(1, std::memory_order_relaxed);
  request_.method = http_method::get;
  const auto title = title_of(http_reason(why.status));
  append(problem(why.status, name(why.code), title, why.detail), after::close);
  phase_ = phase::head;
}

/// Takes the memory in which a large answer may have to wait; false when slow readers have it all.
bool http_connection::has_room_for(const http_response& response) {
  if (request_.method == http_method::head) return true;
  const auto wanted = response.pieces ? response.pieces->held : response.body.size();
  return wanted <= largest_copied || share_.grow(wanted);
}

void http_connection::append(const http_response& response, after then) {
  append_status_line(output_, response.status);
  output_.append(loop_.date(now_));
  output_.append(response.fields());
  const bool may_have_body =
      response.status >= 200 && response.status != 204 && response.status != 304;
  const bool in_pieces = may_have_body && response.pieces;
  if (in_pieces && !head_.http_1_0) {
    output_.append("Transfer-Encoding: chunked\r\n");
  } else if (in_pieces) {
    then = after::close;  // the end of the connection is that of the body
  } else if (may_have_body) {
    output_.append("Content-Length: ");
    append_number(output_, response.body.size());
    output_.append("\r\n");
  }
  if (then == after::close) {
    last_answer_given_ = true;
    output_.append("Connection: close\r\n");
  } else if (head_.http_1_0) {
    output_.append("Connection: keep-alive\r\n");
  }
  output_.append("\r\n");
  if (!may_have_body || request_.method == http_method::head) return;
  if (in_pieces) {
    pieces_ = response.pieces;
  } else if (response.body.size() <= largest_copied) {
    output_.append(response.body.view());
  } else {
    output_large_ = response.body;
  }
  if (share_.size() > 0 || writing_) count_held();
}

/// Appends the next piece of an answer; all before it is with the system.
void http_connection::append_piece() {
  piece_.clear();
  const bool is_last = !pieces_->next(piece_);
  if (head_.http_1_0) {
    output_.append(piece_);
  } else if (!piece_.empty()) {
    std::array<char, 16> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + 16, piece_.size(), 16).ptr;
    output_.append(digits.data(), end).append("\r\n").append(piece_).append("\r\n");
  }
  if (piece_.capacity() > 8 * largest_copied) std::string().swap(piece_);
  if (!is_last) return;
  if (!head_.http_1_0) output_.append("0\r\n\r\n");
  pieces_.reset();
  phase_ = phase::head;
  since_ = now_;
  count_held();
}

}  // namespace weir
