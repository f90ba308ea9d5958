#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/bytes.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// The methods that a handler can meet; any other is answered 405 before it gets there.
enum class http_method : std::uint8_t {
  get,
  head,
  put,
  post,
  delete_,  // NOLINT(readability-identifier-naming): delete is a keyword
  purge,
  options,
  patch,
  other
};

/// The method of that exact spelling; methods are case-sensitive (RFC 9110, 9.1).
http_method parse_http_method(std::string_view text) noexcept;

/// As on the wire: "GET". "OTHER" for other.
std::string_view name(http_method method) noexcept;

/// One header field; both views point into the connection's buffer.
struct http_field {
  std::string_view name;   ///< as sent; compare with http_name_equal()
  std::string_view value;  ///< without surrounding blanks
};

/// ASCII comparison of field names without regard to case.
bool http_name_equal(std::string_view a, std::string_view b) noexcept;

/// What belongs to one connection for as long as it lives: the session of promise C5.
/// Used by one thread at a time, the loop of the connection.
struct http_session {
  std::uint64_t id = 0;         ///< unique within the process's server object
  std::string remote;           ///< address of the client without port
  std::shared_ptr<void> state;  ///< the handler's own; destroyed with the connection
};

/// One request as the handler sees it. All views stay valid until the answer is given:
/// until try_handle() returns, or until the awaitable of handle() is done.
struct http_request {
  using clock = std::chrono::steady_clock;

  http_method method = http_method::get;
  std::string_view target;  ///< as sent
  std::string_view path;    ///< raw, percent-encoded, begins with '/' (or is "*" for OPTIONS)
  std::string_view query;   ///< after '?', raw; empty when there is none
  std::string_view host;    ///< of the Host field, with the port; empty when there is none
  std::string_view body;    ///< whole, chunked coding removed
  std::span<const http_field> fields;
  clock::time_point arrived;   ///< read after the bytes of the request came in
  clock::time_point deadline;  ///< arrived + `Weir-Timeout`, or the server's default
  http_session* session = nullptr;
  bool keep_alive = true;    ///< the connection stays open after this answer
  bool is_repeated = false;  ///< handled before, and counted; there was no memory for the answer

  /// The value of the first field of that name; nullopt when there is none. Linear in the fields.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
};

/// A long body that need not be in memory at once.
class http_pieces {
 public:
  explicit http_pieces(std::size_t bytes_held) noexcept : held(bytes_held) {}

  http_pieces(const http_pieces&) = delete;
  http_pieces& operator=(const http_pieces&) = delete;
  virtual ~http_pieces() = default;

  /// Appends the next piece, tens of KiB, and returns whether another one follows. Called on the
  /// connection's loop when the client has taken the piece before; the request may be gone by then.
  /// Must neither throw nor block.
  virtual bool next(std::string& piece) = 0;

  const std::size_t held;  ///< bytes that this keeps in memory, with the largest piece
};

/// One answer. The server adds Date, Content-Length and Connection, leaves the body out for HEAD, 204
/// and 304, and writes the rest as it stands here.
class http_response {
 public:
  unsigned status = 200;
  bytes body;

  std::shared_ptr<http_pieces> pieces;  ///< the body in place of `body`; sent in chunks

  http_response() = default;

  explicit http_response(unsigned status_code, bytes content = {})
      : status(status_code), body(std::move(content)) {}

  /// Adds one field. Control characters in `value` become blanks, so that no text from outside can
  /// start a field of its own. Content-Length and Connection are the server's.
  http_response& add(std::string_view name, std::string_view value);

  /// The fields added so far, ready for the wire: "name: value\r\n"...
  std::string_view fields() const noexcept { return fields_; }

  /// Back to an empty 200, keeping the memory.
  void clear() noexcept;

 private:
  std::string fields_;
};

/// "HTTP/1.1 200 OK\r\n" for any status of 100..599; an unnamed one gets the reason "Status".
void append_status_line(std::string& out, unsigned status);

/// The reason phrase, "Not Found".
std::string_view http_reason(unsigned status) noexcept;

}  // namespace weir
