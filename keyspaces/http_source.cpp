#include "cache_control.hpp"
#include "url_template.hpp"

#include <weir/keyspaces/make_sources.hpp>
#include <weir/transport/http_client.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {
namespace {

constexpr std::size_t max_kept_field = 255;

using fields = std::vector<std::pair<std::string, std::string>>;

bool has(const fields& in, std::string_view name) noexcept {
  return std::any_of(in.begin(), in.end(), [&](const auto& field) {
    return http_name_equal(field.first, name);
  });
}

fields with_defaults(fields given) {
  if (!has(given, "accept")) given.emplace_back("accept", "*/*");
  if (!has(given, "accept-encoding")) given.emplace_back("accept-encoding", "identity");
  if (!has(given, "user-agent")) given.emplace_back("user-agent", "weir");
  return given;
}

std::shared_ptr<const metadata> meta_of(const http_client_response& response) {
  const auto kept = [&](std::string_view name) {
    const auto value = response.header(name);
    return std::string(value && value->size() <= max_kept_field ? *value : std::string_view());
  };
  metadata meta{kept("content-type"), kept("etag")};
  if (meta.content_type.empty() && meta.etag.empty()) return nullptr;
  return std::make_shared<const metadata>(std::move(meta));
}

/// What trusts the authorities of a file; null when there is none.
tls_context trusting(const std::string& ca) {
  if (ca.empty()) return nullptr;
  auto made = make_tls_client(ca);
  if (!made) throw std::invalid_argument("weir: ca of an http source: " + made.error().text);
  return std::move(*made);
}

class http_source final : public data_source {
 public:
  std::string_view type() const noexcept override { return "http"; }

  http_source(std::shared_ptr<http_client> client, http_source_options options)
      : client_(std::move(client)),
        url_(std::move(options.url)),
        fields_(with_defaults(std::move(options.headers))),
        timeout_(options.timeout),
        max_entry_(options.max_entry),
        tls_(trusting(options.ca)) {}

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    auto url = url_.url_for(key);
    if (!url) co_return absent({});
    http_client_request request;
    request.url = std::move(*url);
    request.fields = fields_;
    request.max_response = max_entry_;
    request.tls = tls_;
    const auto left = std::min<steady_duration>(timeout_, context.deadline - context.env.now());
    request.deadline = std::chrono::steady_clock::now() + left;
    auto response = co_await client_->async_request(std::move(request));
    if (!response) co_return failure(response.error(), context);
    co_return judge(std::move(*response), context);
  }

 private:
  static loaded absent(std::optional<milliseconds> ttl) {
    return {.found = false, .value = {}, .ttl = ttl};
  }

  result<loaded> judge(http_client_response response, const load_context& context) const {
    switch (response.status) {
      case 200:
      case 203:
      case 204:
        break;
      case 404:
      case 410:
        return absent(ttl_of(response.fields));
      default:
        context.say(
            url_.server() + " answered " + std::to_string(response.status) +
            (response.status / 100 == 3 ? "; redirects are not followed, name the final URL" : "")
        );
        return errc::source_failed;
    }
    const auto coding = response.header("content-encoding");
    if (coding && !coding->empty() && !http_name_equal(*coding, "identity")) {
      context.say(url_.server() + " answered with a content coding that was not asked for");
      return errc::source_failed;
    }
    return loaded{
        .value = bytes(response.body), .ttl = ttl_of(response.fields), .meta = meta_of(response)};
  }

  errc failure(const error_code& error, const load_context& context) const {
    if (error == errc::deadline_exceeded) return errc::deadline_exceeded;
    if (error == errc::too_large) return errc::too_large;
    context.say(url_.server() + ": " + error.message());
    return errc::source_failed;
  }

  const std::shared_ptr<http_client> client_;
  const url_template url_;
  const fields fields_;
  const std::chrono::milliseconds timeout_;
  const std::size_t max_entry_;
  const tls_context tls_;
};

}  // namespace

std::shared_ptr<data_source> make_http_source(
    std::shared_ptr<http_client> client, http_source_options options
) {
  if (!client) throw std::invalid_argument("weir: make_http_source() needs an http_client");
  check(options);
  return std::make_shared<http_source>(std::move(client), std::move(options));
}

}  // namespace weir
