#include "tls/tls_session.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

namespace weir {

/// The socket as OpenSSL sees it; its own one would raise SIGPIPE in programs that embed weir.
struct tls_session::bio {
  static int write(BIO* self, const char* from, int size) {
    return step(self, BIO_FLAGS_WRITE, [&](int fd) {
      return ::send(fd, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    });
  }

  static int read(BIO* self, char* into, int size) {
    const int got = step(self, BIO_FLAGS_READ, [&](int fd) {
      return ::recv(fd, into, static_cast<std::size_t>(size), 0);
    });
    if (got == 0) BIO_set_flags(self, BIO_FLAGS_IN_EOF);
    return got;
  }

  static long control(BIO* self, int command, long, void*) {
    if (command == BIO_CTRL_EOF) return BIO_test_flags(self, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const only = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir socket");
      BIO_meth_set_write(made, write);
      BIO_meth_set_read(made, read);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return only;
  }

 private:
  template <class Call>
  static int step(BIO* self, int direction, Call call) {
    BIO_clear_retry_flags(self);
    const int fd = *static_cast<const int*>(BIO_get_data(self));
    if (fd < 0) {
      errno = EBADF;
      return -1;
    }
    ssize_t done = 0;
    do {
      done = call(fd);
    } while (done < 0 && errno == EINTR);
    if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      BIO_set_flags(self, direction | BIO_FLAGS_SHOULD_RETRY);
    }
    return static_cast<int>(done);
  }
};

namespace {

int capped(std::size_t size) noexcept {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

/// Before each call, so that what it leaves behind is its own.
void forget_errors() noexcept {
  ERR_clear_error();
  errno = 0;
}

tls_fault fault_of_verification(long why) noexcept {
  switch (why) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return tls_fault::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return tls_fault::not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return tls_fault::wrong_name;
    case X509_V_ERR_INVALID_PURPOSE:
      return tls_fault::wrong_usage;
    default:
      return tls_fault::wrong_ca;
  }
}

}  // namespace

void tls_session::freer::operator()(SSL* session) const {
  SSL_free(session);
}

tls_session::tls_session(tls_context context, tls_side side, int fd)
    : context_(std::move(context)), fd_(fd), session_(SSL_new(context_->native_handle())) {
  BIO* link = session_ ? BIO_new(bio::method()) : nullptr;
  if (link == nullptr) throw std::bad_alloc();
  BIO_set_data(link, &fd_);
  BIO_set_init(link, 1);
  SSL_set_bio(session_.get(), link, link);
  if (side == tls_side::server) {
    SSL_set_accept_state(session_.get());
  } else {
    SSL_set_connect_state(session_.get());
  }
}

tls_session::~tls_session() = default;

void tls_session::expect(const std::string& host) {
  error_code no_address;
  asio::ip::make_address(host, no_address);
  if (!no_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(session_.get(), host.c_str());
  SSL_set_hostflags(session_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set1_host(session_.get(), host.c_str());
}

error_code tls_session::handshake() {
  forget_errors();
  const int status = SSL_do_handshake(session_.get());
  if (status != 1) return judge(status);
  is_handshaken_ = true;
  return {};
}

/// As much as there is, up to `size`: a record holds at most 16 KiB.
std::size_t tls_session::read(void* into, std::size_t size, error_code& error) {
  error = {};
  std::size_t total = 0;
  while (total < size) {
    forget_errors();
    const int got =
        SSL_read(session_.get(), static_cast<char*>(into) + total, capped(size - total));
    if (got > 0) {
      total += static_cast<std::size_t>(got);
      continue;
    }
    const auto why = judge(got);
    if (total == 0) error = why;  // else it comes again with the next call
    break;
  }
  return total;
}

std::size_t tls_session::write(const void* from, std::size_t size, error_code& error) {
  error = {};
  std::size_t total = 0;
  while (total < size) {
    forget_errors();
    const int sent =
        SSL_write(session_.get(), static_cast<const char*>(from) + total, capped(size - total));
    if (sent > 0) {
      total += static_cast<std::size_t>(sent);
      continue;
    }
    const auto why = judge(sent);
    if (total == 0 || why != asio::error::would_block) error = why;
    break;
  }
  return total;
}

void tls_session::shutdown() noexcept {
  if (!is_handshaken_ || fd_ < 0) return;
  ERR_clear_error();
  SSL_shutdown(session_.get());
  ERR_clear_error();
}

error_code tls_session::judge(int status) {
  const int system_error = errno;
  switch (SSL_get_error(session_.get(), status)) {
    case SSL_ERROR_WANT_READ:
      wants_ = readiness::read;
      return asio::error::would_block;
    case SSL_ERROR_WANT_WRITE:
      wants_ = readiness::write;
      return asio::error::would_block;
    case SSL_ERROR_ZERO_RETURN:
      return asio::error::eof;
    case SSL_ERROR_SYSCALL:
      if (system_error == 0) return asio::error::connection_reset;
      return {system_error, boost::system::system_category()};
    default:
      break;
  }
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return asio::error::connection_reset;
  }
  const auto found = fault();
  ERR_clear_error();
  return make_error_code(found);
}

tls_fault tls_session::fault() const {
  switch (ERR_GET_REASON(ERR_peek_error())) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return is_handshaken_ ? tls_fault::broken : tls_fault::plaintext;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return tls_fault::version;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return tls_fault::no_certificate;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return fault_of_verification(SSL_get_verify_result(session_.get()));
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      return tls_fault::refused;
    default:
      return tls_fault::broken;
  }
}

bool tls_session::is_for(std::string_view name) const {
  X509* certificate = SSL_get0_peer_certificate(session_.get());
  if (certificate == nullptr) return false;
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
  );
  bool found = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const auto* each = sk_GENERAL_NAME_value(names, i);
    if (each->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(each->d.dNSName));
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(each->d.dNSName));
    found = found || std::string_view(text, size) == name;
  }
  GENERAL_NAMES_free(names);
  return found;
}

}  // namespace weir
