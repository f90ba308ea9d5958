#pragma once

#include "common/door_counters.hpp"
#include "http/door_auth.hpp"
#include "http/door_conditions.hpp"
#include "http/door_fields.hpp"
#include "http/door_route.hpp"

#include <weir/doors/http_door.hpp>
#include <weir/engine/session.hpp>
#include <weir/transport/http_problem.hpp>
#include <weir/transport/json_writer.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// What the door remembers of one connection, so that a hit allocates nothing.
struct door_session {
  std::string keyspace;  ///< that `counters` belongs to
  request_counters* counters = nullptr;
  read_attempt attempt = read_attempt::first;  ///< of the request under way
  std::string key, scratch;
  door_pass pass;
  std::unique_ptr<session_order> order;  ///< made at the connection's first change

  /// Whether the connection's own changes allow this answer (C5); allocates only after a change.
  bool allows(std::string_view keyspace, std::string_view of, version read);
  void read(std::string_view keyspace, std::string_view of, version seen);
  void changed(std::string_view keyspace, std::string_view of, const result<change_result>& done);

 private:
  std::string_view full_key(std::string_view keyspace, std::string_view of);

  std::string full_key_;
};

/// An answer and what it counts as.
struct door_answer {
  http_response response;
  door_outcome outcome;
  std::uint64_t served = 0;  ///< bytes of values in it
};

/// A data request whose keyspace and key are known to be good.
struct door_target {
  weir::keyspace keyspace;
  std::string key;
};

/// The time that `request` has left; 0 or less when it is over.
milliseconds time_left(const http_request& request) noexcept;

/// The bytes of the value in `response`, which carries one or is 304.
std::uint64_t bytes_served(const http_request& request, const http_response& response) noexcept;

/// The answer of `refusal` as a problem document.
door_answer refuse(const door_refusal& refusal);
door_answer refuse(errc code, std::string detail);

/// An answer of status 200, or another, in JSON.
http_response json_answer(const json_writer& json, unsigned status = 200);

/// The metrics of the cluster as the engine sees it.
void append_cluster(metrics_text& out, const engine& of);

/// The member "stats" of a keyspace.
void write_stats(json_writer& json, const keyspace_stats& of);

/// The line of `/readyz?verbose` about the lease; never a failed check.
readiness_check lease_check(const lease_status& of);

/// The line about keyspaces whose settings differ at other nodes; never a failed check.
readiness_check config_check(const std::vector<member_status>& all);

/// The names of nodes that did not confirm a change, and for how long they may serve the old value.
void write_unconfirmed(json_writer& json, const change_result& done);

/// The body of http_door, spread over door_*.cpp by what is asked for.
struct http_door::impl {
  impl(weir::engine& of, door_options with);

  // http_door.cpp
  bool try_hit(const http_request& request, http_response& response);
  asio::awaitable<http_response> handle_data(const http_request& request);
  /// Sets `op` to what the body really asks for.
  asio::awaitable<door_answer> dispatch(
      const http_request& request, const door_route& route, std::string_view keyspace, door_op& op
  );
  std::uint64_t body_limit(const http_request& request) const;
  door_verdict judge(const http_request& request) const;
  /// Answers a request that is not allowed; one without a valid token after a pause.
  asio::awaitable<http_response> turn_away(const http_request& request, door_verdict verdict) const;
  http_response method_not_allowed(const http_request& request, std::string_view allowed) const;
  std::string_view allowed_in(const door_route& route, std::string_view keyspace) const;
  door_session& session_of(const http_request& request) const;
  request_counters& counters_of(door_session& session, std::string_view keyspace);
  std::string not_here(std::string_view keyspace) const;
  std::optional<door_answer> find_target(
      const door_route& route, std::string_view keyspace, door_target& out
  ) const;

  /// The answer for the error of an operation in `keyspace`.
  door_answer failure(const error& why, const weir::keyspace& keyspace, door_op op) const;

  // door_get.cpp
  asio::awaitable<door_answer> get(const http_request& request, door_target target);
  void answer(
      const http_request& request,
      lookup&& found,
      std::string_view keyspace,
      http_response& response,
      std::string& scratch
  ) const;

  // door_change.cpp
  asio::awaitable<door_answer> put(const http_request& request, door_target target);
  asio::awaitable<door_answer> remove(const http_request& request, door_target target);
  asio::awaitable<door_answer> purge(const http_request& request, door_target target);

  // door_batch.cpp
  asio::awaitable<door_answer> get_many(const http_request& request, weir::keyspace keyspace);
  asio::awaitable<door_answer> purge_many(
      const http_request& request, weir::keyspace keyspace, door_op& op
  );

  // door_views.cpp
  http_response view(const http_request& request, door_page page) const;
  http_response cluster() const;
  http_response ring(std::string_view query) const;
  http_response place(std::string_view raw) const;
  http_response keyspaces() const;
  http_response readyz(const http_request& request) const;
  std::vector<readiness_check> checks() const;
  bool is_ready() const;

  // door_stats.cpp
  http_response stats(const std::vector<member_report>& others) const;
  asio::awaitable<http_response> all_stats(const http_request& request) const;
  std::string report() const;

  // door_keys.cpp
  http_response keys(const http_request& request, std::string_view name) const;

  // door_admin.cpp
  asio::awaitable<http_response> administer(const http_request& request, door_page page) const;

  // door_members.cpp
  http_response members() const;
  http_response forget(const http_request& request) const;

  // door_metrics.cpp
  std::string metrics() const;

  weir::engine& engine;
  const door_options options;
  const door_fields fields;
  door_counters counters;
  door_auth auth;
  std::atomic<std::uint64_t> digest_changes{0};
};

}  // namespace weir
