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

}  // namespace weir
