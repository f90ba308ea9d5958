#include "nats/nats_server.hpp"

#include <weir/engine/errc.hpp>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace weir {
namespace {

namespace json = boost::json;

constexpr std::uint16_t usual_port = 4222;

bool has_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == text.npos) return false;
  const auto bracket = text.rfind(']');
  return bracket == text.npos || colon > bracket;
}

}  // namespace

result<nats_server> parse_nats_server(std::string_view text) {
  nats_server made;
  if (const auto end = text.find("://"); end != text.npos) {
    const auto scheme = text.substr(0, end);
    if (scheme != "nats" && scheme != "tls") return make_error_code(errc::bad_request);
    made.needs_tls = scheme == "tls";
    text.remove_prefix(end + 3);
  }
  if (text.find_first_of("@/?#") != text.npos) return make_error_code(errc::bad_request);
  std::string full(text);
  if (!has_port(text)) full += ':' + std::to_string(usual_port);
  auto where = parse_host_port(full);
  if (!where) return where.error();
  if (where->host.empty() || where->port == 0) return make_error_code(errc::bad_request);
  made.where = std::move(*where);
  made.tls_name = made.where.host;
  return made;
}

std::string write_nats_connect(const nats_connect& words) {
  json::object made{
      {"verbose", false},
      {"pedantic", false},
      {"headers", false},
      {"echo", true},
      {"protocol", 1},
      {"lang", "c++"},
      {"version", "1"}};
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!value.empty()) made[key] = json::string_view(value.data(), value.size());
  };
  add("name", words.name);
  add("user", words.user);
  add("pass", words.password);
  add("auth_token", words.token);
  return "CONNECT " + json::serialize(made) + "\r\n";
}

}  // namespace weir
