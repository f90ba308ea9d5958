#include "tests/transport/peer/peer_samples.hpp"

#include <sstream>

namespace weir::test {
namespace {

std::ostream& operator<<(std::ostream& out, const std::vector<member>& view) {
  for (const auto& m : view)
    out << m.id << ',' << m.incarnation << ',' << m.weight << ',' << m.address << ';';
  return out;
}

std::ostream& operator<<(std::ostream& out, const std::vector<std::string>& ids) {
  for (const auto& id : ids) out << id << ';';
  return out;
}

std::ostream& operator<<(std::ostream& out, const member_life& who) {
  return out << who.id << ',' << who.incarnation;
}

std::ostream& operator<<(std::ostream& out, const electorate_note& note) {
  out << note.digest;
  if (note.state == nullptr) return out << "|-|";
  for (const auto& who : note.state->members) out << '+' << who;
  for (const auto& who : note.state->removed) out << '-' << who;
  out << '!' << note.state->forgotten;
  for (const auto& ids : note.state->views) out << '[' << ids << ']';
  return out << '|';
}

std::ostream& operator<<(std::ostream& out, const std::vector<change_record>& records) {
  for (const auto& r : records)
    out << r.keyspace << ',' << r.key << ',' << to_string(r.version) << ',' << r.value.view() << ','
        << r.ttl.count() << ',' << r.age.count() << ';';
  return out;
}

struct printer {
  std::ostringstream out;

  void operator()(const get_request& r) {
    out << "get " << r.keyspace << '|' << r.key << '|' << int(r.role) << int(r.mode) << r.explain
        << '|' << r.held.epoch << ',' << r.held.seq;
  }

  void operator()(const get_many_request& r) {
    out << "get_many " << r.keyspace << '|' << int(r.role);
    for (const auto& key : r.keys) out << '|' << key;
  }

  void operator()(const change_request& r) {
    out << "change " << r.keyspace << '|' << r.key << '|' << r.value.view() << '|' << int(r.kind)
        << '|' << (r.ttl ? r.ttl->count() : -1) << '|' << int(r.condition.when) << ','
        << to_string(r.condition.since);
  }

  void operator()(const ping_request& r) {
    out << "ping " << r.note << r.number << '|' << r.life << '|' << r.is_empty << r.slot_turns
        << '|' << r.hints_applied << '|' << r.silent << '|' << r.is_draining << r.known_settings;
  }

  void operator()(const confirm_request& r) { out << "confirm " << r.ticket; }

  void operator()(const feed_request& r) {
    out << "feed " << r.note << r.first << '|' << r.after_ping << '|' << r.is_reset << r.records;
  }

  void operator()(const vote_request& r) {
    out << "vote " << r.note << r.missing << r.since << '|' << r.first << '|' << r.must_flush
        << r.records;
  }

  void operator()(const relay_request& r) {
    out << "relay " << r.note << r.must_flush << r.records;
  }

  void operator()(const leave_request&) { out << "leave"; }

  void operator()(const report_request&) { out << "report"; }

  void operator()(const get_reply& r) {
    const entry& e = r.answer.entry;
    out << "answer " << r.error.value() << '|' << r.answer.found << '|' << e.value.view() << '|'
        << to_string(e.version) << '|' << e.ttl.count() << '|' << e.age.count() << '|';
    if (e.meta) out << e.meta->content_type << ',' << e.meta->etag;
    out << '|' << int(e.from.from) << int(e.from.detail) << e.from.collapsed << e.from.stored
        << e.from.node << '|';
    for (const auto& s : r.steps)
      out << s.node << ',' << s.step << ',' << s.detail << ',' << s.took.count() << ';';
    out << '|' << r.view << '|' << r.is_leased << r.is_unchanged;
  }

  void operator()(const get_many_reply& r) {
    out << "answers ";
    for (const auto& answer : r.answers) (*this)(answer);
  }

  void operator()(const change_reply& r) {
    out << "changed " << r.error.value() << '|' << to_string(r.version) << '|' << r.view << '|'
        << r.ticket << '|' << r.unconfirmed << '|' << r.bound.count() << r.is_stored;
  }

  void operator()(const confirm_reply& r) {
    out << "confirmed " << r.error.value() << '|' << r.unconfirmed << '|' << r.bound.count();
  }

  void operator()(const ping_reply& r) {
    out << "pong " << r.view << '|' << r.note << r.life << '|' << r.is_granted << r.must_flush
        << r.has_more_hints << r.is_latecomer << r.is_settled << r.is_young << r.slot_turns << '|'
        << r.hints_number << '|' << r.hints << '|' << r.silent << '|' << r.is_draining
        << r.settings_digest;
    for (const auto& each : r.settings ? *r.settings : keyspace_settings_list()) {
      out << '|' << each.name << int(each.consistency) << int(each.writes) << each.has_near << ','
          << each.ttl.count() << ',' << each.negative_ttl.count() << ',' << each.source;
    }
  }

  void operator()(const feed_reply& r) { out << "fed " << r.note << r.applied; }

  void operator()(const vote_reply& r) {
    out << "voted " << r.note << r.kept << '|' << r.is_leaseless << r.is_delivered;
  }

  void operator()(const relay_reply& r) { out << "relayed " << r.note; }

  void operator()(const leave_reply&) { out << "left"; }

  void operator()(const report_reply& r) { out << "reported " << r.error.value() << r.text; }
};

template <class Body>
std::string print(std::uint64_t digest, const Body& body) {
  printer text;
  text.out << digest << ' ';
  std::visit(text, body);
  return text.out.str();
}

}  // namespace

std::string resealed(std::string frames) {
  std::size_t at = 0;
  while (frames.size() - at >= frame_header_size) {
    char* const raw = frames.data() + at;
    const std::uint32_t length = std::min(load_number<std::uint32_t>(raw + 16), frame_chunk);
    const auto chunk = std::string_view(frames).substr(at + frame_header_size, length);
    store_number(raw + 32, frame_checksum(chunk));
    store_number(raw + 36, frame_checksum({raw, 36}));
    at += frame_header_size + chunk.size();
  }
  return frames;
}

std::string describe(const peer_request& request) {
  return std::to_string(request.timeout.count()) + ' ' + print(request.view_digest, request.body);
}

std::string describe(const peer_reply& reply) {
  return print(reply.view_digest, reply.body);
}

}  // namespace weir::test
