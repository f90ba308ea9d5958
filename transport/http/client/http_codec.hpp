#pragma once

#include <weir/transport/http_client.hpp>

#include <boost/asio/buffer.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace weir {

/// What a request says about its connection.
enum class http_after : std::uint8_t { keep, close };

/// The head of a request as it goes over the wire; its body follows. Fails with errc::bad_request
/// when the request could not be read back as sent, or a field value is over 65,000 bytes.
result<std::string> write_http_request(
    const http_client_request& request, const http_url& url, http_after after = http_after::keep
);

/// Reads one answer from what comes on a connection; interim answers are passed over.
///
/// Without I/O. Boost.Beast reads what is not chunked, inside bounds of ours. Memory follows the
/// bytes received, whatever length is announced. Used by one thread at a time.
class http_answer_reader {
 public:
  struct limits {
    std::size_t header;  ///< bytes of each head
    std::uint64_t body;
  };

  http_answer_reader(http_method asked, limits most);
  ~http_answer_reader();

  http_answer_reader(const http_answer_reader&) = delete;
  http_answer_reader& operator=(const http_answer_reader&) = delete;

  /// Where the next bytes are to be put; take() must follow.
  asio::mutable_buffer room(std::size_t size);

  /// Takes the first `size` bytes of room(). Fails with errc::too_large (the body), or errc::protocol
  /// for a reason that refusal() tells. Not to be called after a failure.
  error_code take(std::size_t size);

  /// Nothing more comes; eof unless that is how this answer ends. Not to be called after a failure.
  error_code end();

  bool has_head() const noexcept;
  bool is_complete() const noexcept;

  /// The answer is complete, nothing came behind it, and the server goes on with the connection.
  bool leaves_connection() const;

  /// What has come so far; the body may be taken out of it at any time.
  http_client_response& answer() noexcept;

  const std::string& refusal() const noexcept;

 private:
  class impl;
  const std::unique_ptr<impl> impl_;
};

}  // namespace weir
