#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

namespace weir {

/// Frees what OpenSSL made.
struct openssl_freer {
  void operator()(BIO* bio) const { BIO_free(bio); }

  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }

  void operator()(X509* certificate) const { X509_free(certificate); }

  void operator()(X509_STORE* store) const { X509_STORE_free(store); }

  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }

  void operator()(STACK_OF(X509) * list) const { sk_X509_pop_free(list, X509_free); }

  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

template <class T>
using owned = std::unique_ptr<T, openssl_freer>;

}  // namespace weir
