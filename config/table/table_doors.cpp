#include "table/table.hpp"

#include <array>

namespace weir::config {

namespace {

constexpr std::array<field, 2> door_fields(std::string_view address, std::string_view who) {
  return {{
      {.name = "address",
       .type = kind::address,
       .fallback = address,
       .text = who,
       .member = scalar_member<&door_settings::address>()},
      {.name = "insecure",
       .type = kind::boolean,
       .fallback = "false",
       .text = "Accepts plain text and no authentication on an address that other machines reach. "
               "Without it such an address is an error.",
       .member = scalar_member<&door_settings::insecure>()},
  }};
}

constexpr auto peer_fields = door_fields(
    ":7420", "Where other nodes are awaited; port 0 = any free port. The default is all interfaces."
);
constexpr later peer_later[] = {{"tls", "is a block of its own: tls: {cert, key, ca} at the top"}};
constexpr shape peer_shape{"peer", peer_fields, peer_later};
constexpr auto http_door_basics =
    door_fields("127.0.0.1:7421", "Where clients are awaited; port 0 = any free port.");
constexpr field http_door_fields[] = {
    http_door_basics[0],
    http_door_basics[1],
    path_row<&door_settings::cert>(
        "cert",
        "PEM file with the certificate of this door, then those between it and its authority. "
        "With it the door speaks https only. Replaced files are taken up while the node runs."
    ),
    path_row<&door_settings::key>(
        "key", "PEM file with its private key, readable by owner and group at most."
    ),
};
constexpr later http_door_later[] = {{"tls", "is written as cert and key"}};
constexpr shape http_door_shape{"http", http_door_fields, http_door_later};

constexpr field listen_fields[] = {
    group_row<&listen_settings::peer>(
        "peer",
        peer_shape,
        "The door for other nodes. Opened only when there is a `discovery` block."
    ),
    group_row<&listen_settings::http>(
        "http", http_door_shape, "The door for clients, metrics and the command line."
    ),
};
constexpr later listen_later[] = {{"resp", unavailable}};

constexpr field tls_fields[] = {
    path_row<&tls_settings::cert>(
        "cert",
        "PEM file with the certificate of this node, which has `node.id` as a DNS name, then "
        "those between it and the authority.",
        presence::required
    ),
    path_row<&tls_settings::key>(
        "key",
        "PEM file with its private key, readable by owner and group at most.",
        presence::required
    ),
    path_row<&tls_settings::ca>(
        "ca", "PEM file with the authorities of the cluster, one or more.", presence::required
    ),
};

constexpr auto token_fields = all_live({
    {.name = "name",
     .low = "1",
     .high = decimal<max_name>,
     .charset = name_characters,
     .text = "What the token is called in the log; not secret.",
     .needed = presence::required,
     .member = scalar_member<&token_settings::name>()},
    {.name = "secret",
     .type = kind::secret,
     .low = "16",
     .text = "The token itself, 16 bytes or more: `{env: NAME}`, `{file: path}` or text.",
     .needed = presence::required,
     .member = object_member<&token_settings::secret>()},
    {.name = "allow",
     .type = kind::texts,
     .low = "1",
     .high = "3",
     .text = "What it may do: `read`, `write`, `admin`; none includes another.",
     .needed = presence::required,
     .member = object_member<&token_settings::allow>(),
     .rule = check_right},
    {.name = "keyspaces",
     .type = kind::texts,
     .low = "0",
     .high = decimal<max_keyspaces>,
     .text = "The keyspaces it may read and write. None = all.",
     .member = object_member<&token_settings::keyspaces>()},
});
constexpr shape token_shape{"tokens", token_fields};

constexpr auto auth_fields = all_live({
    {.name = "tokens",
     .type = kind::tokens,
     .low = "0",
     .high = "100",
     .text = "Bearer tokens. With any, the HTTP door answers nobody without one, but for "
             "`/livez` and `/readyz`.",
     .member = object_member<&auth_settings::tokens>(),
     .rows = &token_shape},
});

}  // namespace

constinit const shape listen_shape{"listen", listen_fields, listen_later};
constinit const shape tls_shape{"tls", tls_fields};
constinit const shape auth_shape{"auth", auth_fields};

}  // namespace weir::config
