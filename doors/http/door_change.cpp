// PUT, DELETE and PURGE of one key.
#include "http/http_door_impl.hpp"

#include <utility>

namespace weir {
namespace {

// 204, or 202 with the names of those who did not confirm, with the key's new version.
door_answer written(const change_result& change) {
  door_answer done;
  if (change.is_partial()) {
    json_writer json;
    write_unconfirmed(json, change);
    done.response = json_answer(json, 202);
    done.outcome = door_outcome::partial();
  } else {
    done.response.status = 204;
  }
  if (change.version) {
    std::string etag;
    append_etag(etag, change.version);
    done.response.add("ETag", etag);
  }
  done.response.add("Weir-Stored", change.is_stored ? "source" : "cache");
  return done;
}

}  // namespace

std::string_view door_session::full_key(std::string_view keyspace, std::string_view of) {
  full_key_.assign(keyspace).append(1, '/').append(of);
  return full_key_;
}

bool door_session::allows(std::string_view keyspace, std::string_view of, version read) {
  return !order || order->judge(full_key(keyspace, of), read) == session_order::verdict::good;
}

void door_session::read(std::string_view keyspace, std::string_view of, version seen) {
  if (order) order->note(full_key(keyspace, of), seen);
}

void door_session::changed(
    std::string_view keyspace, std::string_view of, const result<change_result>& done
) {
  if (!done && done.error() != errc::unknown_outcome) return;
  if (!order) order = std::make_unique<session_order>();
  if (done && done->version) return order->note(full_key(keyspace, of), done->version);
  order->doubt(full_key(keyspace, of));
}

asio::awaitable<door_answer> http_door::impl::put(const http_request& request, door_target target) {
  if (target.keyspace.options().writes == writes::deny) {
    co_return failure(errc::method_not_allowed, target.keyspace, door_op::put);
  }
  put_options how;
  if (const auto refused = read_ttl(request.query, how.ttl)) co_return refuse(*refused);
  if (const auto refused = read_condition(request, how.condition)) co_return refuse(*refused);
  how.timeout = time_left(request);
  // An empty body may have no address, which bytes would pass to memcpy.
  bytes value = request.body.empty() ? bytes() : bytes(request.body);
  const auto changed = co_await target.keyspace.async_put(target.key, std::move(value), how);
  session_of(request).changed(target.keyspace.name(), target.key, changed);
  if (!changed) co_return failure(changed.error(), target.keyspace, door_op::put);
  co_return written(*changed);
}

asio::awaitable<door_answer> http_door::impl::remove(
    const http_request& request, door_target target
) {
  if (target.keyspace.options().writes == writes::deny) {
    co_return failure(errc::method_not_allowed, target.keyspace, door_op::remove);
  }
  change_options how;
  if (const auto refused = read_condition(request, how.condition)) co_return refuse(*refused);
  if (how.condition.when == precondition::kind::absent) {
    co_return refuse(errc::bad_request, "DELETE takes If-Match; an absent key is deleted already");
  }
  how.timeout = time_left(request);
  const auto changed = co_await target.keyspace.async_remove(target.key, how);
  session_of(request).changed(target.keyspace.name(), target.key, changed);
  if (!changed) co_return failure(changed.error(), target.keyspace, door_op::remove);
  co_return written(*changed);
}

asio::awaitable<door_answer> http_door::impl::purge(
    const http_request& request, door_target target
) {
  if (request.header("If-Match") || request.header("If-None-Match")) {
    co_return refuse(errc::bad_request, "PURGE takes no precondition; it drops copies, not values");
  }
  change_options how;
  how.timeout = time_left(request);
  const auto changed = co_await target.keyspace.async_invalidate(target.key, how);
  session_of(request).changed(target.keyspace.name(), target.key, changed);
  if (!changed) co_return failure(changed.error(), target.keyspace, door_op::invalidate);
  json_writer json;
  write_unconfirmed(json, *changed);
  door_answer done{json_answer(json, changed->is_partial() ? 202 : 200), {}};
  if (changed->is_partial()) done.outcome = door_outcome::partial();
  co_return done;
}

}  // namespace weir
