#include "table/table.hpp"

namespace weir::config {

namespace {

constexpr auto loads_fields = all_live({
    {.name = "concurrent",
     .type = kind::integer,
     .fallback = "64",
     .low = "1",
     .high = decimal<max_concurrent_loads>,
     .text = "Loads from the source that may run at once, per node.",
     .member = scalar_member<&loads_settings::concurrent>()},
    {.name = "queue",
     .type = kind::integer,
     .fallback = "256",
     .low = "0",
     .high = decimal<max_queued_loads>,
     .text = "Loads that may wait for a place; callers who join a load and keys of a batch do not "
             "count. More are refused as `overloaded`.",
     .member = scalar_member<&loads_settings::queue>()},
    {.name = "batch",
     .type = kind::integer,
     .fallback = "256",
     .low = "1",
     .high = "1000",
     .text =
         "Keys that miss at about the same time and go to the source as one call, where it takes "
         "several. 1 = each goes alone.",
     .member = scalar_member<&loads_settings::batch>()},
    {.name = "timeout",
     .type = kind::duration,
     .fallback = "2s",
     .low = "1ms",
     .high = "10m",
     .text = "Longest time of one load.",
     .member = scalar_member<&loads_settings::timeout>()},
});
constexpr later loads_later[] = {{"breaker", unavailable}};
constexpr shape loads_shape{"loads", loads_fields, loads_later};

constexpr auto near_fields = all_live({
    {.name = "max_memory",
     .type = kind::size,
     .low = "1MiB",
     .high = "64TiB",
     .text = "Memory of the copies on each node, beside `max_memory` and counted with it in "
             "`node.max_memory`.",
     .needed = presence::required,
     .member = scalar_member<&near_settings::max_memory>()},
});
constexpr shape near_shape{"near", near_fields};

constexpr auto shared = inheritance::from_defaults;

constexpr auto keyspace_fields = all_live({
    {.name = "name",
     .low = "1",
     .high = decimal<max_keyspace_name>,
     .charset = keyspace_name_characters,
     .text = "Unique name, the first part of the path in HTTP.",
     .needed = presence::required,
     .member = scalar_member<&keyspace_settings::name>()},
    {.name = "ttl",
     .type = kind::duration,
     .fallback = "5m",
     .low = "0",
     .high = "30d",
     .text = "How long a value may be served; the source may shorten it. 0 = keep nothing.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::ttl>()},
    {.name = "jitter",
     .type = kind::ratio,
     .fallback = "10%",
     .low = "0%",
     .high = "90%",
     .text = "Part of the TTL by which each entry's is shortened at random, so that entries "
             "loaded together do not expire together. Never lengthens.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::jitter>()},
    {.name = "negative_ttl",
     .type = kind::duration,
     .fallback = "5s",
     .low = "0",
     .high = "30d",
     .text = "How long \"not found\" is remembered, at most `ttl`. 0 = not at all.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::negative_ttl>()},
    {.name = "disabled",
     .type = kind::boolean,
     .fallback = "false",
     .text = "Switched off: every key is absent, changes do nothing, and the source is not asked.",
     .member = scalar_member<&keyspace_settings::disabled>()},
    {.name = "eviction",
     .type = kind::choice,
     .fallback = "lru",
     .choices = "lru",
     .text = "Which entry leaves when the memory is full: the least recently used.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::eviction>()},
    {.name = "max_memory",
     .type = kind::size,
     .low = "1MiB",
     .high = "64TiB",
     .text = "Memory of this keyspace on each node, overhead included. Without it: what "
             "`node.max_memory` leaves after all limits that are given, shared equally by the "
             "keyspaces "
             "without one.",
     .member = scalar_member<&keyspace_settings::max_memory>()},
    {.name = "max_entry",
     .type = kind::size,
     .fallback = "1MiB",
     .low = "1B",
     .high = "64MiB",
     .text = "Largest value; a larger one is an error and is not kept.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::max_entry>()},
    {.name = "max_key",
     .type = kind::integer,
     .fallback = "512",
     .low = "1",
     .high = decimal<max_key_bytes>,
     .text = "Longest key in bytes.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::max_key>()},
    {.name = "consistency",
     .type = kind::choice,
     .fallback = "strict",
     .choices = "strict|available",
     .text = "What a node does that lost touch with the majority: `strict` asks the source, "
             "`available` serves its copies, flagged. Must be the same on all nodes.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::consistency>()},
    {.name = "writes",
     .type = kind::choice,
     .fallback = "deny",
     .choices = "deny|allow",
     .text = "Whether clients may put and remove. Must be the same on all nodes.",
     .inherited = shared,
     .member = scalar_member<&keyspace_settings::writes>()},
    {.name = "loads",
     .type = kind::group,
     .text = "Limits on the calls of the data source, per node.",
     .inherited = shared,
     .member = object_member<&keyspace_settings::loads>(),
     .rows = &loads_shape},
    group_row<&keyspace_settings::near>(
        "near",
        near_shape,
        "Copies of keys that other nodes own, so that they answer from here. Without it: none."
    ),
    {.name = "source",
     .type = kind::source,
     .text = "Where the values come from.",
     .needed = presence::required,
     .member = object_member<&keyspace_settings::source>(),
     .alternatives = source_types},
});
constexpr later keyspace_later[] = {
    {"stale", unavailable},
    {"refresh_ahead", unavailable},
    {"tags", unavailable},
    {"replicas", unavailable}};

}  // namespace

constinit const shape keyspace_shape{"keyspace", keyspace_fields, keyspace_later};
constinit const shape defaults_shape{"defaults", keyspace_fields, keyspace_later, shared};

}  // namespace weir::config
