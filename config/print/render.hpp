#pragma once

#include "table/table.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::config {

/// `given`, a value of `row`, as it would be written in YAML: `30s`, `"[::]:7420"`, `auto`. Empty
/// for an absent value without such a word.
std::string render(const field& row, const value& given);

/// `text` as a YAML scalar that loads back as the same text: in quotes where it needs them, with
/// `${` escaped.
std::string render_text(std::string_view text);

/// `n1=10.0.0.1:7420`
std::string render_peer(const static_peer& peer);

/// `["10.0.0.2:53", "[fd00::2]:5353"]`
std::string render_servers(const std::vector<address>& servers);

/// `["nats://10.0.0.2:4222"]`
std::string render_texts(const std::vector<std::string>& texts);

/// A secret as YAML, never the text itself: `{env: NAME}`, `{file: path}` or `"********"`.
std::string render_secret(const secret_text& secret);

/// A header's value as YAML, never the secret itself: `{env: NAME}`, `{file: path}`, the text, or
/// `"********"` where a plain text is likely a credential.
std::string render_header(const http_header& header);

}  // namespace weir::config
