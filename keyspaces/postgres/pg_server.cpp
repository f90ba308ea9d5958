#include "postgres/pg_server.hpp"

#include <weir/transport/host_port.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <filesystem>

namespace weir {
namespace {

using namespace std::string_view_literals;
using clock = std::chrono::steady_clock;

constexpr std::array taken{
    "user"sv, "dbname"sv, "application_name"sv, "options"sv, "target_session_attrs"sv};

[[noreturn]] void refuse(const std::string& field, const std::string& what) {
  throw bad_source(field, "weir: " + what);
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts(1);
  for (const char c : list) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

void append(std::string& faults, const pg_fault& next) {
  faults += (faults.empty() ? "" : "; ") + next.text;
}

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  error_code none;
  const auto address = asio::ip::make_address(host, none);
  return !none && address.is_loopback();
}

/// What is said of the URL must not repeat it, as there may be a password in it.
std::vector<std::pair<std::string, std::string>> parsed(const std::string& url) {
  const bool is_url = url.starts_with("postgresql://") || url.starts_with("postgres://");
  if (!is_url) refuse("url", "the URL of the postgres source must begin with postgresql://");
  char* why = nullptr;
  auto* const options = PQconninfoParse(url.c_str(), &why);
  PQfreemem(why);
  if (options == nullptr) {
    refuse(
        "url", "the URL of the postgres source is none; write postgresql://user@host:port/database"
    );
  }
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto* each = options; each->keyword != nullptr; ++each) {
    if (each->val != nullptr) found.emplace_back(each->keyword, each->val);
  }
  PQconninfoFree(options);
  return found;
}

}  // namespace

pg_server::pg_server(const postgres_source_options& options) {
  std::string hosts, ports;
  for (const auto& [keyword, value] : parsed(options.url)) {
    if (keyword == "host") {
      hosts = value;
    } else if (keyword == "port") {
      ports = value;
    } else {
      take(keyword, value);
    }
  }
  if (hosts.empty()) refuse("url", "the URL of the postgres source names no host");
  const auto names = split(hosts);
  const auto numbers = split(ports.empty() ? "5432" : ports);
  for (std::size_t i = 0; i != names.size(); ++i) {
    const auto& number = numbers.size() == names.size() ? numbers[i] : numbers[0];
    places_.push_back({names[i], number.empty() ? "5432" : number});
    const auto& at = places_.back();
    const bool is_good = at.is_folder() || is_address(at.host) || is_host_name(at.host);
    if (!is_good) refuse("url", "\"" + at.host + "\" is not the name of a host");
  }
  secure(options);
  if (!options.password.empty()) login_.emplace_back("password", options.password);
  const std::pair<std::string, std::string> always[] = {
      {"client_encoding", "UTF8"},
      {"fallback_application_name", "weir"},
      {"gssencmode", "disable"},
      {"keepalives_idle", "30"},
      {"keepalives_interval", "10"},
      {"keepalives_count", "3"},
  };
  login_.insert(login_.end(), std::begin(always), std::end(always));
}

void pg_server::take(const std::string& keyword, const std::string& value) {
  if (keyword == "password")
    refuse("url", "the URL has a password in it; give it as password: {env: NAME}");
  if (keyword.starts_with("ssl"))
    refuse("url", "the URL has the parameter " + keyword + "; TLS is set by ca and insecure");
  if (std::find(taken.begin(), taken.end(), keyword) == taken.end())
    refuse(
        "url", "the URL has the parameter " + keyword + ", which weir sets itself or cannot use"
    );
  login_.emplace_back(keyword, value);
}

void pg_server::secure(const postgres_source_options& options) {
  if (!options.ca.empty()) {
    std::error_code unreadable;
    if (!std::filesystem::is_regular_file(options.ca, unreadable))
      refuse("ca", "there is no file " + options.ca);
    login_.emplace_back("sslmode", "verify-full");
    login_.emplace_back("sslrootcert", options.ca);
    return;
  }
  const auto is_near = [](const place& at) { return at.is_folder() || is_loopback(at.host); };
  if (!options.insecure && !std::all_of(places_.begin(), places_.end(), is_near)) {
    refuse(
        "url",
        "the connection to " + name() +
            " would be plain text: give ca for TLS, or accept it by insecure: true"
    );
  }
  login_.emplace_back("sslmode", "disable");
}

std::string pg_server::name() const {
  std::string all;
  for (const auto& each : places_) {
    const bool is_v6 = each.host.find(':') != std::string::npos;
    all += (all.empty() ? "" : ",") + (is_v6 ? "[" + each.host + "]" : each.host) + ":" + each.port;
  }
  return all;
}

// libpq would try addresses in turn too, but wait for a silent one without end.
asio::awaitable<pg_connection::made> pg_server::async_connect(pg_connection::time_point deadline
) const {
  const auto here = co_await asio::this_coro::executor;
  pg_connection::made out;
  std::string faults;  // of all that were tried
  for (const auto& at : places_) {
    std::vector<std::string> addresses{at.host};
    if (!at.is_folder() && !is_address(at.host)) {
      resolver names(here);
      auto found = co_await names.async_resolve(at.host, deadline);
      if (!found) {
        out.fault =
            pg_fault{pg_fault::kind::lost, {}, "there is no address of the host " + at.host};
        if (found.error() == errc::deadline_exceeded) out.fault->what = pg_fault::kind::late;
        append(faults, *out.fault);
        continue;
      }
      addresses = std::move(*found);
    }
    for (std::size_t i = 0; i != addresses.size(); ++i) {
      auto login = login_;
      login.emplace_back("host", std::string(without_root(at.host)));
      login.emplace_back("port", at.port);
      if (!at.is_folder()) login.emplace_back("hostaddr", addresses[i]);
      const auto now = clock::now();
      const auto left = std::max<clock::duration>(deadline - now, clock::duration::zero());
      const auto share = left / static_cast<int>(addresses.size() - i);
      out = co_await pg_connection::async_connect(std::move(login), now + share);
      if (out.connection) co_return out;
      append(faults, *out.fault);
    }
  }
  out.fault->text = std::move(faults);
  co_return out;
}

}  // namespace weir
