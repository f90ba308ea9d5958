#include "http/client/http_exchange.hpp"
#include "net/deadline_guard.hpp"
#include "net/net_dialler.hpp"

#include <weir/transport/http_stream.hpp>
#include <weir/transport/resolver.hpp>

#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>

namespace weir {
namespace {

constexpr std::size_t max_header = 65'536;

/// A peer that went without a word is noticed within half a minute.
void keep_watched(asio::ip::tcp::socket& socket) {
  error_code ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  const auto set = [fd = socket.native_handle()](int option, int value) {
    ::setsockopt(fd, IPPROTO_TCP, option, &value, sizeof value);
  };
  set(TCP_KEEPIDLE, 15);
  set(TCP_KEEPINTVL, 5);
  set(TCP_KEEPCNT, 3);
}

/// The whole time is there for the handshake.
dial_options options_until(std::chrono::steady_clock::time_point deadline) {
  using std::chrono::milliseconds;
  dial_options out;
  out.connect.deadline = deadline;
  const auto left = deadline - std::chrono::steady_clock::now();
  out.handshake = std::chrono::ceil<milliseconds>(left);
  return out;
}

}  // namespace

std::optional<std::string_view> http_stream_head::header(std::string_view name) const noexcept {
  for (const auto& [field, value] : fields) {
    if (http_name_equal(field, name)) return value;
  }
  return std::nullopt;
}

/// An exchange whose body is pulled.
class http_stream::connection {
 public:
  explicit connection(asio::any_io_executor executor)
      : executor_(std::move(executor)), names_(executor_) {}

  void close() {
    is_closed_ = true;
    if (dialler_) dialler_->close();
    error_code ignored;
    if (socket_) socket_->close(ignored);
  }

  asio::awaitable<result<http_stream_head>> open(http_stream_request request, time_point deadline) {
    const deadline_guard guard(executor_, deadline, [this] { close(); });
    const http_url url{request.server, request.target, request.tls != nullptr};
    const http_client_request get{.fields = std::move(request.fields)};
    const auto text = write_http_request(get, url, http_after::close);
    if (!text) co_return text.error();
    error_code error = co_await connect(url.server, request.tls, deadline);
    if (!error) error = co_await exchange_->open(*text, get.body);
    if (guard.expired()) co_return make_error_code(errc::deadline_exceeded);
    if (error) {
      close();
      co_return error;
    }
    auto& answer = exchange_->answer();
    http_stream_head head{.status = answer.status, .fields = std::move(answer.fields)};
    co_return head;
  }

  asio::awaitable<result<std::string>> read(time_point deadline) {
    const deadline_guard guard(executor_, deadline, [this] { close(); });
    auto piece = co_await exchange_->read();
    if (guard.expired()) co_return make_error_code(errc::deadline_exceeded);
    if (!piece) close();
    co_return piece;
  }

 private:
  asio::awaitable<error_code> connect(host_port server, tls_context tls, time_point deadline) {
    if (is_closed_) co_return make_error_code(asio::error::operation_aborted);
    dialler_.emplace(executor_, options_until(deadline));
    auto reached = co_await dialler_->run(names_, std::move(server), std::move(tls));
    dialler_.reset();
    if (!reached) co_return reached.error();
    if (is_closed_) co_return make_error_code(asio::error::operation_aborted);
    keep_watched(reached->socket());
    socket_.emplace(std::move(*reached));
    const http_answer_reader::limits most{max_header, UINT64_MAX};
    exchange_.emplace(*socket_, http_method::get, most);
    co_return error_code();
  }

  const asio::any_io_executor executor_;
  resolver names_;
  std::optional<net_dialler> dialler_;  // while it connects
  std::optional<net_stream> socket_;
  std::optional<http_exchange> exchange_;
  bool is_closed_ = false;
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
