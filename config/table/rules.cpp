#include "table/table.hpp"
#include "text/text.hpp"
#include "yaml/scalars.hpp"

#include <algorithm>
#include <string>

namespace weir::config {

namespace {

std::optional<complaint> check_braces(std::string_view text) {
  const std::size_t open = text.find('{');
  if (open == text.npos && text.find('}') == text.npos) return std::nullopt;
  const std::size_t close = open == text.npos ? text.npos : text.find('}', open);
  const std::size_t end = close == text.npos ? text.npos : close + 1 - open;
  const std::string_view found = open == text.npos ? "}" : text.substr(open, end);
  if (found != placeholder)
    return complaint{quoted(found) + " is not a placeholder", "write {key}"};
  return check_braces(text.substr(close + 1));
}

bool is_url_character(char c) {
  return c > 0x20 && c < 0x7f && std::string_view("\"<>\\^`|").find(c) == std::string_view::npos;
}

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::optional<complaint> check_escapes(std::string_view target) {
  if (target.find_first_of("[]") != target.npos) {
    return complaint{"the URL contains a bracket", "write %5B and %5D"};
  }
  for (std::size_t at = target.find('%'); at != target.npos; at = target.find('%', at + 1)) {
    if (at + 2 < target.size() && is_hex(target[at + 1]) && is_hex(target[at + 2])) continue;
    return complaint{"the URL contains a % without two hex digits after it", "write %25"};
  }
  return std::nullopt;
}

std::optional<complaint> check_authority(std::string_view authority) {
  if (authority.empty()) return complaint{"the URL names no host", "write http://host:port/..."};
  if (authority.find('@') != authority.npos) {
    return complaint{
        "the URL contains a user name or password", "put credentials into headers as {env: NAME}"};
  }
  if (authority.find('{') != authority.npos) {
    return complaint{"{key} may not choose the host", "put {key} into the path"};
  }
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != authority.npos && authority.back() != ']';
  const auto host =
      parse_address(has_port ? std::string(authority) : std::string(authority) + ":80");
  if (!host) return host.error();
  if (host->host.empty()) return complaint{"the URL names no host", "write http://host:port/..."};
  if (host->port == 0) return complaint{"the URL has port 0", "a port is a number from 1 to 65535"};
  return std::nullopt;
}

/// `query` without comments and without what stands in quotes of any of SQLite's four kinds; what
/// remains is told apart as SQLite's own tokenizer does.
std::string bare_sql(std::string_view query) {
  std::string out;
  for (std::size_t i = 0; i < query.size(); ++i) {
    const char c = query[i];
    const std::string_view rest = query.substr(i);
    std::size_t end = query.npos;
    if (c == '\'' || c == '"' || c == '`' || c == '[') {
      end = query.find(c == '[' ? ']' : c, i + 1);
    } else if (rest.starts_with("--")) {
      end = query.find('\n', i);
    } else if (rest.starts_with("/*")) {
      end = query.find("*/", i + 2);
      if (end != query.npos) ++end;
    } else {
      out += c;
      continue;
    }
    if (end == query.npos) break;
    i = end;
    out += ' ';
  }
  return out;
}

/// What a query without ?1 lacks. Text that other programs replace is only named here: with ?1 it
/// is a literal, as in strftime('%s').
complaint no_key(std::string_view written) {
  for (const std::string_view replaced : {std::string_view("%s"), placeholder}) {
    if (written.find(replaced) == written.npos) continue;
    return complaint{
        "the query uses text replacement (" + std::string(replaced) + ")",
        "write ?1 for the key, without quotes"};
  }
  return complaint{"the query does not contain ?1", "write ?1 for the key, without quotes"};
}

bool word_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

}  // namespace

std::optional<complaint> check_url(const value& given) {
  const std::string& url = std::get<std::string>(given);
  const std::string_view scheme = url.starts_with("https://") ? "https://" : "http://";
  if (!url.starts_with(scheme)) {
    return complaint{quoted(url) + " is not an http URL", "write http://host:port/path/{key}"};
  }
  if (!std::all_of(url.begin(), url.end(), is_url_character)) {
    return complaint{
        "the URL contains a character that URLs do not have", "percent-encode it, such as %20"};
  }
  const std::string_view rest = std::string_view(url).substr(scheme.size());
  const std::size_t end = std::min(rest.size(), rest.find_first_of("/?#"));
  if (auto bad = check_authority(rest.substr(0, end))) return bad;
  const std::string_view target = rest.substr(end);
  if (target.find('#') != target.npos)
    return complaint{"the URL has a fragment", "remove # and what follows"};
  if (auto bad = check_braces(target)) return bad;
  if (auto bad = check_escapes(target)) return bad;
  if (target.find(placeholder) == target.npos) {
    return complaint{"the URL does not contain {key}", "write http://host:port/path/{key}"};
  }
  return std::nullopt;
}

std::optional<complaint> check_query(const value& given) {
  const std::string& written = std::get<std::string>(given);
  const std::string sql = bare_sql(written);
  bool has_key = false;
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const std::string_view rest = std::string_view(sql).substr(i);
    const bool placeholder_start = rest.size() > 1 && word_character(rest[1]);
    if (rest[0] == '?') {
      const std::size_t last = rest.find_first_not_of("0123456789", 1);
      const std::string_view parameter = rest.substr(0, last);
      if (parameter != "?1") {
        return complaint{
            "the query has the parameter " + quoted(parameter), "write ?1 for the key"};
      }
      has_key = true;
    } else if (
        (rest[0] == '$' || rest[0] == ':' || rest[0] == '@') && placeholder_start &&
        (i == 0 || !word_character(sql[i - 1]))  // a$b is a name
    ) {
      const auto stop = std::find_if_not(rest.begin() + 1, rest.end(), word_character);
      const auto length = static_cast<std::size_t>(stop - rest.begin());
      return complaint{
          "the query has the parameter " + quoted(rest.substr(0, length)), "write ?1 for the key"};
    }
  }
  if (!has_key) return no_key(written);
  return std::nullopt;
}

std::optional<complaint> check_postgres_url(const value& given) {
  const std::string_view text = std::get<std::string>(given);
  const auto scheme = text.substr(0, std::min(text.find("://"), text.size()));
  if (scheme != "postgresql" && scheme != "postgres") {
    return complaint{"this is no PostgreSQL URL", "write postgresql://user@host:5432/database"};
  }
  const auto rest = text.substr(std::min(scheme.size() + 3, text.size()));
  const auto user =
      rest.substr(0, std::min({rest.find('@'), rest.find_first_of("/?"), rest.size()}));
  const bool is_user = user.size() < rest.size() && rest[user.size()] == '@';
  if ((is_user && user.find(':') != user.npos) || rest.find("password=") != rest.npos) {
    return complaint{"the URL has a password in it", "give it as password: {env: NAME}"};
  }
  return std::nullopt;
}

std::optional<complaint> check_redis_url(const value& given) {
  const std::string_view text = std::get<std::string>(given);
  const auto scheme = text.substr(0, std::min(text.find("://"), text.size()));
  if (scheme != "redis" && scheme != "rediss") {
    return complaint{
        "this is no Redis URL", "write redis://host:6379, or rediss://host:6379 for TLS"};
  }
  const auto rest = text.substr(std::min(scheme.size() + 3, text.size()));
  const auto at = rest.rfind('@');
  if (at != rest.npos && rest.substr(0, at).find(':') != rest.npos) {
    return complaint{"the URL has a password in it", "give it as password: {env: NAME}"};
  }
  return std::nullopt;
}

/// The same as the client dials: `nats://host`, `tls://host:port`.
std::optional<complaint> check_nats_server(const value& given) {
  constexpr const char* form = "write nats://host:4222 or tls://host:4222";
  std::string_view text = std::get<std::string>(given);
  const std::size_t scheme = text.find("://");
  if (text.find('@') != text.npos) {
    return complaint{
        "the server has a user name or password in it", "write them as user and password"};
  }
  const auto word = text.substr(0, scheme);
  if (scheme == text.npos || (word != "nats" && word != "tls")) {
    return complaint{quoted(text) + " is not a NATS server", form};
  }
  const auto rest = std::string(text.substr(scheme + 3));
  const std::size_t colon = rest.rfind(':');
  const bool has_port = colon != rest.npos && rest.back() != ']';
  const auto where = parse_address(has_port ? rest : rest + ":4222");
  if (!where || where->host.empty() || where->port == 0) {
    return complaint{quoted(text) + " is not a NATS server", form};
  }
  return std::nullopt;
}

std::optional<complaint> check_nats_subject(const value& given) {
  const auto& text = std::get<std::string>(given);
  const bool has_empty_word =
      text.starts_with('.') || text.ends_with('.') || text.find("..") != text.npos;
  if (!has_empty_word) return std::nullopt;
  return complaint{
      quoted(text) + " has an empty word", "write words with single dots between them"};
}

std::optional<complaint> check_right(const value& given) {
  const std::string& right = std::get<std::string>(given);
  if (right == "read" || right == "write" || right == "admin") return std::nullopt;
  return complaint{quoted(right) + " is not a right", "one of read, write, admin"};
}

std::optional<complaint> check_kubernetes_name(const value& given) {
  const auto& text = std::get<std::string>(given);
  if (!text.starts_with('-') && !text.ends_with('-')) return std::nullopt;
  return complaint{quoted(text) + " begins or ends with a dash", "write the name of the object"};
}

std::optional<complaint> check_kubernetes_api(const value& given) {
  constexpr const char* form = "write https://host:port";
  const auto& text = std::get<std::string>(given);
  const bool is_secure = text.starts_with("https://");
  if (!is_secure && !text.starts_with("http://")) {
    return complaint{quoted(text) + " is not the URL of an API server", form};
  }
  const std::string_view rest = std::string_view(text).substr(is_secure ? 8 : 7);
  const std::string server(rest.substr(0, rest.find('/')));
  if (rest.find_first_of("?#@ ") != rest.npos) {
    return complaint{quoted(text) + " has more than host, port and path", form};
  }
  const std::size_t bracket = std::min(server.rfind(']'), server.size());
  const std::size_t begin = bracket == server.size() ? 0 : bracket;
  const bool has_port = server.find(':', begin) != server.npos;
  const auto where = parse_address(has_port ? server : server + ":443");
  if (where && !where->host.empty() && where->port != 0) return std::nullopt;
  return complaint{quoted(text) + " is not the URL of an API server", form};
}

std::optional<complaint> check_path(const value& given) {
  const std::string& path = std::get<std::string>(given);
  if (std::any_of(path.begin(), path.end(), is_control)) {
    return complaint{"the path contains a control character", "remove it"};
  }
  return std::nullopt;
}

}  // namespace weir::config
