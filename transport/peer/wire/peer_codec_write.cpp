#include "peer/wire/field_writer.hpp"
#include "peer/wire/peer_codec.hpp"
#include "peer/wire/peer_codec_parts.hpp"
#include "peer/wire/peer_wire_fields.hpp"

#include <algorithm>
#include <bit>

namespace weir {
namespace {

void write_steps(field_writer& out, const std::vector<explain_step>& steps) {
  const auto count = std::min(steps.size(), max_explain_steps);
  out.u8(static_cast<std::uint8_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    out.text8(steps[i].node);
    out.text8(steps[i].step);
    out.text16(steps[i].detail, max_explain_text);
    out.number(static_cast<std::uint64_t>(std::max<std::int64_t>(steps[i].took.count(), 0)));
  }
}

std::uint8_t flag_if(bool set, std::uint8_t flag) {
  return set ? flag : std::uint8_t{0};
}

void write_version(field_writer& out, version which) {
  out.number(which.epoch);
  out.number(which.seq);
}

// Text over the limit is left out: half a content type or entity tag would be a wrong one.
std::string_view metadata_text(const std::string& text) {
  return text.size() <= max_metadata ? std::string_view(text) : std::string_view();
}

// `earlier`, when set, is a view that the same message already carries.
void write_answer(field_writer& out, const get_reply& reply, const std::vector<member>* earlier) {
  const entry& answer = reply.answer.entry;
  const origin& from = answer.from;
  const bool same_view = earlier != nullptr && !reply.view.empty() && *earlier == reply.view;
  std::uint16_t flags = 0;
  if (reply.answer.found) flags |= answer_flags::found;
  if (answer.meta) flags |= answer_flags::meta;
  if (!reply.steps.empty()) flags |= answer_flags::steps;
  if (!reply.view.empty()) flags |= same_view ? answer_flags::same_view : answer_flags::view;
  if (from.collapsed) flags |= answer_flags::collapsed;
  if (from.stored) flags |= answer_flags::stored;
  if (!from.node.empty()) flags |= answer_flags::node;
  if (reply.is_leased) flags |= answer_flags::leased;
  if (reply.is_unchanged) flags |= answer_flags::unchanged;
  if (has_words(reply.error)) flags |= answer_flags::words;
  const bool has_value = reply.answer.found && !reply.is_unchanged;
  char fixed[answer_size];
  store_number(fixed, wire_error(reply.error));
  store_number(fixed + 2, flags);
  fixed[4] = static_cast<char>(from.from);
  fixed[5] = static_cast<char>(from.detail);
  store_number(fixed + 6, answer.version.epoch);
  store_number(fixed + 14, answer.version.seq);
  store_number(fixed + 22, wire_milliseconds(answer.ttl, max_ttl));
  store_number(fixed + 26, wire_milliseconds(answer.age, max_wire_age));
  store_number(fixed + 30, static_cast<std::uint32_t>(has_value ? answer.value.size() : 0));
  out.raw(fixed, sizeof fixed);
  if (!from.node.empty()) out.text8(from.node);
  if (answer.meta) {
    out.text16(metadata_text(answer.meta->content_type), max_metadata);
    out.text16(metadata_text(answer.meta->etag), max_metadata);
  }
  if (!reply.steps.empty()) write_steps(out, reply.steps);
  if (flags & answer_flags::view) write_view(out, reply.view);
  if (flags & answer_flags::words) write_words(out, reply.error);
  if (has_value) out.value(answer.value);
}

// Takes the place of an answer that does not fit.
void write_refused_answer(field_writer& out) {
  get_reply refused;
  refused.error = errc::too_large;
  write_answer(out, refused, nullptr);
}

// At least what write_answer() writes.
std::uint64_t largest_size(const get_reply& reply, const std::vector<member>* earlier) {
  constexpr std::uint64_t member_size = 1 + max_name + 8 + 4 + 2 + max_address;
  constexpr std::uint64_t step_size = 2 * 256 + 2 + max_explain_text + 8;
  const bool same_view = earlier != nullptr && *earlier == reply.view;
  const std::uint64_t words = has_words(reply.error) ? 2 * (2 + max_error_words) : 0;
  return answer_size + 256 + 2 * (2 + max_metadata) + words + reply.answer.entry.value.size() +
         std::min(reply.steps.size(), max_explain_steps) * step_size +
         (same_view ? 0 : std::min(reply.view.size(), max_view_members) * member_size);
}

void write_body(field_writer& out, const get_request& request, const frame_limits&) {
  std::uint8_t flags = request.role == serve_as::gutter ? request_flags::gutter : 0;
  if (request.explain) flags |= request_flags::explain;
  if (request.is_of_batch) flags |= request_flags::batch;
  const bool holds = request.held != version{};
  if (holds) flags |= request_flags::held;
  out.u8(flags);
  out.u8(static_cast<std::uint8_t>(request.mode));
  if (holds) write_version(out, request.held);
  out.text8(request.keyspace);
  out.text16(request.key, max_key_bytes);
}

void write_body(field_writer& out, const get_many_request& request, const frame_limits&) {
  out.u8(request.role == serve_as::gutter ? request_flags::gutter : 0);
  out.text8(request.keyspace);
  out.number(static_cast<std::uint16_t>(request.keys.size()));
  for (const auto& key : request.keys) out.text16(key, max_key_bytes);
}

void write_body(field_writer& out, const change_request& request, const frame_limits&) {
  out.u8(flag_if(request.ttl.has_value(), request_flags::ttl));
  out.u8(static_cast<std::uint8_t>(request.kind));
  out.u8(static_cast<std::uint8_t>(request.condition.when));
  write_version(out, request.condition.since);
  out.number(request.ttl ? wire_milliseconds(*request.ttl, max_ttl) : std::uint32_t{0});
  out.text8(request.keyspace);
  out.text16(request.key, max_key_bytes);
  out.number(static_cast<std::uint32_t>(request.value.size()));
  out.value(request.value);
}

void write_body(field_writer& out, const ping_request& request, const frame_limits&) {
  out.u8(
      flag_if(request.is_empty, ping_flags::empty) |
      flag_if(request.is_draining, ping_flags::draining)
  );
  out.number(request.number);
  out.number(request.life);
  out.number(request.slot_turns);
  out.number(request.hints_applied);
  out.number(request.known_settings);
  write_note(out, request.note);
  write_ids(out, request.silent);
}

void write_body(field_writer&, const leave_request&, const frame_limits&) {}

void write_body(field_writer&, const leave_reply&, const frame_limits&) {}

void write_body(field_writer&, const report_request&, const frame_limits&) {}

void write_body(field_writer& out, const report_reply& reply, const frame_limits&) {
  const bool fits = reply.text.size() <= max_report;
  out.number(wire_error(fits ? reply.error : error_code(errc::too_large)));
  if (fits) out.raw(reply.text.data(), reply.text.size());
}

void write_body(field_writer& out, const confirm_request& request, const frame_limits&) {
  out.number(request.ticket);
}

void write_body(field_writer& out, const feed_request& request, const frame_limits&) {
  out.u8(flag_if(request.is_reset, feed_flags::reset));
  out.number(request.first);
  out.number(request.after_ping);
  write_note(out, request.note);
  write_records(out, request.records);
}

void write_body(field_writer& out, const vote_request& request, const frame_limits&) {
  out.u8(flag_if(request.must_flush, record_flags::flush));
  out.number(request.since);
  out.number(request.first);
  write_life(out, request.missing);
  write_note(out, request.note);
  write_records(out, request.records);
}

void write_body(field_writer& out, const relay_request& request, const frame_limits&) {
  out.u8(flag_if(request.must_flush, record_flags::flush));
  write_note(out, request.note);
  write_records(out, request.records);
}

void write_body(field_writer& out, const get_reply& reply, const frame_limits& limits) {
  if (reply.answer.entry.value.size() > limits.max_value) return write_refused_answer(out);
  write_answer(out, reply, nullptr);
}

void write_body(field_writer& out, const get_many_reply& reply, const frame_limits& limits) {
  const std::vector<member>* first_view = nullptr;
  std::uint64_t total = 0;
  const auto count = std::min(reply.answers.size(), max_batch_keys);
  out.number(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const get_reply& answer = reply.answers[i];
    const std::uint64_t size = largest_size(answer, first_view);
    if (total + size > limits.max_batch_reply) {
      write_refused_answer(out);
      continue;
    }
    total += size;
    write_answer(out, answer, first_view);
    if (first_view == nullptr && !answer.view.empty()) first_view = &answer.view;
  }
}

void write_body(field_writer& out, const change_reply& reply, const frame_limits&) {
  const bool explains = has_words(reply.error);
  out.u8(flag_if(reply.is_stored, change_flags::stored) | flag_if(explains, change_flags::words));
  out.number(wire_error(reply.error));
  if (explains) write_words(out, reply.error);
  write_version(out, reply.version);
  out.number(reply.ticket);
  out.number(wire_milliseconds(reply.bound, max_wire_age));
  write_ids(out, reply.unconfirmed);
  write_view(out, reply.view);
}

void write_body(field_writer& out, const confirm_reply& reply, const frame_limits&) {
  out.number(wire_error(reply.error));
  out.number(wire_milliseconds(reply.bound, max_wire_age));
  write_ids(out, reply.unconfirmed);
}

void write_body(field_writer& out, const ping_reply& reply, const frame_limits&) {
  const bool told = !check_records(reply.hints);  // else the asker must take all for changed
  out.u8(
      flag_if(reply.is_granted, ping_flags::granted) |
      flag_if(reply.must_flush || !told, ping_flags::flush) |
      flag_if(reply.has_more_hints, ping_flags::more_hints) |
      flag_if(reply.is_latecomer, ping_flags::latecomer) |
      flag_if(reply.is_settled, ping_flags::settled) | flag_if(reply.is_young, ping_flags::young) |
      flag_if(reply.is_draining, ping_flags::draining) |
      flag_if(reply.settings != nullptr, ping_flags::settings)
  );
  out.number(reply.life);
  out.number(reply.slot_turns);
  out.number(reply.hints_number);
  write_view(out, reply.view);
  write_note(out, reply.note);
  write_records(out, told ? reply.hints : std::vector<change_record>());
  write_ids(out, reply.silent);
  out.number(reply.settings_digest);
  if (reply.settings) write_settings(out, *reply.settings);
}

void write_body(field_writer& out, const feed_reply& reply, const frame_limits&) {
  out.number(reply.applied);
  write_note(out, reply.note);
}

void write_body(field_writer& out, const vote_reply& reply, const frame_limits&) {
  out.u8(
      flag_if(reply.is_leaseless, vote_flags::leaseless) |
      flag_if(reply.is_delivered, vote_flags::delivered)
  );
  out.number(reply.kept);
  write_note(out, reply.note);
}

void write_body(field_writer& out, const relay_reply& reply, const frame_limits&) {
  write_note(out, reply.note);
}

bool may_be_long(const get_reply& reply) {
  return reply.answer.entry.value.size() >= frame_body::splice_from || !reply.steps.empty();
}

bool may_be_long(const change_request& request) {
  return request.value.size() >= frame_body::splice_from;
}

bool may_be_long(const get_many_reply&) {
  return true;
}

bool may_be_long(const report_reply&) {
  return true;
}

bool may_be_long(const get_many_request&) {
  return true;
}

// Up to so many names and members fit one chunk beside everything else.
constexpr std::size_t few = 16;

bool may_be_long(const electorate_note& note) {
  return note.state != nullptr;
}

bool may_be_long(const std::vector<change_record>& records) {
  return largest_size(records) > frame_chunk / 4;
}

bool may_be_long(const change_reply& reply) {
  return reply.view.size() > few || reply.unconfirmed.size() > few;
}

bool may_be_long(const confirm_reply& reply) {
  return reply.unconfirmed.size() > few;
}

bool may_be_long(const ping_request& request) {
  return may_be_long(request.note) || request.silent.size() > few;
}

bool may_be_long(const ping_reply& reply) {
  return reply.view.size() > few || reply.silent.size() > few || reply.settings != nullptr ||
         may_be_long(reply.note) || may_be_long(reply.hints);
}

// The other requests that carry a note and records.
template <class Message>

requires requires(const Message& message) {
  message.note, message.records;
}

bool may_be_long(const Message& message) {
  return may_be_long(message.note) || may_be_long(message.records);
}

// The other replies: a note and a few numbers.
template <class Message>

requires(
    requires(const Message& message) { message.note; } &&
    !requires(const Message& message) { message.records; }
) bool may_be_long(const Message& message) {
  return may_be_long(message.note);
}

template <class Short>

requires(!requires(const Short& message) { message.note; }) bool may_be_long(const Short&) {
  return false;
}

template <class Body>
void append_message(
    frame_queue& out, frame_header header, const Body& body, const frame_limits& limits
) {
  if (may_be_long(body)) {
    frame_body payload;
    field_writer fields(payload.flat(), &payload);
    write_body(fields, body, limits);
    out.push(header, std::move(payload), is_control(header.type) ? lane::control : lane::shorts);
    return;
  }
  std::string& flat = is_control(header.type) ? out.control() : out.shorts();
  const auto start = flat.size();
  flat.append(frame_header_size, '\0');
  field_writer fields(flat);
  write_body(fields, body, limits);
  header.remaining = static_cast<std::uint32_t>(flat.size() - start - frame_header_size);
  if (header.more()) {
    frame_body payload;
    payload.flat().assign(flat, start + frame_header_size);
    flat.resize(start);
    out.push(header, std::move(payload));
    return;
  }
  seal_frame(flat, start, header);
}

}  // namespace

void append_request(
    frame_queue& out, std::uint64_t id, const peer_request& request, milliseconds left
) {
  frame_header header;
  header.type = type_of(request.body);
  header.id = id;
  header.timeout_ms = wire_milliseconds(left, max_wire_age);
  header.view_digest = request.view_digest;
  std::visit([&](const auto& body) { append_message(out, header, body, {}); }, request.body);
}

void append_reply(
    frame_queue& out, std::uint64_t id, const peer_reply& reply, const frame_limits& limits
) {
  frame_header header;
  header.type = type_of(reply.body);
  header.id = id;
  header.view_digest = reply.view_digest;
  std::visit([&](const auto& body) { append_message(out, header, body, limits); }, reply.body);
}

void append_fault(frame_queue& out, std::uint64_t id, std::uint64_t view_digest, error_code error) {
  frame_header header;
  header.type = frame_type::fault;
  header.id = id;
  header.remaining = 2;
  header.view_digest = view_digest;
  std::string body;
  field_writer(body).number(wire_error(error));
  append_frame(out.shorts(), header, body);
}

void append_loading(frame_queue& out, std::uint64_t id, std::uint64_t view_digest) {
  frame_header header;
  header.type = frame_type::loading;
  header.id = id;
  header.view_digest = view_digest;
  append_frame(out.shorts(), header, {});
}

void append_hello(std::string& out, const hello& message) {
  std::string body;
  field_writer fields(body);
  fields.number(message.lowest_version);
  fields.number(message.highest_version);
  fields.number(message.who.incarnation);
  fields.number(message.who.weight);
  fields.text8(message.who.cluster);
  fields.text8(message.who.id);
  fields.text16(message.who.address, max_address);
  fields.number(message.who.ring.vnodes);
  fields.number(std::bit_cast<std::uint64_t>(message.who.ring.bounded_load));
  frame_header header;
  header.type = frame_type::hello;
  header.remaining = static_cast<std::uint32_t>(body.size());
  append_frame(out, header, body);
}

void append_refusal(std::string& out, const refusal& message) {
  std::string body;
  field_writer fields(body);
  fields.u8(static_cast<std::uint8_t>(message.reason));
  fields.text16(message.text, max_refusal_text);
  frame_header header;
  header.type = frame_type::refusal;
  header.remaining = static_cast<std::uint32_t>(body.size());
  append_frame(out, header, body);
}

}  // namespace weir
