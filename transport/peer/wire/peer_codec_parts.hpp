#pragma once

#include "peer/wire/field_reader.hpp"
#include "peer/wire/field_writer.hpp"

#include <weir/engine/peer.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

// What several messages are made of. Readers fail in `in` and then return anything. Writers cut
// what does not fit its limit; where that would change the meaning, the caller asks fits() first.

milliseconds read_ttl(field_reader& in);
error_code read_error(field_reader& in);
std::vector<member> read_view(field_reader& in);

std::uint32_t wire_milliseconds(milliseconds time, milliseconds limit);
std::uint16_t wire_error(const error_code& error);

/// The words of an error, ours and the source's. The asker knows the key.
bool has_words(const error& of);
error read_words(field_reader& in, const error& of);
void write_words(field_writer& out, const error& of);

void write_view(field_writer& out, const std::vector<member>& view);

/// At most `max_listed_ids` names of at most `max_name` bytes.
std::vector<std::string> read_ids(field_reader& in);
void write_ids(field_writer& out, const std::vector<std::string>& ids);

member_life read_life(field_reader& in);
void write_life(field_writer& out, const member_life& who);
bool fits(const member_life& who);

/// A state over its limits is left out: part of an electorate would be a wrong one.
electorate_note read_note(field_reader& in);
void write_note(field_writer& out, const electorate_note& note);

/// Records with a valid keyspace name and a key within its limit. A value without TTL was not
/// pushed and does not travel.
std::vector<change_record> read_records(field_reader& in);
void write_records(field_writer& out, const std::vector<change_record>& records);
error_code check_records(const std::vector<change_record>& records);

/// At most `max_compared_keyspaces`, sorted by name, none twice.
keyspace_settings_list read_settings(field_reader& in);
void write_settings(field_writer& out, const keyspace_settings_list& all);

/// Bytes on the wire at most, for the choice between short and long messages.
std::uint64_t largest_size(const std::vector<change_record>& records);

}  // namespace weir
