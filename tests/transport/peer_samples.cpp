#include "peer_samples.hpp"

#include <sstream>

namespace weir::test {
namespace {

std::ostream& operator<<(std::ostream& out, const std::vector<member>& view) {
  for (const auto& m : view)
    out << m.id << ',' << m.incarnation << ',' << m.weight << ',' << m.address << ';';
  return out;
}

struct printer {
  std::ostringstream out;

  void operator()(const get_request& r) {
    out << "get " << r.keyspace << '|' << r.key << '|' << int(r.role) << int(r.mode) << r.explain;
  }

  void operator()(const get_many_request& r) {
    out << "get_many " << r.keyspace << '|' << int(r.role);
    for (const auto& key : r.keys) out << '|' << key;
  }

  void operator()(const change_request& r) {
    out << "change " << r.keyspace << '|' << r.key << '|' << r.value.view() << '|' << int(r.kind)
        << int(r.role) << '|' << (r.ttl ? r.ttl->count() : -1) << '|' << int(r.condition.when)
        << ',' << to_string(r.condition.since);
  }

  void operator()(const ping_request&) { out << "ping"; }

  void operator()(const leave_request&) { out << "leave"; }

  void operator()(const get_reply& r) {
    const entry& e = r.answer.entry;
    out << "answer " << r.error.value() << '|' << r.answer.found << '|' << e.value.view() << '|'
        << to_string(e.version) << '|' << e.ttl.count() << '|' << e.age.count() << '|';
    if (e.meta) out << e.meta->content_type << ',' << e.meta->etag;
    out << '|' << int(e.from.from) << int(e.from.detail) << e.from.collapsed << e.from.stored
        << e.from.node << '|';
    for (const auto& s : r.steps)
      out << s.node << ',' << s.step << ',' << s.detail << ',' << s.took.count() << ';';
    out << '|' << r.view;
  }

  void operator()(const get_many_reply& r) {
    out << "answers ";
    for (const auto& answer : r.answers) (*this)(answer);
  }

  void operator()(const change_reply& r) {
    out << "changed " << r.error.value() << '|' << to_string(r.version) << '|' << r.view;
  }

  void operator()(const ping_reply& r) { out << "pong " << r.view; }

  void operator()(const leave_reply&) { out << "left"; }
};

template <class Body>
std::string print(std::uint64_t digest, const Body& body) {
  printer text;
  text.out << digest << ' ';
  std::visit(text, body);
  return text.out.str();
}

}  // namespace

std::string describe(const peer_request& request) {
  return std::to_string(request.timeout.count()) + ' ' + print(request.view_digest, request.body);
}

std::string describe(const peer_reply& reply) {
  return print(reply.view_digest, reply.body);
}

}  // namespace weir::test
