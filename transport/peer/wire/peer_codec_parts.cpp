#include "peer/wire/peer_codec_parts.hpp"

#include "peer/wire/peer_codec.hpp"
#include "peer/wire/peer_wire_fields.hpp"

#include <algorithm>

namespace weir {
namespace {

// The least that one of each takes on the wire.
constexpr std::size_t smallest_id = 1;
constexpr std::size_t smallest_life = smallest_id + 8;
constexpr std::size_t smallest_view = 2;
constexpr std::size_t settings_size = 2 + 1 + 4 + 4 + 1;
constexpr std::size_t record_size = 2 + 2 + 16 + 4 + 4 + 4;

std::string_view read_id(field_reader& in) {
  const auto id = in.text8();
  if (id.size() > max_name) in.fail(peer_fault::bad_value);
  return id;
}

bool ids_are_distinct(const std::vector<member>& view) {
  std::vector<std::string_view> ids(view.size());
  std::transform(view.begin(), view.end(), ids.begin(), [](const member& m) {
    return std::string_view(m.id);
  });
  std::sort(ids.begin(), ids.end());
  return std::adjacent_find(ids.begin(), ids.end()) == ids.end();
}

std::vector<member_life> read_lives(field_reader& in) {
  std::vector<member_life> lives;
  const auto count = in.count(max_listed_ids, smallest_life);
  lives.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) lives.push_back(read_life(in));
  return lives;
}

void write_lives(field_writer& out, const std::vector<member_life>& lives) {
  out.number(static_cast<std::uint16_t>(lives.size()));
  for (const auto& who : lives) write_life(out, who);
}

std::size_t bytes_of(const std::vector<std::string>& ids) {
  std::size_t sum = 0;
  for (const auto& id : ids) sum += id.size();
  return sum;
}

std::size_t bytes_of(const std::vector<member_life>& lives) {
  std::size_t sum = 0;
  for (const auto& who : lives) sum += who.id.size();
  return sum;
}

std::size_t bytes_of(const electorate_state& state) {
  std::size_t sum = bytes_of(state.members) + bytes_of(state.removed) + bytes_of(state.forgotten);
  for (const auto& ids : state.views) sum += bytes_of(ids);
  return sum;
}

bool all_fit(const std::vector<member_life>& lives) {
  const auto one_fits = [](const member_life& who) { return fits(who); };
  return lives.size() <= max_listed_ids && std::all_of(lives.begin(), lives.end(), one_fits);
}

bool all_fit(const std::vector<std::string>& ids) {
  const auto one_fits = [](const std::string& id) { return !id.empty() && id.size() <= max_name; };
  return ids.size() <= max_listed_ids && std::all_of(ids.begin(), ids.end(), one_fits);
}

bool all_fit(const electorate_state& state) {
  const auto view_fits = [](const std::vector<std::string>& ids) { return all_fit(ids); };
  return all_fit(state.members) && all_fit(state.removed) && all_fit(state.forgotten) &&
         state.views.size() <= max_counted_views &&
         std::all_of(state.views.begin(), state.views.end(), view_fits) &&
         bytes_of(state) <= max_state_bytes;
}

electorate_state read_state(field_reader& in) {
  electorate_state state;
  state.members = read_lives(in);
  state.removed = read_lives(in);
  state.forgotten = read_ids(in);
  const auto views = in.count(max_counted_views, smallest_view);
  state.views.reserve(views);
  for (std::size_t i = 0; i < views && in.ok(); ++i) state.views.push_back(read_ids(in));
  if (in.ok() && !all_fit(state)) in.fail(peer_fault::bad_value);
  return state;
}

void write_state(field_writer& out, const electorate_state& state) {
  write_lives(out, state.members);
  write_lives(out, state.removed);
  write_ids(out, state.forgotten);
  out.number(static_cast<std::uint16_t>(state.views.size()));
  for (const auto& ids : state.views) write_ids(out, ids);
}

bool is_pushed(const change_record& record) {
  return record.ttl.count() > 0;
}

// `budget` is what keys and values may still take together.
change_record read_record(field_reader& in, std::size_t& budget) {
  change_record record;
  const auto keyspace = in.text8();
  if (in.ok() && !is_keyspace_name(keyspace)) in.fail(peer_fault::bad_value);
  const auto key = in.text16(max_key_bytes);
  record.version.epoch = in.number<std::uint64_t>();
  record.version.seq = in.number<std::uint64_t>();
  record.ttl = read_ttl(in);
  record.age = milliseconds(in.number<std::uint32_t>());
  const std::size_t size = in.number<std::uint32_t>();
  if (!is_pushed(record) && (size > 0 || record.age.count() != 0)) in.fail(peer_fault::bad_value);
  if (key.size() + size > budget) in.fail(peer_fault::bad_value);
  const auto value = in.take(size);
  if (!in.ok()) return record;
  budget -= key.size() + size;
  record.keyspace = keyspace;
  record.key = key;
  if (size > 0) record.value = bytes(value);
  return record;
}

void write_record(field_writer& out, const change_record& record) {
  const bool pushed = is_pushed(record);
  out.text8(record.keyspace);
  out.text16(record.key, max_key_bytes);
  out.number(record.version.epoch);
  out.number(record.version.seq);
  out.number(wire_milliseconds(record.ttl, max_ttl));
  out.number(pushed ? wire_milliseconds(record.age, max_wire_age) : std::uint32_t{0});
  out.number(static_cast<std::uint32_t>(pushed ? record.value.size() : 0));
  if (pushed) out.value(record.value);
}

}  // namespace

milliseconds read_ttl(field_reader& in) {
  const milliseconds ttl{in.number<std::uint32_t>()};
  if (ttl > max_ttl) in.fail(peer_fault::bad_value);
  return ttl;
}

error_code read_error(field_reader& in) {
  const auto code = in.number<std::uint16_t>();
  if (code == 0) return {};
  if (code > static_cast<std::uint16_t>(errc::protocol)) {
    in.fail(peer_fault::bad_value);
    return {};
  }
  return static_cast<errc>(code);
}

std::vector<member> read_view(field_reader& in) {
  std::vector<member> view;
  const std::size_t count = in.number<std::uint16_t>();
  if (count > max_view_members) in.fail(peer_fault::bad_view);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    member one;
    one.id = in.text8();
    one.incarnation = in.number<std::uint64_t>();
    one.weight = in.number<std::uint32_t>();
    one.address = in.text16(max_address);
    if (!in.ok()) break;
    const bool has_id = !one.id.empty() && one.id.size() <= max_name;
    if (!has_id || one.weight > max_weight) in.fail(peer_fault::bad_view);
    view.push_back(std::move(one));
  }
  if (!ids_are_distinct(view)) in.fail(peer_fault::bad_view);
  return view;
}

std::uint32_t wire_milliseconds(milliseconds time, milliseconds limit) {
  return static_cast<std::uint32_t>(std::clamp(time, milliseconds(0), limit).count());
}

std::uint16_t wire_error(const error_code& error) {
  if (!error) return 0;
  const bool ours = error.category() == weir_category();
  return static_cast<std::uint16_t>(ours ? error.value() : static_cast<int>(errc::source_failed));
}

bool has_words(const error& of) {
  return of && !(of.detail().empty() && of.remark().empty());
}

error read_words(field_reader& in, const error& of) {
  error_context words;
  words.detail = in.text16(max_error_words);
  words.remark = in.text16(max_error_words);
  if (!of) in.fail(peer_fault::bad_value);
  return {of.code(), std::move(words)};
}

void write_words(field_writer& out, const error& of) {
  out.text16(of.detail(), max_error_words);
  out.text16(of.remark(), max_error_words);
}

void write_view(field_writer& out, const std::vector<member>& view) {
  const auto count = std::min(view.size(), max_view_members);
  out.number(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    out.text8(view[i].id);
    out.number(view[i].incarnation);
    out.number(view[i].weight);
    out.text16(view[i].address, max_address);
  }
}

std::vector<std::string> read_ids(field_reader& in) {
  std::vector<std::string> ids;
  const auto count = in.count(max_listed_ids, smallest_id);
  ids.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) ids.emplace_back(read_id(in));
  return ids;
}

void write_ids(field_writer& out, const std::vector<std::string>& ids) {
  const auto count = std::min(ids.size(), max_listed_ids);
  out.number(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) out.text8(std::string_view(ids[i]).substr(0, max_name));
}

member_life read_life(field_reader& in) {
  member_life who;
  who.id = read_id(in);
  who.incarnation = in.number<std::uint64_t>();
  if (who.id.empty()) in.fail(peer_fault::bad_value);
  return who;
}

void write_life(field_writer& out, const member_life& who) {
  out.text8(who.id);
  out.number(who.incarnation);
}

bool fits(const member_life& who) {
  return !who.id.empty() && who.id.size() <= max_name;
}

electorate_note read_note(field_reader& in) {
  electorate_note note;
  note.digest = in.number<std::uint64_t>();
  const auto has_state = in.number<std::uint8_t>();
  if (has_state > 1) in.fail(peer_fault::bad_value);
  if (has_state == 1) note.state = std::make_shared<const electorate_state>(read_state(in));
  return note;
}

void write_note(field_writer& out, const electorate_note& note) {
  const bool has_state = note.state != nullptr && all_fit(*note.state);
  out.number(note.digest);
  out.u8(has_state ? 1 : 0);
  if (has_state) write_state(out, *note.state);
}

std::vector<change_record> read_records(field_reader& in) {
  std::vector<change_record> records;
  const auto count = in.count(max_records, record_size);
  records.reserve(count);
  std::size_t budget = max_records_bytes;
  for (std::size_t i = 0; i < count && in.ok(); ++i) records.push_back(read_record(in, budget));
  return records;
}

void write_records(field_writer& out, const std::vector<change_record>& records) {
  out.number(static_cast<std::uint16_t>(records.size()));
  for (const auto& record : records) write_record(out, record);
}

error_code check_records(const std::vector<change_record>& records) {
  if (records.size() > max_records) return errc::too_large;
  std::size_t sum = 0;
  for (const auto& record : records) {
    if (!is_keyspace_name(record.keyspace)) return errc::no_keyspace;
    if (record.key.size() > max_key_bytes) return errc::too_large;
    sum += record.key.size() + (is_pushed(record) ? record.value.size() : 0);
    if (sum > max_records_bytes) return errc::too_large;
  }
  return {};
}

keyspace_settings_list read_settings(field_reader& in) {
  keyspace_settings_list all;
  const auto count = in.count(max_compared_keyspaces, settings_size);
  all.reserve(count);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    keyspace_settings one;
    one.name = in.text8();
    const auto flags = in.number<std::uint8_t>();
    const bool is_available = (flags & settings_flags::available) != 0;
    const bool is_writable = (flags & settings_flags::writable) != 0;
    one.consistency = is_available ? consistency::available : consistency::strict;
    one.writes = is_writable ? writes::allow : writes::deny;
    one.has_near = (flags & settings_flags::near) != 0;
    one.ttl = read_ttl(in);
    one.negative_ttl = read_ttl(in);
    one.source = in.text8();
    const bool is_in_order = all.empty() || all.back().name < one.name;
    if (!is_keyspace_name(one.name) || !is_in_order || one.source.size() > max_source_kind)
      in.fail(peer_fault::bad_value);
    all.push_back(std::move(one));
  }
  return all;
}

void write_settings(field_writer& out, const keyspace_settings_list& all) {
  out.number(static_cast<std::uint16_t>(std::min(all.size(), max_compared_keyspaces)));
  std::size_t left = max_compared_keyspaces;
  for (const auto& each : all) {
    if (left-- == 0) break;
    std::uint8_t flags = 0;
    if (each.consistency == consistency::available) flags |= settings_flags::available;
    if (each.writes == writes::allow) flags |= settings_flags::writable;
    if (each.has_near) flags |= settings_flags::near;
    out.text8(each.name);
    out.u8(flags);
    out.number(wire_milliseconds(each.ttl, max_ttl));
    out.number(wire_milliseconds(each.negative_ttl, max_ttl));
    out.text8(each.source);
  }
}

std::uint64_t largest_size(const std::vector<change_record>& records) {
  std::uint64_t sum = 0;
  for (const auto& record : records)
    sum += record_size + max_keyspace_name + record.key.size() + record.value.size();
  return sum;
}

}  // namespace weir
