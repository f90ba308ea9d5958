#pragma once

#include "http/http_parser.hpp"
#include "http/server/http_core.hpp"
#include "http/server/http_pace.hpp"
#include "net/net_stream.hpp"
#include "net/reply_share.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace weir {

/// One client connection: reads, has requests answered in order, writes. Lives on one loop.
///
/// Invariant: at most one of {a read, a handler} is pending, beside at most one write. While a
/// request is with its handler the input buffer neither moves nor grows. A large answer is taken from
/// its handler only when there is memory for it to wait in, should the client read slowly.
class http_connection : public std::enable_shared_from_this<http_connection> {
 public:
  http_connection(http_loop& loop, net_stream stream, std::unique_ptr<http_admission> admission);

  void start();

  /// Closes the connection if what it waits for has taken too long.
  void sweep(http_request::clock::time_point now);

  /// Closes the connection if it is idle; else its next answer is the last.
  void drain();

  void close();

  /// close() from any thread, later.
  void close_soon();

  std::size_t place = 0;  ///< index in the loop's list

 private:
  using time_point = http_request::clock::time_point;

  static constexpr std::size_t largest_copied =
      16'384;  // of a body; a longer one is written from where it is

  enum class phase : std::uint8_t {
    greeting,
    head,
    body,
    waiting,  // for reply memory, with a request that is not carried out yet
    handling,
    streaming,  // an answer in pieces
    switching,
    lingering,
    closed
  };
  enum class after : std::uint8_t { keep, close };

  // Driving: run() takes requests until something has to be waited for.
  void run();
  void greet();
  void take_requests();
  void read();
  void on_read(const error_code& error, std::size_t size);

  // Requests.
  bool take_head();
  void begin_message();
  void begin_body();
  bool take_body();
  bool closed_as_another_protocol();
  void remark_protocol(std::string_view spoken);
  bool describe_request();
  void dispatch();
  void carry_out();
  void wait_for_memory();
  void look_for_memory(time_point now);
  void start_handler();
  void answer(const http_response& response);
  void refuse(const http_refusal& why);
  void time_out(const char* detail);

  // Replies.
  bool has_room_for(const http_response& response);
  void append(const http_response& response, after then);
  void append_piece();
  void count_held() noexcept;
  bool output_is_full() const noexcept;
  bool flush();
  template <class Write>
  auto write_rest(Write write);
  void write_later();
  void on_written(const error_code& error, std::size_t size);
  void mark_sent(std::size_t size);

  void hand_over();
  void linger();
  void trim();

  // Input buffer: [begin_, end_) is received and not consumed.
  std::string_view unread() const noexcept { return {input_.get() + begin_, end_ - begin_}; }

  void make_room(std::size_t wanted);

  const std::shared_ptr<http_core> core_;  // keeps loop_ alive too
  http_loop& loop_;
  net_stream socket_;
  std::unique_ptr<http_admission> admission_;
  http_session session_;

  phase phase_ = phase::head;
  bool running_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool end_of_input_ = false;
  bool last_answer_given_ = false;
  bool is_settled_ = false;  // a whole request came
  std::size_t answered_ = 0;
  time_point now_{};    // of the last event
  time_point since_{};  // start of the current wait
  http_pace body_pace_, write_pace_;

  std::unique_ptr<char[]> input_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  std::size_t message_end_ = 0;  // where the current request ends in the buffer
  http_request_head head_;
  std::uint64_t body_limit_ = 0;
  std::string body_;  // when it is not whole in the buffer
  chunk_decoder chunks_{0};
  http_request request_;
  http_response response_;

  // Replies: filled into one pair while the other is written. A large body follows its text.
  std::string output_, sending_;
  bytes output_large_, sending_large_;
  std::size_t sent_ = 0;
  std::shared_ptr<http_pieces> pieces_;  // the rest of an answer
  std::string piece_;
  time_point wait_began_{};
  reply_share share_;
};

}  // namespace weir
