#include "http/client/http_pool.hpp"

#include "http/client/http_exchange.hpp"
#include "net/as_tuple.hpp"
#include "net/deadline_guard.hpp"
#include "net/net_dialler.hpp"

#include <weir/engine/errc.hpp>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

/// A write may have happened though no byte of its answer came; only what changes nothing is safe.
bool may_be_repeated(http_method method) noexcept {
  return method == http_method::get || method == http_method::head;
}

bool is_lost_connection(const error_code& error) noexcept {
  return error == asio::error::eof || error == asio::error::connection_reset ||
         error == asio::error::broken_pipe;
}

}  // namespace

class http_pool::place {
 public:
  place(http_pool& pool, std::string name) : pool_(pool), name_(std::move(name)) {}

  place(const place&) = delete;
  place& operator=(const place&) = delete;

  ~place() { pool_.give_place(name_); }

 private:
  http_pool& pool_;
  std::string name_;
};

http_pool::http_pool(
    asio::io_context& loop, http_client_options options, std::shared_ptr<silent_hosts> silent
)
    : loop_(loop),
      options_(std::move(options)),
      silent_(std::move(silent)),
      resolver_(loop, {.servers = options_.dns_servers}),
      sweep_(loop) {}

asio::awaitable<result<http_client_response>> http_pool::request(
    std::shared_ptr<http_pool> self, http_client_request request
) {
  const auto url = parse_http_url(request.url);
  if (!url) co_return url.error();
  const auto text = write_http_request(request, *url);
  if (!text) co_return text.error();
  tls_context tls;
  std::string name = to_string(url->server);
  if (url->is_https) {
    auto found = self->context_for(request);
    if (!found) co_return found.error();
    tls = std::move(*found);
    // Connections that trust others are not shared.
    name += '#' + std::to_string(reinterpret_cast<std::uintptr_t>(tls.get()));
  }

  const error_code no_place = co_await self->wait_for_place(name, request.deadline);
  if (no_place) co_return no_place;
  const place held(*self, name);

  kept used{net_stream(tcp::socket(self->loop_)), {}, {}};
  const bool reused = self->take_idle(name, used);
  if (reused) {
    const auto began = clock::now();
    bool heard = false;
    auto answer = co_await self->try_once(used, request, name, *text, heard);
    if (!answer && !heard && answer.error() == errc::deadline_exceeded)
      self->silent_->note(name, began);
    const bool repeat =
        !answer && !heard && is_lost_connection(answer.error()) && may_be_repeated(request.method);
    if (!repeat) co_return answer;
  }
  auto connected = co_await self->connect(*url, tls, request.deadline);
  if (!connected) co_return connected.error();
  used = kept{std::move(*connected), {}, clock::now()};
  bool heard = false;
  co_return co_await self->try_once(used, request, name, *text, heard);
}

asio::awaitable<error_code> http_pool::wait_for_place(
    std::string name, clock::time_point deadline
) {
  if (deadline <= clock::now()) co_return make_error_code(errc::deadline_exceeded);
  auto& wanted = hosts_[name];
  if (wanted.busy < options_.max_per_host) {
    ++wanted.busy;
    co_return error_code();
  }
  auto turn = std::make_shared<asio::steady_timer>(loop_, deadline);
  wanted.waiting.push_back(turn);
  co_await turn->async_wait(as_tuple);
  // give_place() takes the timer off the list as it hands the place over.
  auto& waiting = hosts_[name].waiting;
  const auto found = std::find(waiting.begin(), waiting.end(), turn);
  if (found == waiting.end()) co_return error_code();
  waiting.erase(found);
  co_return make_error_code(errc::deadline_exceeded);
}

void http_pool::give_place(const std::string& name) {
  const auto found = hosts_.find(name);
  auto& freed = found->second;
  if (!freed.waiting.empty()) {
    const auto next = std::move(freed.waiting.front());
    freed.waiting.pop_front();
    next->cancel();
    return;
  }
  if (--freed.busy == 0 && freed.idle.empty()) hosts_.erase(found);
}

result<tls_context> http_pool::context_for(const http_client_request& request) {
  if (request.tls) return request.tls;
  if (options_.tls) return options_.tls;
  auto made = make_tls_client("");
  if (!made) return made.error().code;
  return options_.tls = std::move(*made);
}

asio::awaitable<result<net_stream>> http_pool::connect(
    const http_url& url, const tls_context& tls, clock::time_point deadline
) {
  const dial_options options{
      .connect = {deadline, options_.connect_timeout, options_.next_address_after},
      .handshake = options_.connect_timeout};
  net_dialler dialler(loop_.get_executor(), options);
  co_return co_await dialler.run(resolver_, url.server, tls);
}

asio::awaitable<result<http_client_response>> http_pool::try_once(
    kept& used,
    const http_client_request& request,
    const std::string& name,
    const std::string& text,
    bool& heard
) {
  const deadline_guard guard(loop_.get_executor(), request.deadline, [&used] {
    error_code ignored;
    used.socket.close(ignored);
  });
  const http_answer_reader::limits most{
      options_.max_header, std::min(options_.max_response, request.max_response)};
  http_exchange exchange(used.socket, request.method, most);
  auto answer = co_await exchange.run(text, request.body);
  heard = exchange.heard();
  if (!answer && guard.expired()) co_return make_error_code(errc::deadline_exceeded);
  if (!answer && request.remark && !exchange.refusal().empty())
    request.remark->say(exchange.refusal());
  if (answer && exchange.reusable() && !guard.expired()) keep(name, std::move(used));
  co_return answer;
}

// A host that kept silent on one has most likely lost all; those that have answered since are well.
bool http_pool::is_usable(const kept& idle, clock::time_point now, clock::time_point silent_since)
    const noexcept {
  return idle.since >= now - options_.idle_timeout && idle.made >= now - options_.connection_age &&
         idle.since >= silent_since;
}

bool http_pool::take_idle(const std::string& name, kept& into) {
  auto& idle = hosts_[name].idle;
  const auto now = clock::now();
  const auto silent_since = silent_->since(name);
  while (!idle.empty()) {
    auto found = std::move(idle.back());
    idle.pop_back();
    if (!is_usable(found, now, silent_since) || !found.socket.is_quiet()) continue;
    into = std::move(found);
    return true;
  }
  return false;
}

void http_pool::keep(const std::string& name, kept used) {
  if (closed_) return;
  used.since = clock::now();
  hosts_[name].idle.push_back(std::move(used));
  if (!sweeping_) sweep_later();
}

void http_pool::sweep_later() {
  sweeping_ = true;
  sweep_.expires_after(options_.idle_timeout);
  sweep_.async_wait([weak = weak_from_this()](const error_code& stopped) {
    const auto self = weak.lock();
    if (!self) return;
    self->sweeping_ = false;
    if (stopped || self->closed_) return;
    const auto now = clock::now();
    bool any_left = false;
    for (auto at = self->hosts_.begin(); at != self->hosts_.end();) {
      auto& [name, host] = *at;
      const auto silent_since = self->silent_->since(name);
      std::erase_if(host.idle, [&](const kept& idle) {
        return !self->is_usable(idle, now, silent_since);
      });
      any_left = any_left || !host.idle.empty();
      const bool unused = host.idle.empty() && host.busy == 0;
      at = unused ? self->hosts_.erase(at) : std::next(at);
    }
    if (any_left) self->sweep_later();
  });
}

void http_pool::close() {
  closed_ = true;
  for (auto& [name, host] : hosts_) host.idle.clear();
  sweep_.cancel();
}

}  // namespace weir
