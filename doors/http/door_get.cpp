// GET and HEAD of one key.
#include "http/http_door_impl.hpp"

#include <weir/engine/explain.hpp>
#include <weir/transport/http_target.hpp>

#include <utility>

namespace weir {
namespace {

http_response explained(
    const door_target& target,
    const result<lookup>& found,
    door_outcome outcome,
    const explanation& steps
) {
  json_writer json;
  json.begin_object().member("keyspace", target.keyspace.name()).data_member("key", target.key);
  json.member("outcome", outcome.name());
  if (found) {
    const auto& entry = found->entry;
    if (entry.version) json.member("version", to_string(entry.version));
    json.member("ttl_ms", entry.ttl.count()).member("age_ms", entry.age.count());
    if (found->found) json.member("bytes", entry.value.size());
  }
  json.name("steps").begin_array();
  for (const auto& step : steps.steps) {
    json.begin_object().member("node", step.node).member("step", step.step);
    json.member("detail", step.detail).member("took_us", step.took.count()).end_object();
  }
  json.end_array().end_object();
  return json_answer(json);
}

}  // namespace

asio::awaitable<door_answer> http_door::impl::get(const http_request& request, door_target target) {
  explanation steps;
  const bool explains = query_parameter(request.query, "explain").has_value();
  auto& session = session_of(request);
  get_options how{.timeout = time_left(request)};
  how.attempt = std::exchange(session.attempt, read_attempt::first);
  if (query_parameter(request.query, "fresh")) how.from = read_from::source;
  if (explains) how.explain = &steps;
  auto found = co_await target.keyspace.async_find(target.key, how);
  const auto name = target.keyspace.name();
  if (found && !session.allows(name, target.key, found->entry.version)) {
    how.timeout = time_left(request);
    if (how.from == read_from::near) how.from = read_from::owner;
    how.attempt = read_attempt::again;
    found = co_await target.keyspace.async_find(target.key, how);
    if (found) session.read(name, target.key, found->entry.version);
  }

  door_answer done;
  if (!found) {
    done = failure(found.error(), target.keyspace, door_op::get);
  } else if (!found->found) {
    done.outcome = errc::not_found;
  }
  if (explains) {
    done.response = explained(target, found, done.outcome, steps);
  } else if (found) {
    std::string scratch;
    const bool is_found = found->found;
    answer(request, std::move(*found), target.keyspace.name(), done.response, scratch);
    if (is_found) done.served = bytes_served(request, done.response);
  }
  co_return done;
}

void http_door::impl::answer(
    const http_request& request,
    lookup&& found,
    std::string_view keyspace,
    http_response& response,
    std::string& scratch
) const {
  if (!found.found) {
    response =
        problem(errc::not_found, "keyspace \"" + std::string(keyspace) + "\" has no such key");
    fields.add(response, found, scratch);
    return;
  }
  fields.add(response, found, scratch);
  bool is_unmodified = false;
  for (const auto& field : request.fields) {
    if (http_name_equal(field.name, "If-Match") && !match_names(field.value, found.entry.version)) {
      response = problem(errc::conflict, "the value has not the version that If-Match names");
      return;
    }
    is_unmodified = is_unmodified || (http_name_equal(field.name, "If-None-Match") &&
                                      none_match_names(field.value, found.entry.version));
  }
  if (is_unmodified) {
    response.status = 304;
  } else {
    response.body = std::move(found.entry.value);
  }
}

}  // namespace weir
