// GET /v1/{keyspace}?keys: what this node keeps.
#include "http/http_door_impl.hpp"

#include <weir/engine/limits.hpp>
#include <weir/transport/http_target.hpp>

#include <charconv>

namespace weir {
namespace {

constexpr std::size_t default_limit = 100;

/// The value of `limit`; nothing when it is no number from 1 to max_listed_keys.
std::optional<std::size_t> limit_in(std::string_view query) {
  const auto text = query_parameter(query, "limit");
  if (!text) return default_limit;
  std::size_t limit = 0;
  const auto* end = text->data() + text->size();
  const auto [at, failed] = std::from_chars(text->data(), end, limit);
  if (failed != std::errc() || at != end || limit < 1 || limit > max_listed_keys)
    return std::nullopt;
  return limit;
}

}  // namespace

http_response http_door::impl::keys(const http_request& request, std::string_view name) const {
  door_target target;
  const door_route route{door_page::keyspace, name, {}};
  if (auto refused = find_target(route, name, target)) return std::move(refused->response);
  const auto unknown = unknown_parameter(request.query, "keys limit");
  const auto limit = limit_in(request.query);
  if (!unknown.empty() || !limit) {
    return problem(
        errc::bad_request,
        "write ?keys, or ?keys&limit=N with N from 1 to " + std::to_string(max_listed_keys)
    );
  }
  std::string lines;
  for (const auto& each : target.keyspace.keys(*limit)) {
    json_writer json;
    json.begin_object();
    json.data_member("key", each.key);
    json.member("ttl_ms", each.ttl.count()).member("near", each.is_near).end_object();
    lines += json.text() + "\n";
  }
  http_response response(200, lines);
  response.add("Content-Type", "application/x-ndjson");
  return response;
}

}  // namespace weir
