#include "http/url_template.hpp"

#include <weir/keyspaces/make_sources.hpp>
#include <weir/transport/http_message.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <string_view>

namespace weir {
namespace {

using namespace std::string_view_literals;

constexpr std::array reserved_fields{
    "connection"sv,
    "content-length"sv,
    "expect"sv,
    "host"sv,
    "if-none-match"sv,
    "keep-alive"sv,
    "range"sv,
    "te"sv,
    "trailer"sv,
    "upgrade"sv,
    "transfer-encoding"sv,
};

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("weir: " + what);
}

void check_max_entry(std::string_view kind, std::size_t max_entry) {
  constexpr std::size_t most = 1'000'000'000;
  if (max_entry >= 1 && max_entry <= most) return;
  refuse(
      "max_entry of the " + std::string(kind) + " source is " + std::to_string(max_entry) +
      "; allowed are 1 to " + std::to_string(most) + " bytes"
  );
}

void check_time(
    std::string_view name, std::chrono::milliseconds least, std::chrono::milliseconds given
) {
  constexpr std::chrono::milliseconds most = std::chrono::hours(1);
  if (given >= least && given <= most) return;
  refuse(
      std::string(name) + " is " + std::to_string(given.count()) + " ms; allowed are " +
      std::to_string(least.count()) + " ms to 1 h"
  );
}

void check_header(const std::string& name, const std::string& value) {
  const auto is_token = [](unsigned char c) {
    constexpr auto others = "!#$%&'*+-.^_`|~"sv;
    return std::isalnum(c) != 0 || others.find(static_cast<char>(c)) != others.npos;
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_token)) {
    refuse("\"" + name + "\" is not a header name for the http source");
  }
  const auto is_same = [&](std::string_view other) { return http_name_equal(name, other); };
  if (std::any_of(reserved_fields.begin(), reserved_fields.end(), is_same)) {
    refuse(
        "the http source sets the header \"" + name + "\" itself, or cannot use it; leave it out"
    );
  }
  // The value may be a secret: it is not repeated here.
  const auto is_control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
  if (std::any_of(value.begin(), value.end(), is_control)) {
    refuse(
        "the value of the header \"" + name + "\" has a line break or another control character"
    );
  }
}

void check_sql(
    const std::string& what, const std::string& sql, const std::string& source = "sqlite"
) {
  if (sql.find('\0') != std::string::npos)
    refuse("the " + what + " of the " + source + " source has a NUL byte");
  if (sql.size() > 64 * 1024)
    refuse("the " + what + " of the " + source + " source is over 64 KiB");
}

void check_column(const char* what, const std::string& name) {
  if (name.empty()) refuse("the table of the postgres source needs " + std::string(what));
  if (name.find('\0') != std::string::npos)
    refuse(std::string(what) + " of the postgres source has a NUL byte");
  if (name.size() > 200)
    refuse(std::string(what) + " of the postgres source is longer than names can be");
}

// As PostgreSQL keeps a name: it would cut a longer one.
void check_channel(const std::string& name) {
  constexpr std::size_t longest = 63;
  const auto is_good = [](unsigned char c) { return c > 0x20 && c != '"' && c != 0x7f; };
  if (name.size() > longest || !std::all_of(name.begin(), name.end(), is_good)) {
    refuse(
        "the channel that the postgres source listens on has up to 63 bytes, without blanks and "
        "quotes"
    );
  }
}

void check_table(const postgres_source_options& options) {
  const bool has_own = !options.query.empty() || !options.create.empty() ||
                       !options.update.empty() || !options.put.empty() || !options.erase.empty();
  if (has_own)
    refuse("the postgres source has a table: weir writes its statements, leave them out");
  check_column("the name of the table", options.table->name);
  check_column("the key column", options.table->key);
  check_column("the value column", options.table->value);
  if (!options.table->revision.empty())
    check_column("the revision column", options.table->revision);
}

}  // namespace

void check(const http_source_options& options) {
  [[maybe_unused]] const url_template parsed(options.url);
  for (const auto& [name, value] : options.headers) check_header(name, value);
  check_time("timeout of the http source", std::chrono::milliseconds(1), options.timeout);
  check_max_entry("http", options.max_entry);
}

void check(const sqlite_source_options& options) {
  if (options.path.empty()) refuse("the sqlite source needs the path of a database file");
  if (options.query.empty())
    refuse("the sqlite source needs a query, as SELECT value FROM t WHERE id = ?1");
  check_sql("query", options.query);
  check_sql("put", options.put);
  check_sql("delete", options.erase);
  const bool writes = !options.put.empty() || !options.erase.empty();
  if (options.revision != 0 && !writes) {
    refuse("the sqlite source has a revision column, but neither put nor delete; leave it out");
  }
  if (options.revision == 1 || options.revision > 2000) {
    refuse("the revision of the sqlite source is a column of the query from 2 on; 1 is the value");
  }
  if (options.readers < 1 || options.readers > 64) {
    refuse(
        "readers of the sqlite source is " + std::to_string(options.readers) +
        "; allowed are 1 to 64"
    );
  }
  check_time(
      "busy_timeout of the sqlite source", std::chrono::milliseconds(0), options.busy_timeout
  );
  check_max_entry("sqlite", options.max_entry);
}

void check(const postgres_source_options& options) {
  if (options.url.empty())
    refuse("the postgres source needs a url, postgresql://user@host/database");
  if (options.connections < 1 || options.connections > 256) {
    refuse(
        "connections of the postgres source is " + std::to_string(options.connections) +
        "; allowed are 1 to 256"
    );
  }
  check_max_entry("postgres", options.max_entry);
  if (options.password.find('\0') != std::string::npos)
    refuse("the password of the postgres source has a NUL byte");
  check_channel(options.listen);
  if (options.table) return check_table(options);
  if (options.query.empty()) refuse("the postgres source needs a table or a query");
  check_sql("query", options.query, "postgres");
  check_sql("create", options.create, "postgres");
  check_sql("update", options.update, "postgres");
  check_sql("put", options.put, "postgres");
  check_sql("delete", options.erase, "postgres");
  if (options.create.empty() != options.update.empty()) {
    refuse(
        "create and update of the postgres source go together: the conditional puts of an absent "
        "row and of one that is there"
    );
  }
}

void check(const redis_source_options& options) {
  constexpr std::size_t longest_prefix = 512, largest = 512u << 20;
  constexpr std::chrono::milliseconds longest = std::chrono::hours(24 * 3650);
  if (options.url.empty()) refuse("the redis source needs a url, redis://user@host:6379");
  if (options.connections < 1 || options.connections > 64) {
    refuse(
        "connections of the redis source is " + std::to_string(options.connections) +
        "; allowed are 1 to 64"
    );
  }
  if (options.database > 65'535) refuse("database of the redis source is over 65535");
  if (options.prefix.size() > longest_prefix)
    refuse("the prefix of the redis source is longer than 512 bytes");
  if (options.expire < std::chrono::milliseconds(0) || options.expire > longest)
    refuse("expire of the redis source is 1 ms to 3650 days, or 0 for without end");
  check_max_entry("redis", options.max_entry);
  if (options.max_entry > largest)
    refuse("max_entry of the redis source is over 512 MiB, the longest string of Redis");
}

void check(const file_source_options& options) {
  if (options.root.empty()) refuse("the file source needs a root folder");
  if (options.root.native().find('\0') != std::string::npos)
    refuse("the root of the file source has a NUL byte");
  check_max_entry("file", options.max_entry);
}

}  // namespace weir
