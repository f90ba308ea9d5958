#include "decode/decode.hpp"
#include "text/text.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <utility>

namespace weir::config {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t max_secret_bytes = std::size_t{8} * 1024;

const field& node_id_row() {
  return *settings_shape().find("node")->rows->find("id");
}

parsed<static_peer> parse_peer(const node& given) {
  const std::size_t equals = given.text.find('=');
  if (equals == given.text.npos) {
    return complaint{quoted(given.text) + " names no node id", "write id=host:port"};
  }
  const std::string id = given.text.substr(0, equals);
  if (id == "auto") return complaint{"\"auto\" cannot be the id of a peer", "write its node.id"};
  if (auto checked = decode_text(node_id_row(), id); !checked) return checked.error();
  const auto where = parse_address(std::string_view(given.text).substr(equals + 1));
  if (!where) return where.error();
  if (where->host.empty() || where->port == 0) {
    return complaint{quoted(given.text) + " has no address to dial", "write id=host:port"};
  }
  return static_peer{id, *where};
}

/// `10.0.0.2`, `10.0.0.2:5353`, `fd00::2`, `[fd00::2]:5353`.
parsed<address> parse_server(std::string_view text) {
  error_code bad;
  if (asio::ip::make_address(text, bad); !bad) return address{std::string(text), dns_port};
  const auto where = parse_address(text);
  if (where) asio::ip::make_address(where->host, bad);
  if (where && !bad && where->port != 0) return *where;
  return complaint{quoted(text) + " is not the address of a server", "write ip or ip:port"};
}

bool is_token(std::string_view name) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && name.size() <= 128 &&
         std::all_of(name.begin(), name.end(), [&](unsigned char c) {
           return std::isalnum(c) != 0 || marks.find(static_cast<char>(c)) != marks.npos;
         });
}

bool same_name(std::string_view a, std::string_view b) {
  return lower(a) == lower(b);
}

/// Headers that the HTTP client sets itself.
bool is_reserved(std::string_view name) {
  constexpr std::array reserved{
      "connection",
      "content-length",
      "expect",
      "host",
      "if-none-match",
      "keep-alive",
      "range",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade"};
  return std::any_of(reserved.begin(), reserved.end(), [&](const char* each) {
    return same_name(each, name);
  });
}

std::optional<complaint> check_secret(const std::string& text) {
  if (text.empty()) return complaint{"the text is empty", ""};
  if (text.size() > max_secret_bytes) return complaint{"the text is over 8 KiB", ""};
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return complaint{"the text contains a control character or line break", "remove it"};
  }
  return std::nullopt;
}

/// The secret behind `{env: NAME}` or `{file: path}`.
parsed<secret_text> read_secret(const member& given, const outside& world) {
  secret_text secret{secret_text::origin::env, given.value.text, {}, {}};
  if (given.key == "env") {
    auto text = world.variable(secret.reference);
    if (!text) {
      return complaint{
          "the environment variable " + printable(secret.reference) + " is not set",
          "set it before the start"};
    }
    secret.value = *std::move(text);
  } else {
    secret.from = secret_text::origin::file;
    auto content = world.file(secret.reference, max_secret_bytes);
    if (const auto* bad = std::get_if<unreadable>(&content)) {
      return complaint{quoted(secret.reference) + " " + bad->reason, ""};
    }
    secret.value = std::get<std::string>(std::move(content));
    while (secret.value.ends_with('\n') || secret.value.ends_with('\r')) secret.value.pop_back();
  }
  if (auto bad = check_secret(secret.value)) {
    return complaint{quoted(secret.reference) + ": " + bad->text, bad->hint};
  }
  return secret;
}

void decode_secret(
    const node& given,
    const place& where,
    secret_text& into,
    const outside& world,
    reporter& problems
) {
  if (given.form == node::shape::refused) return;
  if (given.form == node::shape::scalar) {
    if (auto bad = check_secret(given.text)) problems.error(given.at, where, *bad);
    into = {secret_text::origin::plain, {}, given.text, given.written};
    return;
  }
  const bool single = given.form == node::shape::map && given.members.size() == 1;
  const member* source = single ? &given.members.front() : nullptr;
  if (source == nullptr || (source->key != "env" && source->key != "file")) {
    report_type(given, where, "text, {env: NAME} or {file: path}", problems);
    return;
  }
  if (source->value.form != node::shape::scalar || source->value.text.empty()) {
    report_type(source->value, where.child(source->key), "text", problems);
    return;
  }
  auto secret = read_secret(*source, world);
  if (secret) {
    into = *std::move(secret);
  } else {
    problems.error(source->value.at, where, secret.error());
  }
}

}  // namespace

void decode_peers(
    const field& row,
    const node& given,
    const place& where,
    std::vector<static_peer>& into,
    reporter& problems
) {
  if (given.form != node::shape::list) {
    report_type(given, where, "a list of id=host:port", problems);
    return;
  }
  const auto most = static_cast<std::size_t>(*parse_integer(row.high));
  if (given.items.empty() || given.items.size() > most) {
    const bool none = given.items.empty();
    problems.error(
        given.at,
        where,
        {none ? "the list is empty" : "more than " + std::to_string(most) + " peers",
         none ? "write peers as id=host:port, or remove discovery for a lone node" : ""}
    );
    return;
  }
  for (std::size_t i = 0; i < given.items.size(); ++i) {
    const node& item = given.items[i];
    if (item.form != node::shape::scalar) {
      report_type(item, where.item(i), "id=host:port", problems);
      continue;
    }
    auto peer = parse_peer(item);
    if (!peer) {
      problems.error(item.at, where.item(i), peer.error());
      continue;
    }
    const auto clash = std::find_if(into.begin(), into.end(), [&](const static_peer& other) {
      return other.id == peer->id || other.address == peer->address;
    });
    if (clash == into.end()) {
      into.push_back(*std::move(peer));
    } else {
      const bool id = clash->id == peer->id;
      problems.error(
          item.at,
          where.item(i),
          {"the " + std::string(id ? "id " : "address ") +
               quoted(id ? peer->id : to_string(peer->address)) + " is listed twice",
           "remove one"}
      );
    }
  }
}

void decode_servers(
    const field& row,
    const node& given,
    const place& where,
    std::vector<address>& into,
    reporter& problems
) {
  if (given.form != node::shape::list) {
    report_type(given, where, "a list of ip:port", problems);
    return;
  }
  if (given.items.size() > *parse_integer(row.high)) {
    problems.error(given.at, where, {"more than " + std::string(row.high) + " servers", ""});
    return;
  }
  for (std::size_t i = 0; i < given.items.size(); ++i) {
    const node& item = given.items[i];
    if (item.form != node::shape::scalar) {
      report_type(item, where.item(i), "ip:port", problems);
      continue;
    }
    auto server = parse_server(item.text);
    if (!server) {
      problems.error(item.at, where.item(i), server.error());
    } else if (std::find(into.begin(), into.end(), *server) == into.end()) {
      into.push_back(*std::move(server));
    } else {
      problems.error(
          item.at, where.item(i), {quoted(item.text) + " is listed twice", "remove one"}
      );
    }
  }
}

void decode_texts(
    const field& row,
    const node& given,
    const place& where,
    std::vector<std::string>& into,
    reporter& problems
) {
  if (given.form != node::shape::list) {
    report_type(given, where, "a list of texts", problems);
    return;
  }
  const auto least = static_cast<std::size_t>(*parse_integer(row.low));
  const auto most = static_cast<std::size_t>(*parse_integer(row.high));
  if (given.items.size() < least || given.items.size() > most) {
    const bool none = given.items.empty();
    problems.error(
        given.at,
        where,
        {none ? "the list is empty"
              : "not " + std::to_string(least) + " to " + std::to_string(most) + " items",
         none ? "add at least one item" : ""}
    );
    return;
  }
  for (std::size_t i = 0; i < given.items.size(); ++i) {
    const node& item = given.items[i];
    if (item.form != node::shape::scalar) {
      report_type(item, where.item(i), "text", problems);
      continue;
    }
    const auto bad = row.rule != nullptr ? row.rule(value(item.text)) : std::nullopt;
    if (bad) {
      problems.error(item.at, where.item(i), *bad);
    } else if (std::find(into.begin(), into.end(), item.text) != into.end()) {
      problems.error(
          item.at, where.item(i), {quoted(item.text) + " is listed twice", "remove one"}
      );
    } else {
      into.push_back(item.text);
    }
  }
}

void decode_secret(
    const field& row,
    const node& given,
    const place& where,
    secret_text& into,
    const outside& world,
    reporter& problems
) {
  decode_secret(given, where, into, world, problems);
  if (row.low.empty() || into.value.empty()) return;
  const auto least = static_cast<std::size_t>(*parse_integer(row.low));
  if (into.value.size() >= least) return;
  problems.error(
      given.at, where, {"the text is too short", std::string(row.low) + " bytes at least"}
  );
}

void decode_headers(
    const field& row,
    const node& given,
    const place& where,
    std::vector<http_header>& into,
    const outside& world,
    reporter& problems
) {
  if (given.form != node::shape::map) {
    report_type(given, where, "a map of name to text", problems);
    return;
  }
  if (given.members.size() > *parse_integer(row.high)) {
    problems.error(given.at, where, {"more than " + std::string(row.high) + " headers", ""});
    return;
  }
  for (const auto& each : given.members) {
    if (!is_token(each.key)) {
      problems.error(each.at, where, {quoted(each.key) + " is not the name of a header", ""});
      continue;
    }
    if (is_reserved(each.key)) {
      problems.error(each.at, where, {quoted(each.key) + " is set by weir itself", "remove it"});
      continue;
    }
    const auto clash = std::find_if(into.begin(), into.end(), [&](const http_header& other) {
      return same_name(other.name, each.key);
    });
    if (clash != into.end()) {
      problems.error(
          each.at, where, {"the header " + quoted(each.key) + " is given twice", "remove one"}
      );
      continue;
    }
    http_header header{each.key, {}};
    decode_secret(each.value, where.child(each.key), header.value, world, problems);
    into.push_back(std::move(header));
  }
}

}  // namespace weir::config
