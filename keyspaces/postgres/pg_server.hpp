#pragma once

#include "postgres/pg_connection.hpp"

#include <weir/keyspaces/make_sources.hpp>

#include <string>
#include <vector>

namespace weir {

/// Where a database is and how to log in, as a URL says it.
class pg_server {
 public:
  /// Throws bad_source for a URL that is none, that has a password or a parameter that weir sets
  /// itself, and where plain text would leave the machine without being asked for.
  explicit pg_server(const postgres_source_options& options);

  /// Looks up the hosts, and connects to the first address that takes it. Never blocks.
  asio::awaitable<pg_connection::made> async_connect(pg_connection::time_point deadline) const;

  /// "db:5432", for words.
  std::string name() const;

 private:
  struct place {
    std::string host, port;

    bool is_folder() const { return host.starts_with('/'); }
  };

  void take(const std::string& keyword, const std::string& value);
  void secure(const postgres_source_options& options);

  std::vector<place> places_;
  pg_login login_;
};

}  // namespace weir
