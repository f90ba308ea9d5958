#include "table/table.hpp"

#include <algorithm>

namespace weir::config {

namespace {

constexpr field node_fields[] = {
    {.name = "id",
     .fallback = "auto",
     .low = "1",
     .high = decimal<max_name>,
     .charset = name_characters,
     .text =
         "Stable name of this node; the ring hashes it, not the address, so a restart under the "
         "same id moves no keys. `auto` = the host name.",
     .word = special::automatic,
     .member = scalar_member<&node_settings::id>()},
    {.name = "weight",
     .type = kind::integer,
     .fallback = "1",
     .low = "1",
     .high = decimal<max_weight>,
     .text = "Share of the key space relative to other nodes.",
     .member = scalar_member<&node_settings::weight>()},
    {.name = "advertise",
     .type = kind::address,
     .fallback = "auto",
     .text = "Address that other nodes dial. `auto` = the interface that reaches them, with the "
             "port of `listen.peer`.",
     .word = special::automatic,
     .member = scalar_member<&node_settings::advertise>()},
    {.name = "threads",
     .type = kind::integer,
     .fallback = "auto",
     .low = "1",
     .high = "256",
     .text = "Event loops, one thread each. `auto` = one per core.",
     .word = special::automatic,
     .member = scalar_member<&node_settings::threads>()},
    {.name = "max_memory",
     .type = kind::size,
     .fallback = "1GiB",
     .low = "1MiB",
     .high = "64TiB",
     .text = "Memory of all keyspaces of this node. Keyspaces without a limit of their own share "
             "what the others leave equally; limits that add up to more are an error.",
     .member = scalar_member<&node_settings::max_memory>()},
    {.name = "max_reply_memory",
     .type = kind::size,
     .fallback = "64MiB",
     .low = "1MiB",
     .high = "64GiB",
     .text = "Memory of answers that wait for slow readers, over all connections and doors. Beyond "
             "it large answers wait and then fail with `overloaded`, and the slowest readers are "
             "cut off. Should be well above `max_entry`.",
     .member = scalar_member<&node_settings::max_reply_memory>()},
    {.name = "drain_timeout",
     .type = kind::duration,
     .fallback = "25s",
     .low = "0",
     .high = "1h",
     .text = "Longest time from SIGTERM to exit, all phases of draining together.",
     .member = scalar_member<&node_settings::drain_timeout>()},
};
constexpr shape node_shape{"node", node_fields};

constexpr field log_fields[] = {
    {.name = "level",
     .type = kind::choice,
     .fallback = "info",
     .choices = "debug|info|warn|error",
     .text = "Least important events that are logged.",
     .when = reload::live,
     .member = scalar_member<&log_settings::level>()},
    {.name = "format",
     .type = kind::choice,
     .fallback = "auto",
     .choices = "auto|text|json",
     .text = "`auto` = text on a terminal, JSON otherwise.",
     .member = scalar_member<&log_settings::format>()},
};
constexpr shape log_shape{"log", log_fields};

constexpr field ring_fields[] = {
    {.name = "vnodes",
     .type = kind::integer,
     .fallback = "512",
     .low = "1",
     .high = decimal<max_vnodes>,
     .text = "Points of a node of weight 1 on the ring. Must be the same on all nodes.",
     .member = scalar_member<&ring_settings::vnodes>()},
    {.name = "bounded_load",
     .type = kind::number,
     .fallback = "1.25",
     .low = "1.01",
     .high = decimal<static_cast<std::uint64_t>(max_bounded_load)>,
     .text = "No node gets more than this multiple of its fair share of the slots. Must be the "
             "same on all nodes.",
     .member = scalar_member<&ring_settings::bounded_load>()},
};
constexpr shape ring_shape{"ring", ring_fields};

constexpr field hedge_fields[] = {
    {.name = "after",
     .type = kind::duration,
     .fallback = "auto",
     .low = "0",
     .high = "1m",
     .text = "How long a read waits for an owner of which nothing at all is heard, before it asks "
             "the gutter node too. `auto` = twice the p99 of that owner's recent answers, 20ms to "
             "250ms; 0 = never.",
     .word = special::automatic,
     .member = scalar_member<&hedge_settings::after>()},
    {.name = "budget",
     .type = kind::ratio,
     .fallback = "5%",
     .low = "0",
     .high = "100%",
     .text = "Such reads per request that the peer answers, and 100 at a stretch. Reads of a peer "
             "that was silent for 250 ms with 8 or more waiting do not count.",
     .member = scalar_member<&hedge_settings::budget>()},
};
constexpr shape hedge_shape{"hedge", hedge_fields};

constexpr field root_fields[] = {
    {.name = "cluster",
     .fallback = "weir",
     .low = "1",
     .high = decimal<max_name>,
     .charset = name_characters,
     .text = "Name of the cluster. Nodes of another name are refused.",
     .member = scalar_member<&settings::cluster>()},
    group_row<&settings::node>("node", node_shape, "This node."),
    group_row<&settings::listen>("listen", listen_shape, "The doors."),
    group_row<&settings::tls>(
        "tls", tls_shape, "Mutual TLS 1.3 between nodes. Without it the peer link is plain text."
    ),
    group_row<&settings::auth>("auth", auth_shape, "Who may use the HTTP door."),
    group_row<&settings::log>("log", log_shape, "What is logged, and how."),
    group_row<&settings::discovery>(
        "discovery",
        discovery_shape,
        "How nodes find each other: at most one provider. Without it the node is alone."
    ),
    group_row<&settings::ring>("ring", ring_shape, "How keys are spread over the nodes."),
    group_row<&settings::hedge>(
        "hedge",
        hedge_shape,
        "Reads whose owner is silent. Not in keyspaces with `writes: allow` whose source cannot "
        "write: what was put there lies at the owner alone."
    ),
    {.name = "defaults",
     .type = kind::group,
     .text = "Merged into every keyspace; what a keyspace says itself wins.",
     .when = reload::live,
     .member = object_member<&settings::defaults>(),
     .rows = &defaults_shape},
    {.name = "keyspaces",
     .type = kind::list,
     .low = "1",
     .high = decimal<max_keyspaces>,
     .text = "The caches this node serves.",
     .needed = presence::required,
     .when = reload::live,
     .member = object_member<&settings::keyspaces>(),
     .rows = &keyspace_shape},
};
constexpr later root_later[] = {{"tracing", unavailable}, {"admin", unavailable}};
constexpr shape root_shape{"settings", root_fields, root_later};

}  // namespace

const field* shape::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const field& each) {
    return each.name == name && has(each);
  });
  return found == fields.end() ? nullptr : &*found;
}

const shape& settings_shape() {
  return root_shape;
}

}  // namespace weir::config
