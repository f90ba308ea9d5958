#include "tls/openssl_owned.hpp"
#include "tls/tls_pem.hpp"

#include <weir/engine/errc.hpp>

#include <boost/asio/ssl/context.hpp>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>

#include <ctime>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace weir {
namespace {

constexpr int max_chain = 8;
constexpr long max_chain_bytes = 65'536;
constexpr std::size_t read_ahead = 65'536;
constexpr const char* ciphers_of_1_2 = "ECDHE+AESGCM:ECDHE+CHACHA20";

/// Never asks a terminal for a passphrase.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

owned<BIO> reader_of(const std::string& pem) {
  return owned<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

owned<X509> next_certificate(BIO& from) {
  return owned<X509>(PEM_read_bio_X509(&from, nullptr, no_passphrase, nullptr));
}

/// Clears the errors of OpenSSL; true when all that was read ended at the end of the text.
bool ended_well() {
  const auto last = ERR_peek_last_error();
  ERR_clear_error();
  return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

/// Peers dial and are dialled with one certificate: OpenSSL looks for the usage of one side only.
int also_for_both_sides(int is_good, X509_STORE_CTX* context) {
  if (is_good != 1 || X509_STORE_CTX_get_error_depth(context) != 0) return is_good;
  if (serves_both_sides(X509_STORE_CTX_get_current_cert(context))) return 1;
  X509_STORE_CTX_set_error(context, X509_V_ERR_INVALID_PURPOSE);
  return 0;
}

/// One context being filled; the first thing that fails is remembered.
class builder {
 public:
  builder(tls_use use, const tls_texts& texts, const tls_files& files)
      : use_(use),
        texts_(texts),
        files_(files),
        made_(std::make_shared<asio::ssl::context>(
            is_server() ? asio::ssl::context::tls_server : asio::ssl::context::tls_client
        )),
        native_(made_->native_handle()) {}

  boost::system::result<tls_context, tls_error> build() {
    set_versions();
    const bool is_peer = use_ == tls_use::peer_server || use_ == tls_use::peer_client;
    const bool needs_own = is_peer || use_ == tls_use::server;
    const bool checks_other = is_peer || use_ == tls_use::client;
    if (needs_own || !files_.cert.empty()) use_certificate();
    if (checks_other) trust(is_peer);
    if (!trouble_.empty()) return tls_error{make_error_code(errc::bad_request), trouble_};
    return made_;
  }

 private:
  bool is_server() const noexcept {
    return use_ == tls_use::peer_server || use_ == tls_use::server;
  }

  void set_versions() {
    const bool is_peer = use_ == tls_use::peer_server || use_ == tls_use::peer_client;
    SSL_CTX_set_min_proto_version(native_, is_peer ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(native_, ciphers_of_1_2);
    SSL_CTX_set_options(
        native_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET
    );
    SSL_CTX_set_num_tickets(native_, 0);
    SSL_CTX_set_session_cache_mode(native_, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(
        native_,
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
            SSL_MODE_RELEASE_BUFFERS
    );
    SSL_CTX_set_read_ahead(native_, 1);
    SSL_CTX_set_default_read_buffer_len(native_, read_ahead);
    SSL_CTX_set_max_cert_list(native_, max_chain_bytes);
    SSL_CTX_set_verify_depth(native_, max_chain);
    SSL_CTX_set_default_passwd_cb(native_, no_passphrase);
  }

  void use_certificate() {
    if (files_.cert.empty()) return fail("no certificate is named; give cert and key");
    if (files_.key.empty()) return fail("no private key is named; give cert and key");
    const auto chain = reader_of(texts_.cert);
    const auto leaf = next_certificate(*chain);
    if (!leaf || SSL_CTX_use_certificate(native_, leaf.get()) != 1) {
      return fail(quoted(files_.cert) + " holds no certificate that can be used; give a PEM file");
    }
    while (auto next = next_certificate(*chain)) {
      if (SSL_CTX_add0_chain_cert(native_, next.get()) == 1) {
        static_cast<void>(next.release());  // the context owns it
      }
    }
    if (!ended_well())
      return fail(quoted(files_.cert) + " is damaged behind its first certificate");
    const auto secret = reader_of(texts_.key);
    const owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(secret.get(), nullptr, no_passphrase, nullptr)
    );
    if (!key) {
      return fail(
          quoted(files_.key) + " holds no private key without a passphrase; give a PEM file"
      );
    }
    if (SSL_CTX_use_PrivateKey(native_, key.get()) != 1 ||
        SSL_CTX_check_private_key(native_) != 1) {
      return fail("the key in " + quoted(files_.key) + " is not that of " + quoted(files_.cert));
    }
  }

  void trust(bool is_peer) {
    SSL_CTX_set_verify(
        native_,
        SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
        is_peer ? &also_for_both_sides : nullptr
    );
    if (files_.ca.empty()) {
      if (is_peer) return fail("no authority is named; give ca");
      if (SSL_CTX_set_default_verify_paths(native_) != 1) fail("the system has no authorities");
      return;
    }
    const auto list = reader_of(texts_.ca);
    auto* store = SSL_CTX_get_cert_store(native_);
    std::size_t count = 0;
    while (const auto each = next_certificate(*list)) {
      X509_STORE_add_cert(store, each.get());
      if (is_server()) SSL_CTX_add_client_CA(native_, each.get());
      ++count;
    }
    if (!ended_well() || count == 0) {
      fail(quoted(files_.ca) + " is not a list of certificates; give a PEM file");
    }
  }

  static std::string quoted(const std::string& path) { return '"' + path + '"'; }

  void fail(std::string why) {
    ERR_clear_error();
    if (trouble_.empty()) trouble_ = std::move(why);
  }

  const tls_use use_;
  const tls_texts& texts_;
  const tls_files& files_;
  tls_context made_;
  SSL_CTX* native_;
  std::string trouble_;
};

}  // namespace

void throw_exception_from_error(const tls_error& error, const boost::source_location& where) {
  boost::throw_exception(boost::system::system_error(error.code, error.text), where);
}

boost::system::result<tls_context, tls_error> make_tls_context(
    tls_use use, const tls_texts& texts, const tls_files& files
) {
  ERR_clear_error();
  return builder(use, texts, files).build();
}

boost::system::result<tls_context, tls_error> make_tls_context(
    tls_use use, const tls_files& files
) {
  const auto texts = read_tls_files(files);
  if (!texts) return texts.error();
  return make_tls_context(use, *texts, files);
}

boost::system::result<tls_context, tls_error> make_tls_client(const std::string& ca) {
  return make_tls_context(tls_use::client, {.cert = {}, .key = {}, .ca = ca});
}

tls_credentials::system_time end_of_certificate(const std::string& pem) {
  const auto text = reader_of(pem);
  const auto certificate = next_certificate(*text);
  ERR_clear_error();
  std::tm when{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &when) != 1) return {};
  return std::chrono::system_clock::from_time_t(::timegm(&when));
}

}  // namespace weir
