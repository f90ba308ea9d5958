#pragma once

#include <weir/transport/tls.hpp>

#include <cstddef>
#include <memory>
#include <openssl/types.h>
#include <string>
#include <string_view>

namespace weir {

enum class tls_side : std::uint8_t { client, server };

/// TLS over one non-blocking descriptor, which it does not own. No call blocks: what cannot go on
/// fails with asio::error::would_block, and wants() says what to wait for. A write that would block
/// is to be repeated with the same bytes, which may have moved.
///
/// Ends of the connection: asio::error::eof when the other side said goodbye, connection_reset when
/// it did not, a tls_fault when it broke the protocol. Used by one thread at a time.
class tls_session {
 public:
  enum class readiness : std::uint8_t { read, write };

  tls_session(tls_context context, tls_side side, int fd);
  ~tls_session();

  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;

  /// As a client: the host that is dialled. A name is told to the server, and the certificate must
  /// be for it; a literal address must stand in the certificate.
  void expect(const std::string& host);

  error_code handshake();
  std::size_t read(void* into, std::size_t size, error_code& error);
  std::size_t write(const void* from, std::size_t size, error_code& error);

  /// Says goodbye, as far as the socket takes it at once.
  void shutdown() noexcept;

  /// The descriptor is closed: nothing is read or written from here on.
  void detach() noexcept { fd_ = -1; }

  readiness wants() const noexcept { return wants_; }

  /// Whether the certificate of the other side has `name` among its DNS names, letter for letter.
  bool is_for(std::string_view name) const;

 private:
  struct bio;

  struct freer {
    void operator()(SSL* session) const;
  };

  /// What the last call, which returned `status`, ended with.
  error_code judge(int status);
  tls_fault fault() const;

  const tls_context context_;
  int fd_;
  readiness wants_ = readiness::read;
  bool is_handshaken_ = false;
  std::unique_ptr<SSL, freer> session_;
};

}  // namespace weir
