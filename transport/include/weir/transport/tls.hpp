#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace boost::asio::ssl {
class context;
}

namespace weir WEIR_API {

/// Settings, certificates and keys of one side of TLS connections; immutable once made, so that
/// connections of any thread share it.
using tls_context = std::shared_ptr<asio::ssl::context>;

/// Gives the context for a new connection; called on any thread. Empty = plain text.
using tls_source = std::function<tls_context()>;

/// What a context is for. All of them: no renegotiation, no compression, no resumption, no early
/// data; at most 8 certificates in a chain.
enum class tls_use : std::uint8_t {
  peer_server,  ///< TLS 1.3; asks for a certificate and refuses clients without a good one
  peer_client,  ///< TLS 1.3; checks the server's certificate but not its name, shows its own
  server,       ///< TLS 1.2 (ECDHE and AEAD only) or later; asks for no certificate
  client,       ///< TLS 1.2 or later; checks certificate and, per connection, the host name
};

/// PEM files. Which are needed depends on the use: both peer uses need all, `server` needs cert and
/// key, `client` none (no `ca` = the authorities of the system).
struct tls_files {
  std::string cert;  ///< the certificate, then those between it and the CA
  std::string key;   ///< its private key, without a passphrase; at most 0640
  std::string ca;    ///< certificates of all authorities that are trusted, one or more

  friend bool operator==(const tls_files&, const tls_files&) = default;
};

/// Why files cannot be used: the code for programs, the text for people. The text names the file
/// and says what to do; it never shows what a file holds.
struct tls_error {
  error_code code;
  std::string text;
};

/// Lets result<T, tls_error>::value() throw boost::system::system_error with the text.
[[noreturn]] void throw_exception_from_error(
    const tls_error& error, const boost::source_location& where
);

/// Reads the files and makes a context. Blocks for the time of reading. Fails when a file is
/// missing, unreadable, over 1 MiB or no PEM, when the key is not that of the certificate, needs a
/// passphrase or has a mode above 0640.
[[nodiscard]] boost::system::result<tls_context, tls_error> make_tls_context(
    tls_use use, const tls_files& files
);

/// Makes a client's context: `ca` is a PEM file, or empty for the authorities of the system.
[[nodiscard]] boost::system::result<tls_context, tls_error> make_tls_client(const std::string& ca);

/// Why a handshake, or a connection after it, failed. In std::error_code terms the values of
/// tls_category(); message() says what to do.
enum class tls_fault : std::uint8_t {
  none,
  plaintext,       ///< the other side does not speak TLS
  version,         ///< no version of TLS in common; TLS 1.1 and the like
  no_certificate,  ///< the other side shows none
  wrong_ca,        ///< its certificate is from an authority that is not trusted here
  wrong_name,      ///< it is a good certificate for another name
  expired,         ///< it is too old
  not_yet_valid,   ///< it begins in the future
  refused,         ///< the other side does not accept this node's certificate
  broken,          ///< anything else against the protocol
  wrong_usage,     ///< its certificate is not for both sides of a link
};

/// "wrong_ca", for logs and metrics. Static storage.
std::string_view name(tls_fault fault) noexcept;

const boost::system::error_category& tls_category() noexcept;

inline error_code make_error_code(tls_fault fault) noexcept {
  return {static_cast<int>(fault), tls_category()};
}

/// The certificate, key and authorities of a node, as contexts; replaced as one while it runs.
///
/// New connections take the newest set; those that exist keep theirs. Thread-safe.
class tls_credentials {
 public:
  using system_time = std::chrono::system_clock::time_point;

  enum class outcome : std::uint8_t {
    unchanged,  ///< the files hold what is in use
    replaced,
    refused,  ///< they cannot be used; what was in use stays
  };

  struct reloaded {
    outcome what = outcome::unchanged;
    std::string text;  ///< why they were refused
  };

  struct counts {
    std::uint64_t replaced = 0;
    std::uint64_t refused = 0;
  };

  /// Reads the files; `ca` may be empty when no peers are met. Fails as make_tls_context(), and
  /// when others would refuse the certificate: outside its time, without serverAuth (and, with a
  /// `ca`, clientAuth) among its extended key usages, with a `ca` also when it is not from there,
  /// or when `name`, unless empty, is none of its DNS names.
  [[nodiscard]] static boost::system::result<std::shared_ptr<tls_credentials>, tls_error> load(
      tls_files files, std::string name = {}
  );

  /// Reads the files again and asks the same of them: all of them or none take effect. Blocks for
  /// the time of reading; what is no regular file is not waited for.
  reloaded reload();

  /// Whether the files differ from those that the last load() or reload() saw, and have been the
  /// same since the last call: one that is being written is left alone. Costs a stat per file.
  bool has_settled_change();

  tls_context peer_server() const;  ///< null without a `ca`
  tls_context peer_client() const;  ///< null without a `ca`
  tls_context server() const;

  /// When the certificate in use ends.
  system_time expires() const;

  counts counted() const;

 private:
  struct set;

  tls_credentials(tls_files files, std::string name)
      : files_(std::move(files)), name_(std::move(name)) {}

  std::shared_ptr<const set> current() const;
  std::string stamp() const;

  const tls_files files_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::shared_ptr<const set> set_;
  counts counts_;
  std::string used_stamp_, seen_stamp_;
};

}  // namespace weir

template <>
struct boost::system::is_error_code_enum<weir::tls_fault> : std::true_type {};
