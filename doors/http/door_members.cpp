// Who belongs to the cluster, and on whose word this node serves: /cluster/members.
#include "http/http_door_impl.hpp"

#include <weir/transport/http_target.hpp>
#include <weir/transport/text.hpp>

#include <cstdio>

namespace weir {
namespace {

void write_lease(json_writer& json, const lease_status& of) {
  json.name("lease").begin_object().member("valid", of.is_valid).member("lone", of.is_lone);
  json.member("left_ms", of.left.count()).member("granted", of.granted);
  json.member("members", of.members).member("views", of.views).member("why", of.why);
  json.end_object();
}

void write_config(json_writer& json, const member_status& of) {
  json.member("config", name(of.config)).name("differences").begin_array();
  for (const auto& each : of.differences) {
    json.begin_object().member("keyspace", each.keyspace).member("field", each.field);
    json.member("here", each.here).member("there", each.there).end_object();
  }
  json.end_array();
}

std::string quoted(std::string_view id) {
  return '"' + std::string(id.substr(0, max_name)) + '"';
}

/// Why `id` cannot be forgotten: nobody counts it.
std::string not_counted(std::string_view id, const std::vector<member_status>& all) {
  std::string known;
  for (const auto& each : all) {
    if (each.id == id) return "node " + quoted(id) + " does not count any more";
    if (each.id.empty() || known.size() > 1000) continue;
    known += (known.empty() ? "" : ", ") + each.id;
  }
  return "no member is called " + quoted(id) + "; this node knows: " + known;
}

}  // namespace

readiness_check lease_check(const lease_status& of) {
  readiness_check check{.name = "lease", .state = check_state::passed, .detail = {}};
  constexpr std::string_view prefix = "no lease: ";
  if (!of.is_valid) {
    check.state = check_state::noted;
    check.detail = of.why.starts_with(prefix) ? of.why.substr(prefix.size()) : of.why;
    if (check.detail.empty()) check.detail = "none";
  } else if (of.is_lone) {
    check.detail = "none needed, a lone node";
  } else {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.1f", static_cast<double>(of.left.count()) / 1000);
    check.detail = std::string("valid, ") + seconds + " s left, " + std::to_string(of.granted) +
                   " of " + std::to_string(of.members) + " members";
  }
  return check;
}

readiness_check config_check(const std::vector<member_status>& all) {
  constexpr std::size_t most_named = 8;
  readiness_check check{.name = "config", .state = check_state::passed, .detail = {}};
  std::size_t count = 0;
  for (const auto& each : all) {
    for (const auto& difference : each.differences) {
      if (++count > most_named) continue;
      check.detail += count == 1 ? "" : "; ";
      check.detail += each.id + " differs in " + difference.keyspace + '.' + difference.field +
                      ": " + difference.here + " here, " + difference.there + " there";
    }
  }
  if (count != 0) check.state = check_state::noted;
  if (count > most_named) check.detail += "; and " + std::to_string(count - most_named) + " more";
  return check;
}

http_response http_door::impl::members() const {
  json_writer json;
  json.begin_object();
  write_lease(json, engine.lease());
  json.name("members").begin_array();
  for (const auto& each : engine.members()) {
    json.begin_object().member("id", each.id).member("address", each.address);
    json.member("incarnation", hex(each.incarnation)).member("weight", each.weight);
    json.member("state", name(each.state)).member("self", each.is_self);
    json.member("in_ring", each.is_in_ring).member("granting", each.is_granting);
    json.member("feed_lag", each.feed_lag)
        .member("rtt_ms", static_cast<double>(each.rtt.count()) / 1000);
    json.member("since_ms", each.since.count()).member("last_failure", each.last_failure);
    json.member("last_failure_ms", each.failed_since.count());
    write_config(json, each);
    json.end_object();
  }
  json.end_array().end_object();
  return json_answer(json);
}

http_response http_door::impl::forget(const http_request& request) const {
  const auto raw = query_parameter(request.query, "forget");
  const auto id = raw ? decode_path_segment(*raw) : result<std::string>(errc::bad_request);
  if (!id || id->empty() || !unknown_parameter(request.query, "forget").empty()) {
    return problem(
        errc::bad_request, "POST /cluster/members?forget=ID is all that can be done here"
    );
  }
  if (const auto done = engine.forget(*id); !done) {
    if (done.error() != errc::not_found) {
      return problem(
          errc::bad_request,
          "node " + quoted(*id) +
              " is the one that was asked; stop it, and ask another to forget it"
      );
    }
    return problem(errc::not_found, not_counted(*id, engine.members()));
  }
  json_writer json;
  json.begin_object().member("forgotten", *id).end_object();
  return json_answer(json);
}

}  // namespace weir
