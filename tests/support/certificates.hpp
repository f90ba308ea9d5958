#pragma once

#include "tests/support/scratch_folder.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace weir_test {

/// What a certificate says.
struct certificate_request {
  std::vector<std::string> names;      ///< DNS names
  std::vector<std::string> addresses;  ///< IP addresses
  std::chrono::seconds begins{-3600};  ///< from now
  std::chrono::seconds ends{3600};
  std::string usages = {};  ///< extended key usages, "serverAuth,clientAuth"; empty = any
};

/// A certificate and its key, as PEM.
struct issued {
  std::string cert, key;
};

/// A certificate authority made for one test.
class authority {
 public:
  explicit authority(const std::string& name);
  ~authority();

  issued issue(const certificate_request& request) const;

  /// The certificate of a node.
  issued issue(const std::string& name) const {
    certificate_request request;
    request.names = {name};
    request.addresses = {"127.0.0.1"};
    return issue(request);
  }

  const std::string& pem() const noexcept { return pem_; }

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
  std::string pem_;
};

/// A new folder, removed at the end, with what a node needs: tls.crt, tls.key, ca.crt.
class tls_folder {
 public:
  /// Replaces a file as a deployment does: whole, by another one. A key is 0600.
  void write(const std::string& name, const std::string& text) const;
  void write(const issued& own) const;

  std::string path(const std::string& name) const { return folder_.file(name); }

  std::string cert() const { return path("tls.crt"); }

  std::string key() const { return path("tls.key"); }

  std::string ca() const { return path("ca.crt"); }

 private:
  weir::test::scratch_folder folder_;
};

}  // namespace weir_test
