#include "peer/wire/field_reader.hpp"
#include "peer/wire/peer_codec.hpp"
#include "peer/wire/peer_codec_parts.hpp"
#include "peer/wire/peer_wire_fields.hpp"

#include <bit>

namespace weir {
namespace {

// The alternative `Body` of a variant, with the memory that it has when it is the current one.
template <class Body, class Variant>
Body& hold(Variant& body) {
  if (auto* held = std::get_if<Body>(&body)) return *held;
  return body.template emplace<Body>();
}

std::uint8_t read_flags(field_reader& in, std::uint8_t allowed) {
  const auto flags = in.number<std::uint8_t>();
  if (flags & ~allowed) in.fail(peer_fault::bad_value);
  return flags;
}

version read_version(field_reader& in) {
  version read;
  read.epoch = in.number<std::uint64_t>();
  read.seq = in.number<std::uint64_t>();
  return read;
}

serve_as role_of(std::uint8_t flags) {
  return flags & request_flags::gutter ? serve_as::gutter : serve_as::owner;
}

std::vector<explain_step> read_steps(field_reader& in) {
  std::vector<explain_step> steps;
  const std::size_t count = in.number<std::uint8_t>();
  if (count == 0 || count > max_explain_steps) in.fail(peer_fault::bad_value);
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    explain_step one;
    one.node = in.text8();
    one.step = in.text8();
    one.detail = in.text16(max_explain_text);
    const auto took = in.number<std::uint64_t>();
    if (took > static_cast<std::uint64_t>(INT64_MAX)) in.fail(peer_fault::bad_value);
    one.took = std::chrono::microseconds(static_cast<std::int64_t>(took));
    steps.push_back(std::move(one));
  }
  return steps;
}

std::shared_ptr<const metadata> read_metadata(field_reader& in) {
  auto meta = std::make_shared<metadata>();
  meta->content_type = in.text16(max_metadata);
  meta->etag = in.text16(max_metadata);
  return meta;
}

// `first_view` is the view that an earlier answer of the same message carried, or null.
void read_answer(field_reader& in, get_reply& reply, const std::vector<member>* first_view) {
  entry& answer = reply.answer.entry;
  reply.error = read_error(in);
  const auto flags = in.number<std::uint16_t>();
  if (flags & ~answer_flags::all) in.fail(peer_fault::bad_value);
  answer.from.from = in.one_of(served_from::peer);
  answer.from.detail = in.one_of(served_detail::stale);
  answer.version = read_version(in);
  answer.ttl = read_ttl(in);
  answer.age = milliseconds(in.number<std::uint32_t>());
  const std::size_t size = in.number<std::uint32_t>();
  reply.answer.found = (flags & answer_flags::found) != 0;
  reply.is_leased = (flags & answer_flags::leased) != 0;
  reply.is_unchanged = (flags & answer_flags::unchanged) != 0;
  answer.from.collapsed = (flags & answer_flags::collapsed) != 0;
  answer.from.stored = (flags & answer_flags::stored) != 0;
  if (flags & answer_flags::node) answer.from.node = in.text8();
  if (flags & answer_flags::meta) answer.meta = read_metadata(in);
  if (flags & answer_flags::steps) reply.steps = read_steps(in);
  if (flags & answer_flags::view) reply.view = read_view(in);
  if (flags & answer_flags::same_view) {
    if (first_view == nullptr || (flags & answer_flags::view))
      in.fail(peer_fault::bad_value);
    else
      reply.view = *first_view;
  }
  if (flags & answer_flags::words) reply.error = read_words(in, reply.error);
  if (size > 0 && (!reply.answer.found || reply.is_unchanged)) in.fail(peer_fault::bad_value);
  const auto value = in.take(size);
  if (in.ok()) answer.value = bytes(value);
}

void read_body(field_reader& in, get_request& request) {
  const auto flags = read_flags(
      in,
      request_flags::gutter | request_flags::explain | request_flags::held | request_flags::batch
  );
  request.role = role_of(flags);
  request.mode = in.one_of(get_mode::adopt);
  request.explain = (flags & request_flags::explain) != 0;
  request.is_of_batch = (flags & request_flags::batch) != 0;
  request.held = flags & request_flags::held ? read_version(in) : version{};
  request.keyspace = in.text8();
  request.key = in.text16(UINT16_MAX);
}

void read_body(field_reader& in, get_many_request& request) {
  request.role = role_of(read_flags(in, request_flags::gutter));
  request.keyspace = in.text8();
  request.keys.clear();
  const std::size_t count = in.number<std::uint16_t>();
  for (std::size_t i = 0; i < count && in.ok(); ++i)
    request.keys.emplace_back(in.text16(UINT16_MAX));
}

void read_body(field_reader& in, change_request& request) {
  const auto flags = read_flags(in, request_flags::ttl);
  request.kind = in.one_of(change_kind::invalidate);
  request.condition.when = in.one_of(precondition::kind::unchanged);
  request.condition.since = read_version(in);
  const auto ttl = read_ttl(in);
  request.ttl = flags & request_flags::ttl ? std::optional(ttl) : std::nullopt;
  if (!request.ttl && ttl.count() != 0) in.fail(peer_fault::bad_value);
  request.keyspace = in.text8();
  request.key = in.text16(UINT16_MAX);
  const std::size_t size = in.number<std::uint32_t>();
  const auto value = in.take(size);
  if (in.ok()) request.value = bytes(value);
}

void read_body(field_reader& in, ping_request& request) {
  const auto flags = read_flags(in, ping_flags::empty | ping_flags::draining);
  request.is_empty = (flags & ping_flags::empty) != 0;
  request.is_draining = (flags & ping_flags::draining) != 0;
  request.number = in.number<std::uint64_t>();
  request.life = in.number<std::uint64_t>();
  request.slot_turns = in.number<std::uint32_t>();
  request.hints_applied = in.number<std::uint64_t>();
  request.known_settings = in.number<std::uint64_t>();
  request.note = read_note(in);
  request.silent = read_ids(in);
}

void read_body(field_reader&, leave_request&) {}

void read_body(field_reader&, leave_reply&) {}

void read_body(field_reader&, report_request&) {}

void read_body(field_reader& in, report_reply& reply) {
  reply.error = read_error(in);
  reply.text = in.rest();
}

void read_body(field_reader& in, confirm_request& request) {
  request.ticket = in.number<std::uint64_t>();
}

void read_body(field_reader& in, feed_request& request) {
  const auto flags = read_flags(in, feed_flags::reset);
  request.is_reset = (flags & feed_flags::reset) != 0;
  request.first = in.number<std::uint64_t>();
  request.after_ping = in.number<std::uint64_t>();
  request.note = read_note(in);
  request.records = read_records(in);
}

void read_body(field_reader& in, vote_request& request) {
  const auto flags = read_flags(in, record_flags::flush);
  request.must_flush = (flags & record_flags::flush) != 0;
  request.since = in.number<std::uint64_t>();
  request.first = in.number<std::uint64_t>();
  request.missing = read_life(in);
  request.note = read_note(in);
  request.records = read_records(in);
}

void read_body(field_reader& in, relay_request& request) {
  const auto flags = read_flags(in, record_flags::flush);
  request.must_flush = (flags & record_flags::flush) != 0;
  request.note = read_note(in);
  request.records = read_records(in);
}

void read_body(field_reader& in, get_reply& reply) {
  read_answer(in, reply, nullptr);
}

void read_body(field_reader& in, get_many_reply& reply) {
  const std::size_t count = in.number<std::uint16_t>();
  if (count > max_batch_keys) in.fail(peer_fault::bad_value);
  std::size_t first_view = count;
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    get_reply one;
    read_answer(in, one, first_view < i ? &reply.answers[first_view].view : nullptr);
    if (first_view == count && !one.view.empty()) first_view = i;
    reply.answers.push_back(std::move(one));
  }
}

void read_body(field_reader& in, change_reply& reply) {
  const auto flags = read_flags(in, change_flags::stored | change_flags::words);
  reply.is_stored = (flags & change_flags::stored) != 0;
  reply.error = read_error(in);
  if (flags & change_flags::words) reply.error = read_words(in, reply.error);
  reply.version = read_version(in);
  reply.ticket = in.number<std::uint64_t>();
  reply.bound = milliseconds(in.number<std::uint32_t>());
  reply.unconfirmed = read_ids(in);
  reply.view = read_view(in);
}

void read_body(field_reader& in, confirm_reply& reply) {
  reply.error = read_error(in);
  reply.bound = milliseconds(in.number<std::uint32_t>());
  reply.unconfirmed = read_ids(in);
}

void read_body(field_reader& in, ping_reply& reply) {
  const auto flags = read_flags(
      in,
      ping_flags::granted | ping_flags::flush | ping_flags::more_hints | ping_flags::latecomer |
          ping_flags::draining | ping_flags::settings | ping_flags::settled | ping_flags::young
  );
  reply.is_draining = (flags & ping_flags::draining) != 0;
  reply.is_latecomer = (flags & ping_flags::latecomer) != 0;
  reply.is_settled = (flags & ping_flags::settled) != 0;
  reply.is_young = (flags & ping_flags::young) != 0;
  reply.is_granted = (flags & ping_flags::granted) != 0;
  reply.must_flush = (flags & ping_flags::flush) != 0;
  reply.has_more_hints = (flags & ping_flags::more_hints) != 0;
  reply.life = in.number<std::uint64_t>();
  reply.slot_turns = in.number<std::uint32_t>();
  reply.hints_number = in.number<std::uint64_t>();
  reply.view = read_view(in);
  reply.note = read_note(in);
  reply.hints = read_records(in);
  reply.silent = read_ids(in);
  reply.settings_digest = in.number<std::uint64_t>();
  if ((flags & ping_flags::settings) == 0) return;
  reply.settings = std::make_shared<const keyspace_settings_list>(read_settings(in));
}

void read_body(field_reader& in, feed_reply& reply) {
  reply.applied = in.number<std::uint64_t>();
  reply.note = read_note(in);
}

void read_body(field_reader& in, vote_reply& reply) {
  const auto flags = read_flags(in, vote_flags::leaseless | vote_flags::delivered);
  reply.is_leaseless = (flags & vote_flags::leaseless) != 0;
  reply.is_delivered = (flags & vote_flags::delivered) != 0;
  reply.kept = in.number<std::uint64_t>();
  reply.note = read_note(in);
}

void read_body(field_reader& in, relay_reply& reply) {
  reply.note = read_note(in);
}

template <class Body, class Variant>
peer_fault read_into(const frame_message& message, Variant& body) {
  field_reader in(message.payload);
  read_body(in, hold<Body>(body));
  return in.done();
}

template <class Body, class Variant>
peer_fault read_fresh(const frame_message& message, Variant& body) {
  field_reader in(message.payload);
  read_body(in, body.template emplace<Body>());
  return in.done();
}

}  // namespace

peer_fault read_request(const frame_message& message, peer_request& request) {
  request.view_digest = message.header.view_digest;
  request.timeout = milliseconds(message.header.timeout_ms);
  switch (message.header.type) {
    case frame_type::get:
      return read_into<get_request>(message, request.body);
    case frame_type::get_many:
      return read_into<get_many_request>(message, request.body);
    case frame_type::change:
      return read_into<change_request>(message, request.body);
    case frame_type::ping:
      return read_fresh<ping_request>(message, request.body);
    case frame_type::leave:
      return read_into<leave_request>(message, request.body);
    case frame_type::confirm:
      return read_into<confirm_request>(message, request.body);
    case frame_type::feed:
      return read_fresh<feed_request>(message, request.body);
    case frame_type::vote:
      return read_fresh<vote_request>(message, request.body);
    case frame_type::relay:
      return read_fresh<relay_request>(message, request.body);
    case frame_type::report:
      return read_fresh<report_request>(message, request.body);
    default:
      return peer_fault::unexpected;
  }
}

peer_fault read_reply(const frame_message& message, peer_reply& reply) {
  reply.view_digest = message.header.view_digest;
  switch (message.header.type) {
    case frame_type::get_reply:
      return read_fresh<get_reply>(message, reply.body);
    case frame_type::get_many_reply:
      return read_fresh<get_many_reply>(message, reply.body);
    case frame_type::change_reply:
      return read_fresh<change_reply>(message, reply.body);
    case frame_type::ping_reply:
      return read_fresh<ping_reply>(message, reply.body);
    case frame_type::leave_reply:
      return read_fresh<leave_reply>(message, reply.body);
    case frame_type::confirm_reply:
      return read_fresh<confirm_reply>(message, reply.body);
    case frame_type::feed_reply:
      return read_fresh<feed_reply>(message, reply.body);
    case frame_type::vote_reply:
      return read_fresh<vote_reply>(message, reply.body);
    case frame_type::relay_reply:
      return read_fresh<relay_reply>(message, reply.body);
    case frame_type::report_reply:
      return read_fresh<report_reply>(message, reply.body);
    default:
      return peer_fault::unexpected;
  }
}

peer_fault read_fault(const frame_message& message, error_code& error) {
  field_reader in(message.payload);
  error = read_error(in);
  if (!error) in.fail(peer_fault::bad_value);
  return in.done();
}

peer_fault read_hello(const frame_message& message, hello& greeting) {
  field_reader in(message.payload);
  greeting.lowest_version = in.number<std::uint16_t>();
  greeting.highest_version = in.number<std::uint16_t>();
  greeting.who.incarnation = in.number<std::uint64_t>();
  greeting.who.weight = in.number<std::uint32_t>();
  greeting.who.cluster = in.text8();
  greeting.who.id = in.text8();
  greeting.who.address = in.text16(max_address);
  greeting.who.ring.vnodes = in.number<std::uint32_t>();
  greeting.who.ring.bounded_load = std::bit_cast<double>(in.number<std::uint64_t>());
  return in.done();
}

peer_fault read_refusal(const frame_message& message, refusal& goodbye) {
  field_reader in(message.payload);
  goodbye.reason = in.one_of(refusal_reason::own_id);
  if (static_cast<int>(goodbye.reason) == 0) in.fail(peer_fault::bad_value);
  goodbye.text = in.text16(max_refusal_text);
  return in.done();
}

}  // namespace weir
