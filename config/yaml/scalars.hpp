#pragma once

#include "yaml/reporter.hpp"

#include <weir/config/settings.hpp>

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::config {

/// A value, or what is wrong with the text.
template <class T>
using parsed = boost::system::result<T, complaint>;

/// `250ms`, `30s`, `1h30m`, `7d`, `0`; units d, h, m, s, ms from large to small. Not negative.
parsed<milliseconds> parse_duration(std::string_view text);

/// `64MiB` (binary), `64MB` (decimal), `512B`, `0`; up to TiB.
parsed<std::uint64_t> parse_size(std::string_view text);

/// `10%`, `12.5%` or `0.1`.
parsed<double> parse_ratio(std::string_view text);

/// A decimal number without exponent.
parsed<double> parse_number(std::string_view text);

/// Decimal digits, without sign, separators or leading zeros.
parsed<std::uint64_t> parse_integer(std::string_view text);

/// `true` or `false`.
parsed<bool> parse_boolean(std::string_view text);

/// `host:port`, `127.0.0.1:7420`, `[::1]:7420`, `:7420`; port 0 to 65535. Zones are refused.
parsed<address> parse_address(std::string_view text);

/// The shortest text that parses back to the same value.
std::string print_duration(milliseconds value);
std::string print_size(std::uint64_t value);
std::string print_ratio(double value);
std::string print_number(double value);

/// Whether unquoted `text` is a number or boolean to YAML.
bool looks_typed(std::string_view text);

}  // namespace weir::config
