#include "http/client/http_pool.hpp"
#include "http/http_parser.hpp"

#include <weir/engine/errc.hpp>
#include <weir/transport/http_client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <exception>
#include <stdexcept>

namespace weir {

std::optional<std::string_view> http_client_response::header(std::string_view name) const noexcept {
  for (const auto& [field, value] : fields) {
    if (http_name_equal(field, name)) return value;
  }
  return std::nullopt;
}

result<http_url> parse_http_url(std::string_view text) {
  const auto bad = make_error_code(errc::bad_request);
  const auto scheme = text.substr(0, text.find("://"));
  const bool is_https = http_name_equal(scheme, "https");
  if (scheme.size() == text.size() || (!is_https && !http_name_equal(scheme, "http"))) return bad;
  text.remove_prefix(scheme.size() + 3);
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  std::string authority(text.substr(0, end));
  const auto bracket = authority.rfind(']');
  const auto colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon == std::string::npos) authority.append(is_https ? ":443" : ":80");
  auto server = parse_host_port(authority);
  if (!server || server->port == 0) return bad;
  const bool has_brackets = authority.starts_with('[');
  const bool is_v6 = server->host.find(':') != std::string::npos;
  if (has_brackets != is_v6) return bad;
  if (!is_address(server->host) && !is_host_name(server->host)) return bad;
  http_url url{std::move(*server), std::string(text.substr(end)), is_https};
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (!is_http_target(url.target)) return bad;
  return url;
}

http_client::http_client(std::vector<asio::io_context*> loops, const http_client_options& options)
    : loops_(std::move(loops)) {
  if (loops_.empty()) throw std::invalid_argument("http_client: at least one loop is needed");
  if (options.max_per_host == 0)
    throw std::invalid_argument("http_client: max_per_host must be at least 1");
  const auto silent = std::make_shared<silent_hosts>(options.idle_timeout);
  for (auto* loop : loops_) pools_.push_back(std::make_shared<http_pool>(*loop, options, silent));
}

http_client::~http_client() {
  for (auto& pool : pools_) {
    auto& loop = pool->loop();
    asio::post(loop, [closing = std::move(pool)] { closing->close(); });
  }
}

asio::awaitable<result<http_client_response>> http_client::async_request(http_client_request request
) {
  for (const auto& pool : pools_) {
    if (!pool->loop().get_executor().running_in_this_thread()) continue;
    co_return co_await http_pool::request(pool, std::move(request));
  }
  const auto place = std::hash<std::string>()(request.url) % pools_.size();
  auto work = http_pool::request(pools_[place], std::move(request));
  auto& loop = pools_[place]->loop();
  co_return co_await asio::co_spawn(loop, std::move(work), asio::use_awaitable);
}

result<http_client_response> http_fetch(
    http_client_request request, const http_client_options& options
) {
  asio::io_context loop(1);
  result<http_client_response> outcome = make_error_code(errc::unavailable);
  std::exception_ptr failure;
  {
    http_client client({&loop}, options);
    auto work = client.async_request(std::move(request));
    asio::co_spawn(
        loop,
        std::move(work),
        [&](const std::exception_ptr& thrown, result<http_client_response> answer) {
          failure = thrown;
          outcome = std::move(answer);
          loop.stop();
        }
    );
    loop.run();
  }
  if (failure) std::rethrow_exception(failure);
  return outcome;
}

}  // namespace weir
