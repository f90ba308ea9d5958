#pragma once

#include "table/table.hpp"
#include "yaml/document.hpp"
#include "yaml/reporter.hpp"
#include "yaml/scalars.hpp"

#include <weir/config/load.hpp>

namespace weir::config {

/// Fills settings from the merged tree by the rows of the table; reports unknown keys, wrong types
/// and values out of range, and goes on after each. What failed keeps its default.
settings decode(const node& root, const outside& world, reporter& problems);

/// The value of one scalar row from its text in YAML: type, range and the row's own rule.
/// `text` is the scalar of `given`; without a node (for fallbacks and ranges) quoting is free.
parsed<value> decode_text(const field& row, std::string_view text);

/// The value of `text` as the type of `row`, before range and rules.
parsed<value> parse_value(const field& row, std::string_view text);

/// Reports that `given` is not what `expected` names.
void report_type(
    const node& given, const place& where, std::string_view expected, reporter& problems
);

/// Reads `discovery.static.peers`, `discovery.dns.servers`, `headers`, secrets and lists of texts;
/// these have types of their own.
void decode_peers(
    const field& row,
    const node& given,
    const place& where,
    std::vector<static_peer>& into,
    reporter& problems
);
void decode_servers(
    const field& row,
    const node& given,
    const place& where,
    std::vector<address>& into,
    reporter& problems
);
void decode_texts(
    const field& row,
    const node& given,
    const place& where,
    std::vector<std::string>& into,
    reporter& problems
);
void decode_secret(
    const field& row,
    const node& given,
    const place& where,
    secret_text& into,
    const outside& world,
    reporter& problems
);
void decode_headers(
    const field& row,
    const node& given,
    const place& where,
    std::vector<http_header>& into,
    const outside& world,
    reporter& problems
);

}  // namespace weir::config
