// What is asked of a node's own certificate before it is used.
#include "tls/openssl_owned.hpp"
#include "tls/tls_pem.hpp"

#include <ctime>
#include <openssl/err.h>
#include <openssl/pem.h>

namespace weir {
namespace {

owned<STACK_OF(X509)> certificates_in(const std::string& pem) {
  const owned<BIO> text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  owned<STACK_OF(X509)> all(sk_X509_new_null());
  while (X509* each = PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(all.get(), each);
  }
  ERR_clear_error();
  return all;
}

bool has_dns_name(X509* certificate, const std::string& name) {
  const owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
  ));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* each = sk_GENERAL_NAME_value(names.get(), i);
    if (each->type != GEN_DNS) continue;
    const auto* text = reinterpret_cast<const char*>(ASN1_STRING_get0_data(each->d.dNSName));
    const auto size = static_cast<std::size_t>(ASN1_STRING_length(each->d.dNSName));
    if (std::string_view(text, size) == name) return true;
  }
  return false;
}

/// What verifying `chain`, whose first is the node's own, against `ca` ends with.
int verify(STACK_OF(X509) * chain, const std::string& ca, std::time_t when) {
  const owned<X509_STORE> store(X509_STORE_new());
  const auto trusted = certificates_in(ca);
  for (int i = 0; i < sk_X509_num(trusted.get()); ++i) {
    X509_STORE_add_cert(store.get(), sk_X509_value(trusted.get(), i));
  }
  const owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), store.get(), sk_X509_value(chain, 0), chain) != 1) {
    return X509_V_ERR_UNSPECIFIED;
  }
  X509_STORE_CTX_set_time(context.get(), 0, when);
  const bool is_good = X509_verify_cert(context.get()) == 1;
  const int why = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  return is_good ? X509_V_OK : why;
}

}  // namespace

bool serves_both_sides(X509* certificate) {
  const auto usages = X509_get_extended_key_usage(certificate);  // all bits when there are none
  return (usages & XKU_SSL_SERVER) != 0 && (usages & XKU_SSL_CLIENT) != 0;
}

std::string fault_of_own(
    const tls_texts& texts,
    const tls_files& files,
    const std::string& name,
    tls_credentials::system_time now
) {
  const auto quoted = '"' + files.cert + '"';
  const auto chain = certificates_in(texts.cert);
  X509* own = sk_X509_value(chain.get(), 0);
  if (own == nullptr) return quoted + " holds no certificate that can be used; give a PEM file";
  auto when = std::chrono::system_clock::to_time_t(now);
  if (X509_cmp_time(X509_get0_notAfter(own), &when) < 0) return quoted + " has expired; renew it";
  if (X509_cmp_time(X509_get0_notBefore(own), &when) > 0) {
    return quoted + " is not valid yet; compare the clocks";
  }
  if (files.ca.empty()) {
    const bool is_for_servers = (X509_get_extended_key_usage(own) & XKU_SSL_SERVER) != 0;
    return is_for_servers ? "" : quoted + " is not for servers; issue it with serverAuth";
  }
  if (!serves_both_sides(own)) {
    return quoted + " is not for both sides of a link; issue it with serverAuth and clientAuth";
  }
  if (!name.empty() && !has_dns_name(own, name)) {
    return quoted + " is not for this node: it has no DNS name equal to node id \"" + name + '"';
  }
  const int why = verify(chain.get(), texts.ca, when);
  if (why == X509_V_OK) return {};
  return quoted + " is not good for the authorities in \"" + files.ca +
         "\": " + X509_verify_cert_error_string(why);
}

}  // namespace weir
