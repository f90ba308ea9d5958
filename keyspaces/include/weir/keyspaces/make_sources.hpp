#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/change_feed.hpp>
#include <weir/engine/data_source.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weir WEIR_API {

class http_client;

/// What is wrong with an option of a source, and with which.
class bad_source : public std::invalid_argument {
 public:
  bad_source(std::string field, const std::string& text)
      : std::invalid_argument(text), field_(std::move(field)) {}

  /// Its name in the configuration: "path", "query", "root", ...
  const std::string& field() const noexcept { return field_; }

 private:
  std::string field_;
};

/// An HTTP origin: one GET per load.
///
/// 200 and 203 are the value, 204 an empty one, 404 and 410 "not found"; any other status is
/// errc::source_failed, a redirect too (it is not followed). The answer's Cache-Control, Expires,
/// Age and Vary bound the TTL as those of a shared cache (RFC 9111), also that of "not found"; 0
/// for what is private. Content-Type and ETag are kept, else Last-Modified; when the TTL is over
/// the request is conditional, and a 304 makes the former value that of the load. See
/// docs/configuration.md.
///
/// A key cannot leave its place in the URL: it is percent-encoded whole, '/' too. As many servers
/// decode before they look at paths, a key that would put a "." or ".." between slashes is not
/// asked for; it is not found.
struct http_source_options {
  /// "http://host[:port]/path/{key}" or "https://...", `{key}` once or more in path or query. Hosts
  /// are trusted; a name that ends with a dot is looked up in no search domain.
  std::string url;

  /// Sent with every request. Host and those that frame the message are not allowed.
  std::vector<std::pair<std::string, std::string>> headers = {};

  std::chrono::milliseconds timeout{2000};  ///< of one request; the load's deadline holds too
  std::size_t max_entry = 1u << 20;         ///< bytes of a body; more is errc::too_large

  /// PEM file of the authorities that an https server is checked against, read once. Empty = those
  /// of the client.
  std::string ca = {};
};

/// An SQLite database: the first column of the first row; no row or NULL is "not found".
///
/// Text and blobs are the value as they are, numbers as SQLite writes them. Read only, unless there
/// are statements that write: then the source is a weir::store.
///
/// The file may be replaced, by another of the same name or written over in place (cp, rsync
/// --inplace): it is opened anew when its stamp (device, inode, size, times of writing and change)
/// has changed, and at each load within 2 s of a change; an SQLite file that changes while it is
/// read is read again, and a write that finds it changed starts again in the new file. Not covered:
/// a file that is written over at the moment of a commit, and one in WAL mode whose -wal still
/// belongs to the former content; replace those by `.restore`, or with weir stopped and both files
/// removed.
///
/// A lock of another process is waited for as long as the load or write may take, then it is
/// errc::overloaded. A database that is locked when the source is made is looked at by the first
/// load.
///
/// A write is one transaction: read the row, judge the condition, run the statement, read the row's
/// new revision, commit. A statement that changes no row is a conflict. Every write must give the
/// row a revision that it never had, also after it was deleted: random() will do, a counter in the
/// row will not.
struct sqlite_source_options {
  std::filesystem::path path;  ///< an existing database file

  /// One statement that only reads, with one parameter, ?1: the key as text.
  std::string query;

  std::size_t readers = 4;  ///< connections, 1..64, made on demand

  /// Longest wait for the lock of another process; the deadline of the load or write holds too.
  std::chrono::milliseconds busy_timeout = std::chrono::hours(1);

  std::size_t max_entry = 1u << 20;  ///< bytes of a value; more is errc::too_large

  /// One statement that sets the value: ?1 is the key as text, ?2 the value (text if it is UTF-8,
  /// else a blob), ?3 the revision that the row has, NULL when there is none; only where the query
  /// tells the revision. Empty: no puts.
  std::string put = {};

  /// One statement that deletes the row: ?1 and ?3 as above. Empty: no removes.
  std::string erase = {};

  /// Number of the query's column, from 1, that holds the revision of the row, an integer or a
  /// text, which is the store's etag. 0 = the second column if there is one; else the store has no
  /// etags, and takes no conditional writes. Of use only with `put` or `erase`.
  unsigned revision = 0;
};

/// The table of a PostgreSQL source; weir writes all statements for it.
struct postgres_table {
  std::string name;   ///< "users", or with its schema "app.users"
  std::string key;    ///< column with a primary key or a unique index of its own
  std::string value;  ///< column; a row where it is NULL counts as absent

  /// Column that has another content after each write, which is the store's etag. "xmin" needs no
  /// column: the server itself numbers the transaction that wrote the row. Into a column of its own
  /// (bigint, text) weir writes 62 bits at random; other programs must change it with every write.
  /// Empty: no etags, and no conditional writes.
  std::string revision = {};
};

/// What the keys of a statement are; `as_stated` where the statement itself tells.
enum class pg_key_type : std::uint8_t { as_stated, text, bytea };

/// A PostgreSQL database, by a table or by statements of one's own. Connected to when it is first
/// asked; a server that is away is found then, and again when it is back.
///
/// Rows are matched by the bytes of the key. A key that the column cannot hold (a NUL or bytes that
/// are no UTF-8 in a text, "042" in an integer) is not found, and refused in a write with
/// errc::bad_request. Values are the bytes of a bytea, or of any other type its text in UTF-8.
///
/// Never blocks; waits for a free connection, a lock and the answer until the deadline of the load or
/// write. The server is told to give up a little before: errc::overloaded. A write whose connection
/// is lost on the way is errc::unknown_outcome, as the server may still do it, and is not sent again.
struct postgres_source_options {
  /// "postgresql://user@host:5432/database"; several hosts with commas, tried in their order.
  std::string url;

  std::string password = {};
  std::string ca = {};          ///< PEM file: TLS, and the server must prove its name
  bool insecure = false;        ///< accept plain text to other machines
  std::size_t connections = 8;  ///< at once, 1..256, made on demand and kept

  std::size_t max_entry = 1u << 20;  ///< bytes of a value; more is errc::too_large, not sent

  /// Either the table, or the statements that follow.
  std::optional<postgres_table> table = std::nullopt;

  /// Reads: columns key, value and where there is one the revision, of the rows whose key
  /// `= ANY($1)`.
  std::string query = {};

  /// Write, each in one statement: $1 is the key, $2 the value, $3 the revision that the row must
  /// have (NULL: any), $4 one at random. No row changed is a conflict. They return the new revision
  /// (RETURNING). `create` and `update` are the conditional puts and go together; without them the
  /// store has no etags. Empty: not allowed.
  std::string create = {}, update = {}, put = {}, erase = {};

  pg_key_type key = pg_key_type::as_stated;

  /// Channel of LISTEN on which triggers tell which key has changed; empty = nobody tells.
  std::string listen = {};
  feed_loss when_lost = feed_loss::pass;
};

/// The strings of a Redis (6 or newer) or Valkey: a single server or a primary with its replicas, no
/// Redis Cluster. Connected to when it is first asked.
///
/// The time that a key has left shortens the TTL. A key that holds no string is
/// errc::source_failed. The entity tag is the SHA-1 of the value, computed at each load: a value
/// that was another meanwhile passes a condition. Conditional writes run a script of Redis.
///
/// Never blocks. A read whose connection turns out dead is sent once more; a write that was sent is
/// errc::unknown_outcome then.
struct redis_source_options {
  /// "redis://user@host:6379" or, with TLS, "rediss://..."; `/2` at the end is the database.
  std::string url;

  std::string user = {};  ///< of an ACL; empty = that of the URL, or "default"
  std::string password = {};
  std::string ca = {};          ///< PEM file for rediss://; empty = the system's authorities
  bool insecure = false;        ///< accept plain text to other machines
  unsigned database = 0;        ///< 0..65535
  std::string prefix = {};      ///< of all keys in Redis, up to 512 bytes; weir's keys are without
  std::size_t connections = 2;  ///< at most, 1..64; each serves many calls at once

  /// What Redis is told to keep a written value for, up to 10 years; 0 = without end.
  std::chrono::milliseconds expire{0};

  std::size_t max_entry = 1u << 20;  ///< bytes of a value, up to 512 MiB; more is errc::too_large

  /// Hear of every change of a key with the prefix, by CLIENT TRACKING in broadcasting mode.
  bool tracking = false;
  feed_loss when_lost = feed_loss::pass;
};

/// A folder: the key is the path of a file below it, '/' between names.
///
/// Not found: a missing file, a folder, and any key that is not the one plain name of something
/// below the root: absolute, with an empty, "." or ".." part, with a NUL, too long, or over a
/// symbolic link that leaves the root. Links that stay inside are followed. A FIFO, socket or
/// device, a file without read permission and one that changes while it is read are
/// errc::source_failed. The content type follows from the name's extension. A file that changed
/// less than 2 s ago may be half written: its TTL ends when it is 2 s old.
struct file_source_options {
  /// An existing folder; looked up at every load, so it may be replaced.
  std::filesystem::path root;

  std::size_t max_entry = 1u << 20;  ///< bytes of a file; more is errc::too_large, unread

  /// A store: puts write a file aside, flush it, and let it take its place; the etag is the SHA-256
  /// of the content. Parts of keys that begin with ".weir-" are not found and not written.
  bool write = false;
};

/// Throw std::invalid_argument that says which option is wrong and what is allowed. They look at
/// the options alone, not at files or networks.
void check(const http_source_options& options);
void check(const sqlite_source_options& options);
void check(const postgres_source_options& options);
void check(const redis_source_options& options);
void check(const file_source_options& options);

/// The sources. All throw std::invalid_argument: as check() does, and bad_source when the file, the
/// folder or the statement cannot be used, with the reason. The client must not be null.
std::shared_ptr<data_source> make_http_source(
    std::shared_ptr<http_client> client, http_source_options options
);
std::shared_ptr<data_source> make_sqlite_source(sqlite_source_options options);
std::shared_ptr<data_source> make_postgres_source(const postgres_source_options& options);

/// SQL that makes the table of the options tell of its changes on their channel: a trigger for rows
/// and one for TRUNCATE, with the functions that they call. Changes nothing where it was run before.
/// Throws as make_postgres_source() does, and without a table or a channel.
std::string postgres_triggers(const postgres_source_options& options);

/// A weir::store.
std::shared_ptr<data_source> make_redis_source(const redis_source_options& options);

std::shared_ptr<data_source> make_file_source(file_source_options options);

/// Opens the database read-only, prepares all statements, runs none and closes it again. Throws as
/// make_sqlite_source(). False when another process holds its lock: nothing is known then.
bool try_sqlite_source(const sqlite_source_options& options);

}  // namespace weir
