#include "check_sources.hpp"

#include <weir/engine/runtime.hpp>
#include <weir/keyspaces/make_sources.hpp>
#include <weir/node/from_settings.hpp>
#include <weir/transport/http_client.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <algorithm>
#include <string_view>

namespace weir {
namespace {

/// Host and port of a URL that the configuration has checked.
struct authority {
  std::string host, port;
};

authority authority_of(std::string_view url) {
  const bool is_secure = url.starts_with("https://");
  url.remove_prefix(is_secure ? 8 : 7);
  auto server = url.substr(0, url.find_first_of("/?"));
  const auto colon = server.rfind(':');
  std::string port = is_secure ? "443" : "80";
  if (colon != server.npos && server.back() != ']') {
    port = server.substr(colon + 1);
    server = server.substr(0, colon);
  }
  if (server.starts_with('[')) server = server.substr(1, server.size() - 2);
  return {std::string(server), port};
}

class source_checker {
 public:
  source_checker(config::load_result& loaded, look_up how) : loaded_(loaded), how_(how) {}

  void run() {
    const auto& all = loaded_.settings->keyspaces;
    for (std::size_t i = 0; i != all.size(); ++i) {
      try {
        check(all[i], loaded_.sources[i]);
      } catch (const bad_source& refused) {
        add(config::severity::error, loaded_.sources[i], refused.field(), all[i], refused.what());
      } catch (const std::exception& failed) {
        add(config::severity::error, loaded_.sources[i], "", all[i], failed.what());
      }
    }
    const auto is_error = [](const config::problem& each) {
      return each.level == config::severity::error;
    };
    if (std::any_of(loaded_.problems.begin(), loaded_.problems.end(), is_error))
      loaded_.settings.reset();
  }

 private:
  void check(const config::keyspace_settings& given, const config::source_place& place) {
    if (const auto* sqlite = std::get_if<config::sqlite_source>(&given.source)) {
      if (!try_sqlite_source(sqlite_options_from(*sqlite, given))) {
        constexpr const char* text = "locked by another process: what is in it was not looked at";
        add(config::severity::warning, place, "path", given, text);
      }
      return;
    }
    source_from(given, client_, {});
    const auto* http = std::get_if<config::http_source>(&given.source);
    if (http == nullptr || how_ == look_up::nothing) return;
    const auto [host, port] = authority_of(http->url);
    asio::io_context loop;
    error_code failed;
    asio::ip::tcp::resolver(loop).resolve(host, port, failed);
    if (failed) throw bad_source("url", "cannot find the host " + host + ": " + failed.message());
  }

  void add(
      config::severity level,
      const config::source_place& place,
      const std::string& field,
      const config::keyspace_settings& of,
      std::string_view text
  ) {
    for (const std::string& prefix : {std::string("weir: "), "keyspace \"" + of.name + "\": "}) {
      if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
    }
    const auto found = place.fields.find(field);
    auto made = found == place.fields.end() ? place.whole : found->second;
    made.level = level;
    made.text = text;
    loaded_.problems.push_back(std::move(made));
  }

  config::load_result& loaded_;
  const look_up how_;
  runtime threads_{{.threads = 1}};
  const std::shared_ptr<http_client> client_ = std::make_shared<http_client>(threads_.loops());
};

}  // namespace

void check_sources(config::load_result& loaded, look_up how) {
  if (loaded.settings) source_checker(loaded, how).run();
}

}  // namespace weir
