#include "http/cache_control.hpp"
#include "http/http_confirmation.hpp"
#include "http/http_failure.hpp"
#include "http/url_template.hpp"

#include <weir/keyspaces/make_sources.hpp>
#include <weir/transport/http_client.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {
namespace {

bool has(const http_fields& in, std::string_view name) noexcept {
  return std::any_of(in.begin(), in.end(), [&](const auto& field) {
    return http_name_equal(field.first, name);
  });
}

http_fields with_defaults(http_fields given) {
  if (!has(given, "accept")) given.emplace_back("accept", "*/*");
  if (!has(given, "accept-encoding")) given.emplace_back("accept-encoding", "identity");
  if (!has(given, "user-agent")) given.emplace_back("user-agent", "weir");
  return given;
}

std::chrono::sys_seconds time_of_day() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
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

  bool revalidates() const noexcept override { return true; }

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    const auto url = url_.url_for(key);
    if (!url) co_return loaded{.found = false};
    auto request = request_for(*url, context);
    const bool is_conditional = add_condition(request.fields, context.former.get());
    auto answer = co_await ask(std::move(request), context);
    if (answer && answer->status == 304 && is_conditional) {
      if (auto same = confirmed(*context.former, *answer, time_of_day()))
        co_return std::move(*same);
      answer = co_await ask(request_for(*url, context), context);  // it spoke of another value
    }
    if (!answer) co_return answer.error();
    co_return judge(*answer, context);
  }

 private:
  http_client_request request_for(const std::string& url, const load_context& context) const {
    http_client_request request;
    request.url = url;
    request.fields = fields_;
    request.max_response = max_entry_;
    request.tls = tls_;
    request.remark = std::make_shared<source_remark>();
    const auto left = std::min<steady_duration>(timeout_, context.deadline - context.env.now());
    request.deadline = std::chrono::steady_clock::now() + left;
    return request;
  }

  asio::awaitable<result<http_client_response>> ask(
      http_client_request request, const load_context& context
  ) const {
    const auto said = request.remark;
    auto answer = co_await client_->async_request(std::move(request));
    if (answer) co_return answer;
    const error_code error = answer.error();
    if (error == errc::too_large) co_return error;
    if (error == errc::deadline_exceeded) {
      context.say(url_.server() + " did not answer in time");
      co_return error;
    }
    context.say(http_failure_text(url_.server(), error, said->text()));
    co_return errc::source_failed;
  }

  result<loaded> judge(const http_client_response& answer, const load_context& context) const {
    const auto granted = freshness_of(answer.fields, time_of_day());
    switch (answer.status) {
      case 200:
      case 203:
      case 204:
        break;
      case 404:
      case 410:
        return loaded{.found = false, .value = {}, .ttl = granted.ttl()};
      default:
        context.say(
            url_.server() + " answered " + std::to_string(answer.status) + advice(answer.status)
        );
        return errc::source_failed;
    }
    const auto coding = answer.header("content-encoding");
    if (coding && !coding->empty() && !http_name_equal(*coding, "identity")) {
      context.say(
          url_.server() + " answered with the content coding \"" + std::string(*coding) +
          "\", though weir asks for identity alone"
      );
      return errc::source_failed;
    }
    return loaded{
        .value = bytes(answer.body), .ttl = granted.ttl(), .meta = metadata_of(answer, granted)};
  }

  static const char* advice(unsigned status) noexcept {
    if (status == 304) return "; nothing was asked that it could say so of";
    if (status == 206) return "; a part of a value is not taken";
    if (status / 100 == 3) return "; redirects are not followed, name the final URL";
    return "";
  }

  const std::shared_ptr<http_client> client_;
  const url_template url_;
  const http_fields fields_;
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
