#include "table/table.hpp"

namespace weir::config {

namespace {

constexpr auto http_fields = all_live({
    {.name = "url",
     .low = "1",
     .high = "8192",
     .text = "`http://host[:port]/path` or `https://...` with `{key}` in path or query, which "
             "becomes the percent-encoded key.",
     .needed = presence::required,
     .member = scalar_member<&http_source::url>(),
     .rule = check_url},
    {.name = "headers",
     .type = kind::headers,
     .high = "32",
     .text = "Headers of every request: text, or a secret `{env: NAME}` or `{file: path}`.",
     .member = object_member<&http_source::headers>()},
    {.name = "timeout",
     .type = kind::duration,
     .fallback = "2s",
     .low = "1ms",
     .high = "10m",
     .text = "Longest time of one request.",
     .member = scalar_member<&http_source::timeout>()},
    path_row<&http_source::ca>(
        "ca",
        "PEM file of the authorities that may have signed the certificate of an https server. "
        "None = those of the system."
    ),
});
constexpr shape http_shape{"http", http_fields};

constexpr auto sqlite_fields = all_live({
    path_row<&sqlite_source::path>(
        "path",
        "The database file, relative to the working directory. Opened read-only unless there is a "
        "`put` or `delete`.",
        presence::required
    ),
    {.name = "query",
     .low = "1",
     .high = "65536",
     .text = "A SELECT with `?1` for the key, which is bound as text. The first column of the "
             "first row is the value; no row or NULL is not found.",
     .needed = presence::required,
     .member = scalar_member<&sqlite_source::query>(),
     .rule = check_query},
    {.name = "put",
     .low = "1",
     .high = "65536",
     .text =
         "One statement that sets the value: `?1` is the key, `?2` the value, `?3` the revision "
         "that the row has, NULL without a row. No row changed is a conflict.",
     .member = scalar_member<&sqlite_source::put>()},
    {.name = "delete",
     .low = "1",
     .high = "65536",
     .text = "One statement that deletes the row: `?1` and `?3` as in `put`.",
     .member = scalar_member<&sqlite_source::erase>()},
    {.name = "revision",
     .type = kind::integer,
     .low = "2",
     .high = "2000",
     .text =
         "Number of the query's column that holds the revision of the row. Without it: the second "
         "one where there are two; else no conditional writes.",
     .member = scalar_member<&sqlite_source::revision>()},
});
constexpr shape sqlite_shape{"sqlite", sqlite_fields};

constexpr field name_row(std::string_view name, std::string_view text, accessor member) {
  return {
      .name = name,
      .low = "1",
      .high = "200",
      .text = text,
      .needed = presence::required,
      .member = member};
}

constexpr auto table_fields = all_live({
    name_row(
        "name",
        "The table, if need be with its schema: `app.users`.",
        scalar_member<&postgres_table::name>()
    ),
    name_row(
        "key",
        "Column of the key, with a primary key or a unique index of its own.",
        scalar_member<&postgres_table::key>()
    ),
    name_row(
        "value",
        "Column of the value: a bytea as it is, other types as their text. NULL counts as absent.",
        scalar_member<&postgres_table::value>()
    ),
    {.name = "revision",
     .low = "1",
     .high = "200",
     .text = "What changes with every write of the row: `xmin`, which each table has, or a column "
             "(bigint, text) into which weir writes 62 random bits. None = no conditional writes.",
     .member = scalar_member<&postgres_table::revision>()},
});
constexpr shape table_shape{"table", table_fields};

constexpr field statement_row(std::string_view name, std::string_view text, accessor member) {
  return {.name = name, .low = "1", .high = "65536", .text = text, .member = member};
}

constexpr auto postgres_changes_fields = all_live({
    {.name = "listen",
     .low = "1",
     .high = "63",
     .text =
         "The channel on which triggers `NOTIFY` the key of each row that changed; `weir config "
         "sql KEYSPACE` prints them.",
     .needed = presence::required,
     .member = scalar_member<&postgres_changes::listen>()},
    {.name = "when_lost",
     .type = kind::choice,
     .fallback = "pass",
     .choices = "pass|serve",
     .text = "What reads do while the database cannot tell: go to it and keep nothing, or take "
             "what is kept, marked as stale.",
     .member = scalar_member<&postgres_changes::when_lost>()},
});
constexpr shape postgres_changes_shape{"changes", postgres_changes_fields};

constexpr auto postgres_fields = all_live({
    {.name = "url",
     .low = "1",
     .high = "8192",
     .text = "`postgresql://user@host:port/database`, without the password. Several hosts stand "
             "with commas and are tried in turn; `target_session_attrs=read-write` asks for the "
             "primary.",
     .needed = presence::required,
     .member = scalar_member<&postgres_source::url>(),
     .rule = check_postgres_url},
    {.name = "password",
     .type = kind::secret,
     .low = "1",
     .high = "4096",
     .text = "`{env: NAME}`, `{file: path}`, or the text itself.",
     .member = object_member<&postgres_source::password>()},
    path_row<&postgres_source::ca>(
        "ca",
        "PEM file of the authorities that may have signed the server's certificate, which must "
        "name the host of the URL. None = plain text."
    ),
    {.name = "insecure",
     .type = kind::boolean,
     .fallback = "false",
     .text = "Accept plain text to another machine.",
     .member = scalar_member<&postgres_source::insecure>()},
    {.name = "connections",
     .type = kind::integer,
     .fallback = "8",
     .low = "1",
     .high = "256",
     .text = "Connections of this node at most; made on demand, then kept.",
     .member = scalar_member<&postgres_source::connections>()},
    group_row<&postgres_source::table>(
        "table", table_shape, "A table of which weir writes all statements. Instead of `query`."
    ),
    statement_row(
        "query",
        "A SELECT of key, value and where there is one revision, of the rows whose key `= "
        "ANY($1)`.",
        scalar_member<&postgres_source::query>()
    ),
    statement_row(
        "create",
        "One statement that inserts the row `$1` with the value `$2` unless it is there, and "
        "returns its revision. No row changed is a conflict.",
        scalar_member<&postgres_source::create>()
    ),
    statement_row(
        "update",
        "One statement that sets the value of a row whose revision is `$3`, and returns the new "
        "one. With `create`; without both no conditional writes.",
        scalar_member<&postgres_source::update>()
    ),
    statement_row(
        "put",
        "One statement that sets the value whatever there is, and returns the revision.",
        scalar_member<&postgres_source::put>()
    ),
    statement_row(
        "delete",
        "One statement that deletes the row `$1` if `$3` is NULL or its revision.",
        scalar_member<&postgres_source::erase>()
    ),
    {.name = "key",
     .type = kind::choice,
     .fallback = "stated",
     .choices = "stated|text|bytea",
     .text = "What `$1` of the query is an array of, where the query does not tell by itself.",
     .member = scalar_member<&postgres_source::key>()},
    group_row<&postgres_source::changes>(
        "changes",
        postgres_changes_shape,
        "Changes that others make to the rows drop them from the cache at once, on every node."
    ),
});
constexpr shape postgres_shape{"postgres", postgres_fields};

constexpr auto redis_changes_fields = all_live({
    {.name = "tracking",
     .type = kind::boolean,
     .text =
         "Hear of every write, expiry and flush of keys with the prefix, by `CLIENT TRACKING` in "
         "broadcasting mode.",
     .needed = presence::required,
     .member = scalar_member<&redis_changes::tracking>()},
    {.name = "when_lost",
     .type = kind::choice,
     .fallback = "pass",
     .choices = "pass|serve",
     .text = "What reads do while Redis cannot tell: go to it and keep nothing, or take what is "
             "kept, marked as stale.",
     .member = scalar_member<&redis_changes::when_lost>()},
});
constexpr shape redis_changes_shape{"changes", redis_changes_fields};

constexpr auto redis_fields = all_live({
    {.name = "url",
     .low = "1",
     .high = "8192",
     .text = "`redis://user@host:6379`, with TLS `rediss://...`, without the password; `/2` at the "
             "end is the database.",
     .needed = presence::required,
     .member = scalar_member<&redis_source::url>(),
     .rule = check_redis_url},
    {.name = "user",
     .low = "1",
     .high = "200",
     .text = "User of an ACL. None = that of the URL, or `default`.",
     .member = scalar_member<&redis_source::user>()},
    {.name = "password",
     .type = kind::secret,
     .low = "1",
     .high = "4096",
     .text = "`{env: NAME}`, `{file: path}`, or the text itself.",
     .member = object_member<&redis_source::password>()},
    path_row<&redis_source::ca>(
        "ca",
        "PEM file of the authorities that may have signed the certificate of a `rediss://` server, "
        "which must name the host of the URL. None = those of the system."
    ),
    {.name = "insecure",
     .type = kind::boolean,
     .fallback = "false",
     .text = "Accept plain text to another machine.",
     .member = scalar_member<&redis_source::insecure>()},
    {.name = "database",
     .type = kind::integer,
     .fallback = "0",
     .low = "0",
     .high = "65535",
     .text = "Number of the database.",
     .member = scalar_member<&redis_source::database>()},
    {.name = "prefix",
     .low = "0",
     .high = "512",
     .text = "Stands before every key in Redis; keys of weir are without it.",
     .member = scalar_member<&redis_source::prefix>()},
    {.name = "expire",
     .type = kind::duration,
     .fallback = "0s",
     .low = "0s",
     .high = "3650d",
     .text = "How long Redis is to keep what is written. 0 = without end.",
     .member = scalar_member<&redis_source::expire>()},
    {.name = "connections",
     .type = kind::integer,
     .fallback = "2",
     .low = "1",
     .high = "64",
     .text = "Connections of this node at most, besides one for `changes`; each serves many calls "
             "at once.",
     .member = scalar_member<&redis_source::connections>()},
    group_row<&redis_source::changes>(
        "changes",
        redis_changes_shape,
        "Changes that others make to the keys drop them from the cache at once, on every node."
    ),
});
constexpr shape redis_shape{"redis", redis_fields};

constexpr auto file_fields = all_live({
    path_row<&file_source::root>(
        "root",
        "The folder, relative to the working directory. The key is a path below it; no "
        "symbolic link leaves it; a missing file is not found.",
        presence::required
    ),
    {.name = "write",
     .type = kind::boolean,
     .fallback = "false",
     .text =
         "With `writes: allow`, PUT and DELETE change the files: written aside, flushed, put in "
         "place in one step.",
     .member = scalar_member<&file_source::write>()},
});
constexpr shape file_shape{"file", file_fields};

constexpr auto callback_fields = all_live({
    {.name = "name",
     .low = "1",
     .high = "64",
     .charset = name_characters,
     .text = "The name under which the C++ program registers the source before start.",
     .needed = presence::required,
     .member = scalar_member<&callback_source::name>()},
});
constexpr shape callback_shape{"callback", callback_fields};

template <class Source>
constexpr alternative source_type(std::string_view type, const shape& rows, std::string_view text) {
  return {
      type,
      text,
      &rows,
      [](void* member) -> void* {
        auto& held = *static_cast<source_settings*>(member);
        if (!std::holds_alternative<Source>(held)) held.emplace<Source>();
        return &std::get<Source>(held);
      },
      [](const void* member) -> const void* {
        return std::get_if<Source>(static_cast<const source_settings*>(member));
      }};
}

}  // namespace

constinit const alternative source_types[] = {
    source_type<http_source>("http", http_shape, "An HTTP origin: 404 and 410 are not found."),
    source_type<sqlite_source>(
        "sqlite",
        sqlite_shape,
        "A query on an SQLite database. With `put` or `delete`, and `writes: allow`, it is a "
        "store: PUT and DELETE change the row first, each in one transaction, and then the cache."
    ),
    source_type<postgres_source>(
        "postgres",
        postgres_shape,
        "A table or a query of a PostgreSQL database. With `writes: allow` it is a store: PUT and "
        "DELETE change the row first, each by one statement, and then the cache."
    ),
    source_type<redis_source>(
        "redis",
        redis_shape,
        "The strings of a Redis (6 or newer) or Valkey, not of a Redis Cluster. With `writes: "
        "allow` it is a store: PUT and DELETE change the key there first, and then the cache."
    ),
    source_type<file_source>("file", file_shape, "The files below a folder."),
    source_type<callback_source>(
        "callback",
        callback_shape,
        "A function of the C++ program that embeds weir; `weir serve` cannot run it."
    ),
};

}  // namespace weir::config
