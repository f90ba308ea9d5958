#pragma once

#include <weir/keyspaces/make_sources.hpp>
#include <weir/transport/resp_connection.hpp>

#include <string>

namespace weir {

/// Where a Redis is and how to log in. Immutable.
class redis_server {
 public:
  /// Throws bad_source for a URL that is none or has a password in it, for a user or database that
  /// is said twice, and where plain text would leave the machine without being asked for.
  explicit redis_server(const redis_source_options& options);

  /// How to connect with these limits of answers: HELLO 3 with the login, and SELECT.
  resp_connection_options connection(resp_limits limits) const;

  /// "cache:6379", for words.
  const std::string& name() const noexcept { return name_; }

 private:
  host_port where_;
  bool is_secure_ = false;
  std::string ca_;
  tls_context tls_;  // without a ca_: those of the system are many, and read once
  std::string user_, password_;
  unsigned database_ = 0;
  std::string name_;
};

}  // namespace weir
