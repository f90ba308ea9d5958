#include "http/client/http_exchange.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <array>

namespace weir {
namespace {

const asio::as_tuple_t<asio::use_awaitable_t<>> as_tuple{asio::use_awaitable};

constexpr std::size_t read_size = 16'384;
constexpr int most_interim_answers = 8;

bool names_the_server_part(std::string_view name) {
  return http_name_equal(name, "host") || http_name_equal(name, "content-length") ||
         http_name_equal(name, "transfer-encoding") || http_name_equal(name, "connection");
}

}  // namespace

error_code http_exchange::refuse(const http_refusal& why) {
  if (why.status == 413) return make_error_code(errc::too_large);
  refusal_ = why.detail;
  if (why.status == 431) {
    refusal_ += "; taken are " + std::to_string(max_answer_fields) + " fields and " +
                std::to_string(limits_.header) + " bytes";
  }
  return make_error_code(errc::protocol);
}

result<std::string> write_http_request(const http_client_request& request, const http_url& url) {
  const auto bad = make_error_code(errc::bad_request);
  if (request.method == http_method::other) return bad;
  std::string text(name(request.method));
  text.append(" ").append(url.target).append(" HTTP/1.1\r\nHost: ");
  text.append(authority_of(url.server, url.is_https ? 443 : 80)).append("\r\n");
  for (const auto& [field, value] : request.fields) {
    if (!is_http_token(field) || !is_http_value(value) || names_the_server_part(field)) return bad;
    text.append(field).append(": ").append(value).append("\r\n");
  }
  const bool expects_length = request.method == http_method::put ||
                              request.method == http_method::post ||
                              request.method == http_method::patch;
  if (!request.body.empty() || expects_length) {
    text.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  return text.append("\r\n");
}

asio::awaitable<result<http_client_response>> http_exchange::run(
    const std::string& text, const bytes& body, http_method method
) {
  const std::array<asio::const_buffer, 2> whole{
      asio::buffer(text), asio::buffer(body.data(), body.size())};
  auto [unsent, size] = co_await asio::async_write(socket_, whole, as_tuple);
  // A server may answer and close before it has read all; its answer counts.
  const error_code write_error = unsent;
  error_code error = co_await read_head();
  if (error)
    co_return write_error&& error != errc::protocol&& error != errc::too_large ? write_error
                                                                               : error;
  reusable_ = head_.keep_alive && !write_error;
  response_.status = head_.status;
  for (const auto& field : head_.fields()) response_.fields.emplace_back(field.name, field.value);
  buffer_.erase(0, head_.size);
  error = co_await read_body(method);
  if (error) {
    reusable_ = false;
    co_return error;
  }
  // Bytes that nobody asked for: what follows cannot be trusted.
  if (!buffer_.empty()) reusable_ = false;
  co_return std::move(response_);
}

asio::awaitable<error_code> http_exchange::read_more() {
  const auto before = buffer_.size();
  buffer_.resize(before + read_size);
  auto [error, size] =
      co_await socket_.async_read_some(asio::buffer(buffer_.data() + before, read_size), as_tuple);
  buffer_.resize(before + size);
  if (size > 0) heard_ = true;
  co_return error;
}

asio::awaitable<error_code> http_exchange::read_head() {
  const head_limits most{.header = limits_.header, .fields = max_answer_fields};
  int interim = 0;
  for (;;) {
    http_refusal why;
    const auto state =
        buffer_.empty() ? parse_state::need_more : parse_response_head(buffer_, most, head_, why);
    if (state == parse_state::refused) co_return refuse(why);
    if (state == parse_state::need_more) {
      const error_code error = co_await read_more();
      if (error) co_return error;
      continue;
    }
    if (head_.status >= 200) co_return error_code();
    if (head_.status == 101)
      co_return refuse({.detail = "101, though no other protocol was asked for"});
    if (++interim > most_interim_answers)
      co_return refuse({.detail = "interim answers without end"});
    buffer_.erase(0, head_.size);
  }
}

asio::awaitable<error_code> http_exchange::read_body(http_method method) {
  const bool none = method == http_method::head || head_.status == 204 || head_.status == 304;
  if (none) co_return error_code();
  if (head_.chunked) co_return co_await read_chunks();
  if (head_.content_length) co_return co_await read_length(*head_.content_length);
  reusable_ = false;
  co_return co_await read_to_end();
}

asio::awaitable<error_code> http_exchange::read_chunks() {
  chunk_decoder chunks(limits_.body);
  for (;;) {
    std::size_t consumed = 0;
    http_refusal why;
    const auto state = chunks.decode(buffer_, consumed, response_.body, why);
    buffer_.erase(0, consumed);
    if (state == parse_state::refused) co_return refuse(why);
    if (state == parse_state::complete) co_return error_code();
    const error_code error = co_await read_more();
    if (error) co_return error;
  }
}

asio::awaitable<error_code> http_exchange::read_length(std::uint64_t length) {
  if (length > limits_.body) co_return make_error_code(errc::too_large);
  while (buffer_.size() < length) {
    const error_code error = co_await read_more();
    if (error) co_return error;
  }
  if (buffer_.size() == length) {
    response_.body.swap(buffer_);
  } else {
    response_.body = buffer_.substr(0, static_cast<std::size_t>(length));
    buffer_.erase(0, static_cast<std::size_t>(length));
  }
  co_return error_code();
}

asio::awaitable<error_code> http_exchange::read_to_end() {
  error_code error;
  while (!error) {
    if (buffer_.size() > limits_.body) co_return make_error_code(errc::too_large);
    error = co_await read_more();
  }
  if (error != asio::error::eof) co_return error;
  if (buffer_.size() > limits_.body) co_return make_error_code(errc::too_large);
  response_.body.swap(buffer_);
  co_return error_code();
}

}  // namespace weir
