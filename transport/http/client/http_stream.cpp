#include "http/http_parser.hpp"
#include "net/connect_race.hpp"
#include "net/deadline_guard.hpp"

#include <weir/transport/http_stream.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

namespace weir {
namespace {

using asio::ip::tcp;
namespace ssl = asio::ssl;

const asio::as_tuple_t<asio::use_awaitable_t<>> as_tuple{asio::use_awaitable};

constexpr std::size_t read_size = 16'384;
constexpr std::size_t max_header = 65'536;
constexpr int most_interim_answers = 8;

result<std::string> write_request(const http_stream_request& request) {
  const auto bad = make_error_code(errc::bad_request);
  if (!is_http_target(request.target) || request.server.host.empty()) return bad;
  const auto server = authority_of(request.server, request.tls ? 443 : 80);
  if (!is_http_value(server)) return bad;
  std::string text = "GET " + request.target + " HTTP/1.1\r\nHost: " + server + "\r\n";
  for (const auto& [field, value] : request.fields) {
    if (!is_http_token(field) || !is_http_value(value)) return bad;
    text.append(field).append(": ").append(value).append("\r\n");
  }
  return text.append("Connection: close\r\n\r\n");
}

/// A peer that went without a word is noticed within half a minute.
void keep_watched(tcp::socket& socket) {
  error_code ignored;
  using option = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  using count = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPCNT>;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(option(15), ignored);
  socket.set_option(interval(5), ignored);
  socket.set_option(count(3), ignored);
  socket.set_option(tcp::no_delay(true), ignored);
}

/// What a failure of TLS means to the caller.
error_code error_of(const error_code& error) {
  if (error.category() == ssl::error::get_stream_category()) return asio::error::eof;
  if (error.category() != asio::error::get_ssl_category()) return error;
  const auto code = static_cast<unsigned long>(static_cast<unsigned>(error.value()));
  const int reason = ERR_GET_REASON(code);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) return make_error_code(errc::unauthorized);
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return asio::error::eof;
  return make_error_code(errc::protocol);
}

}  // namespace

std::optional<std::string_view> http_stream_head::header(std::string_view name) const noexcept {
  for (const auto& [field, value] : fields) {
    if (http_name_equal(field, name)) return value;
  }
  return std::nullopt;
}

class http_stream::connection {
 public:
  explicit connection(asio::any_io_executor executor)
      : executor_(std::move(executor)), socket_(executor_) {}

  void close() {
    is_closed_ = true;
    if (race_) race_->close();
    error_code ignored;
    socket_.close(ignored);
    if (tls_) tls_->lowest_layer().close(ignored);
  }

  asio::awaitable<result<http_stream_head>> open(http_stream_request request, time_point deadline) {
    const deadline_guard guard(executor_, deadline, [this] { close(); });
    const auto text = write_request(request);
    if (!text) co_return text.error();
    error_code error = co_await connect(request.server, deadline);
    if (!error && request.tls) error = co_await secure(request);
    if (!error) error = co_await write(*text);
    if (!error) error = co_await read_head();
    if (guard.expired()) co_return make_error_code(errc::deadline_exceeded);
    if (error) {
      close();
      co_return error;
    }
    http_stream_head out{.status = head_.status, .fields = {}};
    for (const auto& field : head_.fields()) out.fields.emplace_back(field.name, field.value);
    buffer_.erase(0, head_.size);
    left_ = head_.content_length;
    is_complete_ = head_.status == 204 || head_.status == 304 || (left_ && *left_ == 0);
    co_return out;
  }

  asio::awaitable<result<std::string>> read(time_point deadline) {
    const deadline_guard guard(executor_, deadline, [this] { close(); });
    for (;;) {
      std::string out;
      error_code error = take(out);
      if (!error && (!out.empty() || is_complete_)) co_return out;
      if (!error) error = co_await read_more();
      if (guard.expired()) co_return make_error_code(errc::deadline_exceeded);
      const bool is_end = error == asio::error::eof && !head_.chunked && !left_ && !is_closed_;
      if (is_end) co_return std::string();
      if (error) {
        close();
        co_return error;
      }
    }
  }

 private:
  asio::awaitable<error_code> connect(host_port server, time_point deadline) {
    std::vector<std::string> addresses{server.host};
    if (!is_address(server.host)) {
      resolver_ = std::make_unique<resolver>(executor_);
      auto found = co_await resolver_->async_resolve(server.host, deadline);
      if (!found) co_return found.error();
      addresses = std::move(*found);
    }
    if (is_closed_) co_return make_error_code(asio::error::operation_aborted);
    connect_options options;
    options.deadline = deadline;
    race_ = std::make_shared<connect_race>(executor_, options);
    auto connected = co_await race_->run(endpoints_of(addresses, server.port));
    race_.reset();
    if (!connected) co_return connected.error();
    socket_ = std::move(*connected);
    keep_watched(socket_);
    co_return error_code();
  }

  asio::awaitable<error_code> secure(const http_stream_request& request) {
    error_code error;
    const std::string host(without_root(request.server.host));
    context_ = request.tls;
    tls_ = std::make_unique<ssl::stream<tcp::socket>>(std::move(socket_), *context_);
    tls_->set_verify_callback(ssl::host_name_verification(host), error);
    if (!is_address(host)) SSL_set_tlsext_host_name(tls_->native_handle(), host.c_str());
    auto [failed] = co_await tls_->async_handshake(ssl::stream_base::client, as_tuple);
    if (failed) co_return error_of(failed);
    co_return error_code();
  }

  asio::awaitable<error_code> write(const std::string& text) {
    error_code error;
    if (tls_) {
      auto [failed, size] = co_await asio::async_write(*tls_, asio::buffer(text), as_tuple);
      error = failed;
    } else {
      auto [failed, size] = co_await asio::async_write(socket_, asio::buffer(text), as_tuple);
      error = failed;
    }
    if (error) co_return error_of(error);
    co_return error_code();
  }

  asio::awaitable<error_code> read_more() {
    const auto before = buffer_.size();
    buffer_.resize(before + read_size);
    const auto room = asio::buffer(buffer_.data() + before, read_size);
    error_code error;
    std::size_t got = 0;
    if (tls_) {
      auto [failed, size] = co_await tls_->async_read_some(room, as_tuple);
      error = failed;
      got = size;
    } else {
      auto [failed, size] = co_await socket_.async_read_some(room, as_tuple);
      error = failed;
      got = size;
    }
    buffer_.resize(before + got);
    if (got > 0) co_return error_code();
    if (error) co_return error_of(error);
    co_return error_code();
  }

  asio::awaitable<error_code> read_head() {
    const head_limits most{.header = max_header, .fields = max_answer_fields};
    int interim = 0;
    for (;;) {
      http_refusal why;
      const auto state =
          buffer_.empty() ? parse_state::need_more : parse_response_head(buffer_, most, head_, why);
      if (state == parse_state::refused) co_return make_error_code(errc::protocol);
      if (state == parse_state::need_more) {
        const error_code error = co_await read_more();
        if (error) co_return error;
        continue;
      }
      if (head_.status >= 200) co_return error_code();
      if (head_.status == 101 || ++interim > most_interim_answers)
        co_return make_error_code(errc::protocol);
      buffer_.erase(0, head_.size);
    }
  }

  /// Moves what has come of the body to `out`.
  error_code take(std::string& out) {
    if (is_complete_ || buffer_.empty()) return {};
    if (!head_.chunked) {
      const auto most = std::min<std::uint64_t>(left_.value_or(buffer_.size()), buffer_.size());
      out = buffer_.substr(0, static_cast<std::size_t>(most));
      buffer_.erase(0, out.size());
      if (left_) is_complete_ = (*left_ -= out.size()) == 0;
      return {};
    }
    http_refusal why;
    std::size_t consumed = 0;
    const auto state = chunks_.decode(buffer_, consumed, out, why);
    buffer_.erase(0, consumed);
    if (state == parse_state::refused) return make_error_code(errc::protocol);
    is_complete_ = state == parse_state::complete;
    return {};
  }

  const asio::any_io_executor executor_;
  std::unique_ptr<resolver> resolver_;
  std::shared_ptr<connect_race> race_;  // while it connects
  tcp::socket socket_;
  tls_context context_;
  std::unique_ptr<ssl::stream<tcp::socket>> tls_;
  bool is_closed_ = false;

  std::string buffer_;  // received and not consumed
  http_response_head head_;
  chunk_decoder chunks_{UINT64_MAX};
  std::optional<std::uint64_t> left_;  // of a body with a length
  bool is_complete_ = false;
};

http_stream::http_stream(asio::any_io_executor executor)
    : connection_(std::make_shared<connection>(std::move(executor))) {}

http_stream::~http_stream() {
  connection_->close();
}

asio::awaitable<result<http_stream_head>> http_stream::async_open(
    http_stream_request request, time_point deadline
) {
  const auto kept = connection_;
  co_return co_await kept->open(std::move(request), deadline);
}

asio::awaitable<result<std::string>> http_stream::async_read(time_point deadline) {
  const auto kept = connection_;
  co_return co_await kept->read(deadline);
}

void http_stream::close() {
  connection_->close();
}

}  // namespace weir
