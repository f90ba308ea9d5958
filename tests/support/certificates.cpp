#include "tests/support/certificates.hpp"

#include <cstdio>
#include <filesystem>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace weir_test {
namespace {

template <class Writer>
std::string to_pem(Writer write) {
  BIO* out = BIO_new(BIO_s_mem());
  write(out);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(out);
  return pem;
}

std::string pem_of(X509* certificate) {
  return to_pem([&](BIO* out) { PEM_write_bio_X509(out, certificate); });
}

void extend(X509* certificate, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, nullptr, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str());
  if (made == nullptr) throw std::runtime_error("certificates: bad extension " + text);
  X509_add_ext(certificate, made, -1);
  X509_EXTENSION_free(made);
}

X509* begin_certificate(EVP_PKEY* key, const std::string& name) {
  X509* made = X509_new();
  X509_set_version(made, 2);
  unsigned char serial[8];
  RAND_bytes(serial, sizeof serial);
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made));
  BN_free(number);
  X509_set_pubkey(made, key);
  const auto* text = reinterpret_cast<const unsigned char*>(name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, text, -1, -1, 0);
  return made;
}

}  // namespace

struct authority::parts {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;

  ~parts() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
};

authority::authority(const std::string& name) : parts_(std::make_unique<parts>()) {
  parts_->key = EVP_EC_gen("P-256");
  parts_->certificate = begin_certificate(parts_->key, name);
  X509* certificate = parts_->certificate;
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
  extend(certificate, NID_basic_constraints, "critical,CA:TRUE");
  extend(certificate, NID_key_usage, "critical,keyCertSign");
  X509_sign(certificate, parts_->key, EVP_sha256());
  pem_ = pem_of(certificate);
}

authority::~authority() = default;

issued authority::issue(const certificate_request& request) const {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* made = begin_certificate(key, request.names.empty() ? "nobody" : request.names.front());
  X509_gmtime_adj(X509_getm_notBefore(made), request.begins.count());
  X509_gmtime_adj(X509_getm_notAfter(made), request.ends.count());
  X509_set_issuer_name(made, X509_get_subject_name(parts_->certificate));
  std::string names;
  for (const auto& each : request.names) names += (names.empty() ? "DNS:" : ",DNS:") + each;
  for (const auto& each : request.addresses) names += (names.empty() ? "IP:" : ",IP:") + each;
  if (!names.empty()) extend(made, NID_subject_alt_name, names);
  if (!request.usages.empty()) extend(made, NID_ext_key_usage, request.usages);
  X509_sign(made, parts_->key, EVP_sha256());
  issued out;
  out.cert = pem_of(made);
  out.key = to_pem([&](BIO* to) {
    PEM_write_bio_PKCS8PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(made);
  EVP_PKEY_free(key);
  return out;
}

void tls_folder::write(const std::string& name, const std::string& text) const {
  const auto made = folder_.write(name + ".new", text);
  using std::filesystem::perms;
  if (name.find(".key") != std::string::npos) {
    std::filesystem::permissions(made, perms::owner_read | perms::owner_write);
  }
  std::filesystem::rename(made, path(name));
}

void tls_folder::write(const issued& own) const {
  write("tls.crt", own.cert);
  write("tls.key", own.key);
}

}  // namespace weir_test
