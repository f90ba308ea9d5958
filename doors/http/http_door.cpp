// Takes requests apart and sends each to its page; what the pages do is in door_*.cpp.
#include "http/door_guard.hpp"
#include "http/http_door_impl.hpp"

#include <weir/engine/limits.hpp>
#include <weir/transport/http_target.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>

namespace weir {
namespace {

constexpr std::uint64_t small_body = 64 * 1024;  // of a request that needs none
constexpr milliseconds pause_of_strangers{100};  // nobody tries tokens quickly
constexpr std::size_t longest_escape = 6;        // "\u0000" for one byte of a key

std::optional<door_op> op_of(const http_request& request, door_page page) noexcept {
  if (page == door_page::keyspace) {
    if (request.method != http_method::post) return std::nullopt;
    return query_parameter(request.query, "purge") ? door_op::invalidate_many : door_op::get_many;
  }
  switch (request.method) {
    case http_method::get:
    case http_method::head:
      return door_op::get;
    case http_method::put:
      return door_op::put;
    case http_method::delete_:
      return door_op::remove;
    case http_method::purge:
      return door_op::invalidate;
    default:
      return std::nullopt;
  }
}

bool is_read(door_op op) noexcept {
  return op == door_op::get || op == door_op::get_many;
}

std::string_view text_of(door_verdict verdict) noexcept {
  switch (verdict) {
    case door_verdict::foreign_page:
      return "web pages of other origins may not change anything here; use the command line or "
             "curl";
    case door_verdict::foreign_host:
      return "without tokens this door is for this machine only: Host must be localhost, "
             "127.0.0.1 or [::1]; a proxy before it must set that, or give the door auth.tokens";
    default:
      return "the token does not allow this here";
  }
}

bool asks_all_nodes(const http_request& request, door_page page) noexcept {
  const bool is_get = request.method == http_method::get || request.method == http_method::head;
  return is_get && page == door_page::stats && query_parameter(request.query, "all");
}

errc table_code(const error_code& error, door_op op) noexcept {
  const bool is_ours = error.category() == weir_category();
  const auto code = is_ours ? static_cast<errc>(error.value()) : errc::source_failed;
  if (code != errc::not_owner && code != errc::protocol && is_ours) return code;
  if (!is_read(op)) return errc::unknown_outcome;
  return is_ours ? errc::unavailable : errc::source_failed;
}

std::string describe(errc code, const error& why, const keyspace& of, door_op op) {
  const auto in = "keyspace \"" + std::string(of.name()) + "\"";
  const std::string detail(why.detail());
  switch (code) {
    case errc::not_found:
      return in + " has no such key";
    case errc::no_keyspace:
      return in + " was removed from this node; GET /cluster/keyspaces lists those it has";
    case errc::too_large:
      if (!detail.empty()) return detail + " in " + in;
      return "the value is over max_entry of " + in + ", " +
             std::to_string(of.options().max_entry) + " bytes";
    case errc::conflict:
      return "the version of the key is not the one that the precondition names; read it again";
    case errc::overloaded:
      if (!why.remark().empty()) return "the source of " + in + " is busy; retry after a while";
      return in + " is at a limit" + (detail.empty() ? "" : ": " + detail) +
             "; retry after a while, with growing delay";
    case errc::source_failed:
      return "the source of " + in + " was asked and failed";
    case errc::deadline_exceeded:
      if (!detail.empty()) return in + ": " + detail + "; it may still finish and be kept";
      return "no answer from " + in + " in time; the load may still finish and be kept";
    case errc::unknown_outcome:
      return "the owner of the key, or its source, was asked and did not answer; read it, then "
             "decide";
    case errc::unavailable:
      if (is_read(op)) return "no node could answer, or this one is stopping; repeat it";
      if (op == door_op::put || op == door_op::remove) {
        return "the nodes that this concerns cannot be asked; nothing was changed, repeat it";
      }
      return "too few nodes took note of it in time; some may have dropped their copies; repeat it";
    default:
      return in + ": " + make_error_code(code).message();
  }
}

}  // namespace

milliseconds time_left(const http_request& request) noexcept {
  return std::chrono::ceil<milliseconds>(request.deadline - http_request::clock::now());
}

std::uint64_t bytes_served(const http_request& request, const http_response& response) noexcept {
  return request.method == http_method::head ? 0 : response.body.size();
}

door_answer refuse(const door_refusal& refusal) {
  return {problem(refusal.code, refusal.detail), refusal.code};
}

door_answer refuse(errc code, std::string detail) {
  return refuse({code, std::move(detail)});
}

http_response json_answer(const json_writer& json, unsigned status) {
  http_response response(status, json.text() + "\n");
  response.add("Content-Type", "application/json");
  return response;
}

void write_unconfirmed(json_writer& json, const change_result& done) {
  json.begin_object().name("nodes").begin_array();
  for (const auto& node : done.unconfirmed) json.value(node);
  json.end_array().member("bound_ms", done.bound.count()).end_object();
}

http_door::impl::impl(weir::engine& of, door_options with)
    : engine(of), options(std::move(with)), fields(of.self().id) {}

bool http_door::impl::try_hit(const http_request& request, http_response& response) {
  const auto route = find_route(request.path);
  if (route.page != door_page::key || !request.query.empty()) return false;
  auto keyspace = engine.find_keyspace(route.keyspace);
  if (!keyspace) return false;
  auto& session = session_of(request);
  if (!decode_path_segment_into(route.key, session.key)) return false;
  const auto attempt = request.is_repeated ? read_attempt::again : read_attempt::first;
  auto found = keyspace.peek(session.key, attempt);
  if (!found) {
    session.attempt = attempt;
    return false;
  }
  if (!session.allows(keyspace.name(), session.key, found->entry.version)) {
    session.attempt = read_attempt::again;  // the read is counted already
    return false;
  }
  const door_outcome outcome = found->found ? door_outcome() : errc::not_found;
  const auto is_found = found->found;
  answer(request, std::move(*found), keyspace.name(), response, session.scratch);
  if (request.is_repeated) return true;
  const auto took = http_request::clock::now() - request.arrived;
  counters_of(session, keyspace.name())
      .count(door_op::get, outcome, took, is_found ? bytes_served(request, response) : 0);
  return true;
}

asio::awaitable<http_response> http_door::impl::handle_data(const http_request& request) {
  const auto route = find_route(request.path);
  if (is_action(route.page) && request.method == http_method::post) {
    co_return co_await administer(request, route.page);
  }
  if (route.page != door_page::key && route.page != door_page::keyspace) {
    co_return view(request, route.page);  // turned away at first, and let in since
  }
  const auto decoded = decode_path_segment(route.keyspace);
  if (!decoded) co_return refuse(errc::bad_request, "a malformed % in the keyspace").response;
  if (request.method == http_method::options) {
    http_response response(204);
    response.add("Allow", allowed_in(route, *decoded));
    co_return response;
  }
  if (request.method == http_method::get && asks_for_keys(request, route.page)) {
    co_return keys(request, *decoded);
  }
  auto op = op_of(request, route.page);
  if (!op) co_return method_not_allowed(request, allowed_in(route, *decoded));
  auto done = co_await dispatch(request, route, *decoded, *op);
  if (request.is_repeated) co_return std::move(done.response);
  const bool is_known = static_cast<bool>(engine.find_keyspace(*decoded));
  auto& counted = counters_of(session_of(request), is_known ? *decoded : std::string_view());
  counted.count(*op, done.outcome, http_request::clock::now() - request.arrived, done.served);
  co_return std::move(done.response);
}

asio::awaitable<door_answer> http_door::impl::dispatch(
    const http_request& request, const door_route& route, std::string_view keyspace, door_op& op
) {
  if (time_left(request) <= milliseconds(0)) {
    co_return refuse(errc::deadline_exceeded, "the request itself took longer than its time-out");
  }
  door_target target;
  if (auto refused = find_target(route, keyspace, target)) co_return std::move(*refused);
  const std::string_view known = op == door_op::get               ? "explain fresh"
                                 : op == door_op::put             ? "ttl"
                                 : op == door_op::get_many        ? "get"
                                 : op == door_op::invalidate_many ? "purge"
                                                                  : "";
  if (const auto unknown = unknown_parameter(request.query, known); !unknown.empty()) {
    co_return refuse(
        errc::bad_request,
        "unknown parameter \"" + std::string(unknown) +
            "\"; a '?' that belongs to the key is written %3F"
    );
  }
  if (const auto twice = doubled_parameter(request.query); !twice.empty()) {
    co_return refuse(
        errc::bad_request, "parameter \"" + std::string(twice) + "\" stands there twice; send one"
    );
  }
  if (const auto refused = refuse_fields(request, op)) {
    door_answer done;
    const auto title = refused->status == 415 ? "Unsupported media type" : "Bad request";
    done.response = problem(refused->status, name(errc::bad_request), title, refused->detail);
    done.outcome = errc::bad_request;
    co_return done;
  }
  switch (op) {
    case door_op::get:
      co_return co_await get(request, std::move(target));
    case door_op::put:
      co_return co_await put(request, std::move(target));
    case door_op::remove:
      co_return co_await remove(request, std::move(target));
    case door_op::invalidate:
      co_return co_await purge(request, std::move(target));
    case door_op::get_many:
      co_return co_await get_many(request, std::move(target.keyspace));
    case door_op::invalidate_many:
    case door_op::clear:
      break;
  }
  co_return co_await purge_many(request, std::move(target.keyspace), op);
}

std::optional<door_answer> http_door::impl::find_target(
    const door_route& route, std::string_view keyspace, door_target& out
) const {
  out.keyspace = engine.find_keyspace(keyspace);
  if (!out.keyspace) {
    return refuse(errc::no_keyspace, not_here(keyspace));
  }
  if (route.page != door_page::key) return std::nullopt;
  if (!decode_path_segment_into(route.key, out.key)) {
    return refuse(
        errc::bad_request, "a '%' in the key is not followed by two hex digits; write %25 for '%'"
    );
  }
  const auto max_key = out.keyspace.max_key();
  if (out.key.empty()) {
    return refuse(errc::bad_key, "the key is empty; it is all that follows /v1/{keyspace}/");
  }
  if (out.key.size() > max_key) {
    return refuse(
        errc::too_large,
        "the key has " + std::to_string(out.key.size()) + " bytes, at most " +
            std::to_string(max_key) + " are allowed"
    );
  }
  return std::nullopt;
}

door_answer http_door::impl::failure(const error& why, const weir::keyspace& keyspace, door_op op)
    const {
  const auto code = table_code(why, op);
  if (code != errc::method_not_allowed) {
    return {problem(code, describe(code, why, keyspace, op), why.remark()), code};
  }
  door_answer done;
  if (keyspace.options().writes == writes::allow) {
    done = refuse(
        code,
        "the source of keyspace \"" + std::string(keyspace.name()) +
            "\" cannot make this change: it has no statement for it, or no revision to compare"
    );
    done.response.add("Allow", allowed_with_writes);
    return done;
  }
  done = refuse(
      code,
      "keyspace \"" + std::string(keyspace.name()) +
          "\" takes no writes; `writes: allow` in its settings lets it"
  );
  done.response.add("Allow", allowed_methods(door_page::key));
  return done;
}

/// That there is no such keyspace, and which one may have been meant.
std::string http_door::impl::not_here(std::string_view keyspace) const {
  std::string text = "this node has no keyspace \"" + std::string(keyspace.substr(0, 64)) + "\"; ";
  for (const auto& each : engine.keyspaces()) {
    if (is_near_miss(keyspace, each.name())) {
      return text.append("did you mean \"").append(each.name()).append("\"?");
    }
  }
  return text.append("GET /cluster/keyspaces lists those it has");
}

http_response http_door::impl::method_not_allowed(
    const http_request& request, std::string_view allowed
) const {
  auto text = std::string(name(request.method)) +
              " is not for this address; allowed: " + std::string(allowed);
  const auto route = find_route(request.path);
  if (route.page == door_page::keyspace) {
    const auto here =
        "/v1/" + (route.keyspace.empty() ? "{keyspace}" : std::string(route.keyspace));
    const bool drops =
        request.method == http_method::delete_ || request.method == http_method::purge;
    text += drops ? "; to drop all copies, POST {\"all\": true} to " + here + "?purge"
                  : "; one key is at " + here + "/{key}, several by POST to " + here +
                        "?get, what this node keeps by GET to " + here + "?keys";
  }
  auto response = problem(errc::method_not_allowed, text);
  response.add("Allow", allowed);
  return response;
}

std::string_view http_door::impl::allowed_in(const door_route& route, std::string_view keyspace)
    const {
  if (route.page != door_page::key) return allowed_methods(route.page);
  const auto found = engine.find_keyspace(keyspace);
  const bool may_write = found && found.options().writes == writes::allow;
  return may_write ? allowed_with_writes : allowed_methods(door_page::key);
}

door_verdict http_door::impl::judge(const http_request& request) const {
  const bool may_change = request.method != http_method::get || !request.query.empty();
  if (!may_change && !auth.is_on() && !options.is_local) return door_verdict::allowed;
  const auto route = find_route(request.path);
  const bool is_probe = route.page == door_page::livez || route.page == door_page::readyz;
  if (may_change && is_change(request, route.page) && is_from_foreign_page(request)) {
    return door_verdict::foreign_page;
  }
  if (auth.is_on()) return auth.judge(request, route, session_of(request).pass);
  const bool is_elsewhere =
      options.is_local && !is_probe && !request.host.empty() && !is_this_machine(request.host);
  return is_elsewhere ? door_verdict::foreign_host : door_verdict::allowed;
}

asio::awaitable<http_response> http_door::impl::turn_away(
    const http_request& request, door_verdict verdict
) const {
  auth.count(verdict);
  if (verdict == door_verdict::ambiguous) {
    co_return problem(errc::bad_request, "Authorization stands there twice; send one");
  }
  if (verdict != door_verdict::unauthorized) co_return problem(errc::forbidden, text_of(verdict));
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_at(std::min(request.arrived + pause_of_strangers, request.deadline));
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  const bool was_shown = request.header("Authorization").has_value();
  auto response = problem(
      errc::unauthorized,
      was_shown ? "the token is not known here" : "send Authorization: Bearer TOKEN"
  );
  response.add(
      "WWW-Authenticate",
      was_shown ? "Bearer realm=\"weir\", error=\"invalid_token\"" : "Bearer realm=\"weir\""
  );
  co_return response;
}

std::uint64_t http_door::impl::body_limit(const http_request& request) const {
  if (judge(request) != door_verdict::allowed) return small_body;
  const auto route = find_route(request.path);
  const auto name = decode_path_segment(route.keyspace);
  const auto keyspace = name ? engine.find_keyspace(*name) : weir::keyspace();
  if (!keyspace) return small_body;
  const auto& settings = keyspace.options();
  if (route.page == door_page::key && request.method == http_method::put) {
    return settings.max_entry;
  }
  if (route.page == door_page::keyspace) {
    return small_body + max_batch_keys * (settings.max_key * longest_escape + 4);
  }
  return small_body;
}

door_session& http_door::impl::session_of(const http_request& request) const {
  auto& state = request.session->state;
  if (!state) state = std::make_shared<door_session>();
  return *static_cast<door_session*>(state.get());
}

request_counters& http_door::impl::counters_of(door_session& session, std::string_view keyspace) {
  if (session.counters == nullptr || session.keyspace != keyspace) {
    session.keyspace = keyspace;
    session.counters = &counters.of(keyspace);
  }
  return *session.counters;
}

http_door::http_door(engine& of, door_options options)
    : impl_(std::make_unique<impl>(of, std::move(options))) {}

http_door::~http_door() = default;

void http_door::set_tokens(const std::vector<door_token>& tokens) {
  impl_->auth.replace(tokens);
}

bool http_door::try_handle(const http_request& request, http_response& response) {
  if (impl_->judge(request) != door_verdict::allowed) return false;
  const bool is_get = request.method == http_method::get || request.method == http_method::head;
  if (is_get && impl_->try_hit(request, response)) return true;
  const auto page = find_route(request.path).page;
  if (page == door_page::key || page == door_page::keyspace) return false;
  if (is_action(page) && request.method == http_method::post) return false;
  if (asks_all_nodes(request, page)) return false;
  response = impl_->view(request, page);
  return true;
}

asio::awaitable<http_response> http_door::handle(const http_request& request) {
  const auto verdict = impl_->judge(request);
  if (verdict != door_verdict::allowed) return impl_->turn_away(request, verdict);
  if (asks_all_nodes(request, find_route(request.path).page)) return impl_->all_stats(request);
  return impl_->handle_data(request);
}

std::uint64_t http_door::body_limit(const http_request& request) const {
  return impl_->body_limit(request);
}

bool http_door::may_be_large(const http_request& request) const {
  const auto page = find_route(request.path).page;
  return request.method == http_method::get
             ? page == door_page::key
             : page == door_page::keyspace && !is_change(request, page);
}

void http_door::note(const cluster_event& event) noexcept {
  if (event.name == "ring.changed") {
    impl_->digest_changes.fetch_add(1, std::memory_order_relaxed);
  }
}

std::string http_door::report() const {
  return impl_->report();
}

std::string http_door::metrics() const {
  return impl_->metrics();
}

}  // namespace weir
