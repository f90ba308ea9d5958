#include "http/client/http_exchange.hpp"

#include "net/as_tuple.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t read_size = 16'384;

}  // namespace

asio::awaitable<error_code> http_exchange::open(const std::string& text, const bytes& body) {
  const std::array<asio::const_buffer, 2> whole{
      asio::buffer(text), asio::buffer(body.data(), body.size())};
  auto [unsent, size] = co_await asio::async_write(socket_, whole, as_tuple);
  // A server may answer and close before it has read all; its answer counts.
  unsent_ = unsent;
  error_code error;
  while (!error && !reader_.has_head()) error = co_await read_more();
  const bool is_answer = error == errc::protocol || error == errc::too_large;
  co_return error&& unsent_ && !is_answer ? unsent_ : error;
}

asio::awaitable<result<std::string>> http_exchange::read() {
  auto& body = reader_.answer().body;
  error_code error;
  while (!error && body.empty() && !reader_.is_complete()) error = co_await read_more();
  if (error) co_return error;
  co_return std::exchange(body, {});
}

asio::awaitable<result<http_client_response>> http_exchange::run(
    const std::string& text, const bytes& body
) {
  error_code error = co_await open(text, body);
  while (!error && !reader_.is_complete()) error = co_await read_more();
  if (error) co_return error;
  co_return std::move(reader_.answer());
}

asio::awaitable<error_code> http_exchange::read_more() {
  auto [error, size] = co_await socket_.async_read_some(reader_.room(read_size), as_tuple);
  if (size > 0) heard_ = true;
  const auto refused = reader_.take(size);
  if (refused) co_return refused;
  co_return error == asio::error::eof ? reader_.end() : error;
}

}  // namespace weir
