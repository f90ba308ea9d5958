#include "redis/redis_server.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>

namespace weir {
namespace {

constexpr std::string_view plain_scheme = "redis://", tls_scheme = "rediss://";

[[noreturn]] void refuse_redis(const std::string& field, const std::string& what) {
  throw bad_source(field, "weir: " + what);
}

bool is_loopback_host(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  error_code none;
  const auto address = asio::ip::make_address(host, none);
  return !none && address.is_loopback();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i != text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

/// "host", "host:port" or "[::1]:port". What is said of it repeats no more than the host.
host_port redis_place(std::string_view text) {
  const bool is_literal = text.starts_with('[');
  const bool has_port = is_literal ? !text.ends_with(']') : text.find(':') != text.npos;
  const auto read = parse_host_port(has_port ? std::string(text) : std::string(text) + ":6379");
  if (!read || read->port == 0)
    refuse_redis("url", "the URL of the redis source must be redis://user@host:port");
  if (!is_address(read->host) && !is_host_name(read->host))
    refuse_redis("url", "\"" + read->host + "\" is not the name of a host");
  return *read;
}

unsigned database_of(std::string_view path) {
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(path.data(), path.data() + path.size(), number);
  if (failed != std::errc() || end != path.data() + path.size())
    refuse_redis(
        "url", "the URL of the redis source ends in /N, the number of the database, or in nothing"
    );
  return number;
}

}  // namespace

redis_server::redis_server(const redis_source_options& options)
    : ca_(options.ca),
      user_(options.user),
      password_(options.password),
      database_(options.database) {
  std::string_view rest = options.url;
  is_secure_ = rest.starts_with(tls_scheme);
  if (!is_secure_ && !rest.starts_with(plain_scheme))
    refuse_redis("url", "the URL of the redis source must begin with redis:// or rediss://");
  rest.remove_prefix((is_secure_ ? tls_scheme : plain_scheme).size());
  if (const auto at = rest.rfind('@'); at != rest.npos) {
    const auto login = rest.substr(0, at);
    if (login.find(':') != login.npos)
      refuse_redis("url", "the URL has a password in it; give it as password: {env: NAME}");
    const auto user = percent_decoded(login);
    if (!user)
      refuse_redis("url", "the user in the URL has a % that no two hexadecimal digits follow");
    if (!user->empty() && !user_.empty() && *user != user_)
      refuse_redis("user", "the URL names another user");
    if (!user->empty()) user_ = *user;
    rest.remove_prefix(at + 1);
  }
  if (const auto slash = rest.find_first_of("/?#"); slash != rest.npos) {
    const auto path = rest.substr(slash);
    rest = rest.substr(0, slash);
    if (path != "/") {
      const auto number = database_of(path.substr(path.front() == '/' ? 1 : 0));
      if (database_ != 0 && number != database_)
        refuse_redis("database", "the URL names another database");
      database_ = number;
    }
  }
  where_ = redis_place(rest);
  name_ = to_string(where_);
  if (!user_.empty() && password_.empty())
    refuse_redis("password", "the redis source has a user, \"" + user_ + "\", and no password");
  if (!ca_.empty()) {
    std::error_code unreadable;
    if (!is_secure_) refuse_redis("ca", "ca is for TLS: write rediss:// in the URL");
    if (!std::filesystem::is_regular_file(ca_, unreadable))
      refuse_redis("ca", "there is no file " + ca_);
  }
  if (is_secure_ && ca_.empty()) {
    auto made = make_tls_client("");
    if (!made) refuse_redis("ca", made.error().text);
    tls_ = std::move(*made);
  }
  if (!is_secure_ && !options.insecure && !is_loopback_host(where_.host)) {
    refuse_redis(
        "url",
        "the connection to " + name_ +
            " would be plain text: write rediss:// for TLS, or accept it by insecure: true"
    );
  }
}

resp_connection_options redis_server::connection(resp_limits limits) const {
  resp_connection_options made{
      .server = where_, .is_secure = is_secure_, .tls = tls_, .ca = ca_, .limits = limits};
  const std::string user = user_.empty() ? "default" : user_;
  if (password_.empty()) {
    made.greeting.add({"HELLO", "3", "SETNAME", "weir"});
  } else {
    made.greeting.add({"HELLO", "3", "AUTH", user, password_, "SETNAME", "weir"});
  }
  if (database_ != 0) made.greeting.add({"SELECT", std::to_string(database_)});
  return made;
}

}  // namespace weir
