// Why the door did not do what a request asks: the code, the words and the methods that would work.
#include "http/http_door_impl.hpp"

#include <weir/transport/http_target.hpp>

namespace weir {
namespace {

bool is_read(door_op op) noexcept {
  return op == door_op::get || op == door_op::get_many;
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

}  // namespace weir
