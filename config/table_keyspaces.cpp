#include "table.hpp"

namespace weir::config {

namespace {

constexpr field loads_fields[] = {
    {.name = "concurrent",
     .type = kind::integer,
     .fallback = "64",
     .low = "1",
     .high = "10000",
     .text = "Loads from the source that may run at once, per node.",
     .when = reload::live,
     .member = scalar_member<&loads_settings::concurrent>()},
    {.name = "queue",
     .type = kind::integer,
     .fallback = "256",
     .low = "0",
     .high = "1000000",
     .text = "Loads that may wait for a place; callers who join a load do not count. More are "
             "refused as `overloaded`.",
     .when = reload::live,
     .member = scalar_member<&loads_settings::queue>()},
    {.name = "timeout",
     .type = kind::duration,
     .fallback = "2s",
     .low = "1ms",
     .high = "10m",
     .text = "Longest time of one load.",
     .when = reload::live,
     .member = scalar_member<&loads_settings::timeout>()},
};
constexpr later loads_later[] = {{"breaker", unavailable}};
constexpr shape loads_shape{"loads", loads_fields, loads_later};

constexpr field near_fields[] = {
    {.name = "max_memory",
     .type = kind::size,
     .low = "1MiB",
     .high = "64TiB",
     .text = "Memory of the copies on each node, beside `max_memory` and counted with it in "
             "`node.max_memory`.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&near_settings::max_memory>()},
};
constexpr shape near_shape{"near", near_fields};

constexpr field http_fields[] = {
    {.name = "url",
     .low = "1",
     .high = "8192",
     .text = "`http://host[:port]/path` or `https://...` with `{key}` in path or query, which "
             "becomes the "
             "percent-encoded key.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&http_source::url>(),
     .rule = check_url},
    {.name = "headers",
     .type = kind::headers,
     .high = "32",
     .text = "Headers of every request: text, or a secret `{env: NAME}` or `{file: path}`.",
     .when = reload::live,
     .member = object_member<&http_source::headers>()},
    {.name = "timeout",
     .type = kind::duration,
     .fallback = "2s",
     .low = "1ms",
     .high = "10m",
     .text = "Longest time of one request.",
     .when = reload::live,
     .member = scalar_member<&http_source::timeout>()},
    {.name = "ca",
     .low = "1",
     .high = "4096",
     .text = "PEM file of the authorities that may have signed the certificate of an https server. "
             "None = those of the system.",
     .when = reload::live,
     .member = scalar_member<&http_source::ca>(),
     .rule = check_path},
};
constexpr shape http_shape{"http", http_fields};

constexpr field sqlite_fields[] = {
    {.name = "path",
     .low = "1",
     .high = "4096",
     .text =
         "The database file, relative to the working directory. Opened read-only unless there is a "
         "`put` or `delete`.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&sqlite_source::path>(),
     .rule = check_path},
    {.name = "query",
     .low = "1",
     .high = "65536",
     .text = "A SELECT with `?1` for the key, which is bound as text. The first column of the "
             "first row is the value; no row or NULL is not found.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&sqlite_source::query>(),
     .rule = check_query},
    {.name = "put",
     .low = "1",
     .high = "65536",
     .text =
         "One statement that sets the value: `?1` is the key, `?2` the value, `?3` the revision "
         "that the row has, NULL without a row. No row changed is a conflict.",
     .when = reload::live,
     .member = scalar_member<&sqlite_source::put>()},
    {.name = "delete",
     .low = "1",
     .high = "65536",
     .text = "One statement that deletes the row: `?1` and `?3` as in `put`.",
     .when = reload::live,
     .member = scalar_member<&sqlite_source::erase>()},
    {.name = "revision",
     .type = kind::integer,
     .low = "2",
     .high = "2000",
     .text =
         "Number of the query's column that holds the revision of the row. Without it: the second "
         "one where there are two; else no conditional writes.",
     .when = reload::live,
     .member = scalar_member<&sqlite_source::revision>()},
};
constexpr shape sqlite_shape{"sqlite", sqlite_fields};

constexpr field file_fields[] = {
    {.name = "root",
     .low = "1",
     .high = "4096",
     .text = "The folder, relative to the working directory. The key is a path below it; no "
             "symbolic link leaves it; a missing file is not found.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&file_source::root>(),
     .rule = check_path},
};
constexpr shape file_shape{"file", file_fields};

constexpr field callback_fields[] = {
    {.name = "name",
     .low = "1",
     .high = "64",
     .charset = name_characters,
     .text = "The name under which the C++ program registers the source before start.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&callback_source::name>()},
};
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

constexpr alternative source_types[] = {
    source_type<http_source>("http", http_shape, "An HTTP origin: 404 and 410 are not found."),
    source_type<sqlite_source>(
        "sqlite",
        sqlite_shape,
        "A query on an SQLite database. With `put` or `delete`, and `writes: allow`, it is a "
        "store: "
        "PUT and DELETE change the row first, each in one transaction, and then the cache."
    ),
    source_type<file_source>("file", file_shape, "The files below a folder."),
    source_type<callback_source>(
        "callback",
        callback_shape,
        "A function of the C++ program that embeds weir; `weir serve` "
        "cannot run it."
    ),
};

constexpr auto shared = inheritance::from_defaults;

constexpr field keyspace_fields[] = {
    {.name = "name",
     .low = "1",
     .high = "64",
     .charset = "a-z0-9_-",
     .text = "Unique name, the first part of the path in HTTP.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&keyspace_settings::name>()},
    {.name = "ttl",
     .type = kind::duration,
     .fallback = "5m",
     .low = "0",
     .high = "30d",
     .text = "How long a value may be served; the source may shorten it. 0 = keep nothing.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::ttl>()},
    {.name = "jitter",
     .type = kind::ratio,
     .fallback = "10%",
     .low = "0%",
     .high = "90%",
     .text = "Part of the TTL by which each entry's is shortened at random, so that entries "
             "loaded together do not expire together. Never lengthens.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::jitter>()},
    {.name = "negative_ttl",
     .type = kind::duration,
     .fallback = "5s",
     .low = "0",
     .high = "30d",
     .text = "How long \"not found\" is remembered, at most `ttl`. 0 = not at all.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::negative_ttl>()},
    {.name = "eviction",
     .type = kind::choice,
     .fallback = "lru",
     .choices = "lru",
     .text = "Which entry leaves when the memory is full: the least recently used.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::eviction>()},
    {.name = "max_memory",
     .type = kind::size,
     .low = "1MiB",
     .high = "64TiB",
     .text = "Memory of this keyspace on each node, overhead included. Without it: an equal share "
             "of what the limits of the others leave of `node.max_memory`.",
     .when = reload::live,
     .member = scalar_member<&keyspace_settings::max_memory>()},
    {.name = "max_entry",
     .type = kind::size,
     .fallback = "1MiB",
     .low = "1B",
     .high = "64MiB",
     .text = "Largest value; a larger one is an error and is not kept.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::max_entry>()},
    {.name = "max_key",
     .type = kind::integer,
     .fallback = "512",
     .low = "1",
     .high = "4096",
     .text = "Longest key in bytes.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::max_key>()},
    {.name = "consistency",
     .type = kind::choice,
     .fallback = "strict",
     .choices = "strict|available",
     .text = "What a node does that lost touch with the majority: `strict` asks the source, "
             "`available` serves its copies, flagged. Must be the same on all nodes.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::consistency>()},
    {.name = "writes",
     .type = kind::choice,
     .fallback = "deny",
     .choices = "deny|allow",
     .text = "Whether clients may put and remove. Must be the same on all nodes.",
     .when = reload::live,
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::writes>()},
    {.name = "loads",
     .type = kind::group,
     .text = "Limits on the calls of the data source, per node.",
     .when = reload::live,
     .inherited = shared,
     .member = object_member<&keyspace_settings::loads>(),
     .rows = &loads_shape},
    {.name = "near",
     .type = kind::group,
     .text =
         "Copies of keys that other nodes own, so that they answer from here. Without it: none.",
     .when = reload::live,
     .member = object_member<&keyspace_settings::near>(),
     .rows = &near_shape},
    {.name = "source",
     .type = kind::source,
     .text = "Where the values come from.",
     .needed = presence::required,
     .when = reload::live,
     .member = object_member<&keyspace_settings::source>(),
     .alternatives = source_types},
};
constexpr later keyspace_later[] = {
    {"stale", unavailable},
    {"refresh_ahead", unavailable},
    {"tags", unavailable},
    {"replicas", unavailable}};
}  // namespace

constinit const shape keyspace_shape{"keyspace", keyspace_fields, keyspace_later};
constinit const shape defaults_shape{"defaults", keyspace_fields, keyspace_later, shared};

}  // namespace weir::config
