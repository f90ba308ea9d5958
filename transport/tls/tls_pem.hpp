#pragma once

#include <weir/transport/tls.hpp>

#include <openssl/types.h>
#include <string>

namespace weir {

/// What the files of a node hold; the key is wiped with it.
struct tls_texts {
  std::string cert, key, ca;

  tls_texts() = default;
  tls_texts(tls_texts&&) = default;
  tls_texts& operator=(tls_texts&&) = default;
  ~tls_texts();

  bool same_as(const tls_texts& other) const noexcept {
    return cert == other.cert && key == other.key && ca == other.ca;
  }
};

/// Reads the files that are named.
boost::system::result<tls_texts, tls_error> read_tls_files(const tls_files& files);

/// Makes a context of texts that were read from `files`, which serve for messages only.
boost::system::result<tls_context, tls_error> make_tls_context(
    tls_use use, const tls_texts& texts, const tls_files& files
);

/// When the first certificate in `pem` ends; the epoch if there is none.
tls_credentials::system_time end_of_certificate(const std::string& pem);

/// What is wrong with a node's own certificate, so that others would refuse it: its dates, its
/// extended key usages and, when `files` names a `ca`, its chain to that and `name` among its DNS
/// names. Empty when nothing is.
std::string fault_of_own(
    const tls_texts& texts,
    const tls_files& files,
    const std::string& name,
    tls_credentials::system_time now
);

/// Whether `certificate` may be shown by both sides of a peer link: it has no extended key usages, or
/// serverAuth and clientAuth.
bool serves_both_sides(X509* certificate);

}  // namespace weir
