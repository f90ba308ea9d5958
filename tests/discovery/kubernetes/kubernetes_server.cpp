#include "tests/discovery/kubernetes/kubernetes_server.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cstdio>
#include <fcntl.h>
#include <future>

namespace weir::test {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using error = boost::system::error_code;

namespace {

const asio::as_tuple_t<asio::use_awaitable_t<>> as_tuple{asio::use_awaitable};

std::string chunk(const std::string& text) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

std::string value_of(const std::string& in, const std::string& name, char end) {
  const auto at = in.find(name);
  if (at == in.npos) return {};
  const auto begin = at + name.size();
  return in.substr(begin, std::min(in.find(end, begin), in.size()) - begin);
}

std::shared_ptr<ssl::context> context_of(const weir_test::issued& own) {
  auto made = std::make_shared<ssl::context>(ssl::context::tls_server);
  made->use_certificate_chain(asio::buffer(own.cert));
  made->use_private_key(asio::buffer(own.key), ssl::context::pem);
  return made;
}

kubernetes_server::request request_of(const std::string& head) {
  kubernetes_server::request out;
  out.target = value_of(head, "GET ", ' ');
  out.token = value_of(head, "Authorization: Bearer ", '\r');
  out.is_watch = out.target.find("&watch=true") != out.target.npos;
  const auto target = out.target + '&';
  const auto version = value_of(target, "resourceVersion=", '&');
  const auto timeout = value_of(target, "timeoutSeconds=", '&');
  if (!version.empty()) out.version = std::stoull(version);
  if (!timeout.empty()) out.timeout = std::chrono::seconds(std::stoi(timeout));
  return out;
}

const std::string watch_head =
    "HTTP/1.1 200 OK\r\nAudit-Id: 5f0c\r\nCache-Control: no-cache, private\r\n"
    "Content-Type: application/json\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n"
    "Transfer-Encoding: chunked\r\n\r\n";

}  // namespace

kubernetes_server::kubernetes_server(weir_test::issued certificate)
    : context_(context_of(certificate)) {
  thread_ = std::thread([this] {
    const auto stays = asio::make_work_guard(loop_);
    loop_.run();
  });
  start();
}

kubernetes_server::~kubernetes_server() {
  stop();
  loop_.stop();
  thread_.join();
}

std::string kubernetes_server::address() const {
  return "https://127.0.0.1:" + std::to_string(port_);
}

void kubernetes_server::use_certificate(const weir_test::issued& certificate) {
  const std::lock_guard lock(mutex_);
  context_ = context_of(certificate);
}

void kubernetes_server::accept_token(std::string token) {
  const std::lock_guard lock(mutex_);
  token_ = std::move(token);
}

void kubernetes_server::answer_with(script next) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(next);
}

void kubernetes_server::set(const std::string& name, const api_slice& slice) {
  {
    const std::lock_guard lock(mutex_);
    const bool is_new = !slices_.contains(name);
    slices_[name] = slice_json(name, ++version_, slice);
    events_.push_back({version_, event_json(is_new ? "ADDED" : "MODIFIED", slices_[name]) + '\n'});
  }
  send({});
}

void kubernetes_server::remove(const std::string& name) {
  {
    const std::lock_guard lock(mutex_);
    const auto last = slices_.at(name);
    slices_.erase(name);
    events_.push_back({++version_, event_json("DELETED", last) + '\n'});
  }
  send({});
}

void kubernetes_server::forget(gone how) {
  const std::lock_guard lock(mutex_);
  oldest_ = ++version_;
  events_.clear();
  how_gone_ = how;
}

void kubernetes_server::send(const std::string& text, then after) {
  run_on_loop([&] {
    for (const auto& each : open_) {
      if (!each->is_watch) continue;
      each->pending += text;
      each->is_ending |= after == then::close;
      each->wake.cancel();
    }
  });
}

void kubernetes_server::stop() {
  run_on_loop([this] {
    error ignored;
    acceptor_->close(ignored);
    for (const auto& each : open_) {
      each->tls.lowest_layer().close(ignored);
      each->wake.cancel();
    }
  });
}

void kubernetes_server::start() {
  run_on_loop([this] {
    const tcp::endpoint where(asio::ip::address_v4::loopback(), port_);
    acceptor_ = std::make_shared<tcp::acceptor>(loop_, where, true);
    port_ = acceptor_->local_endpoint().port();
    ::fcntl(acceptor_->native_handle(), F_SETFD, FD_CLOEXEC);  // not for programs of the test
    asio::co_spawn(loop_, accept(acceptor_), asio::detached);
  });
}

int kubernetes_server::lists() const {
  const std::lock_guard lock(mutex_);
  return lists_;
}

int kubernetes_server::watches() const {
  const std::lock_guard lock(mutex_);
  return watches_;
}

int kubernetes_server::open_watches() const {
  const std::lock_guard lock(mutex_);
  return open_watches_;
}

std::string kubernetes_server::http(
    unsigned status, const std::string& body, const std::string& more_fields
) {
  return "HTTP/1.1 " + std::to_string(status) + " As told\r\nContent-Type: application/json\r\n" +
         more_fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string kubernetes_server::watch(const std::vector<std::string>& lines) {
  std::string out = watch_head;
  for (const auto& each : lines) out += chunk(each + '\n');
  return out;
}

void kubernetes_server::run_on_loop(std::function<void()> work) {
  std::promise<void> done;
  asio::post(loop_, [&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
}

asio::awaitable<void> kubernetes_server::accept(std::shared_ptr<tcp::acceptor> from) {
  for (;;) {
    auto [failed, socket] = co_await from->async_accept(as_tuple);
    if (failed) co_return;
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    std::shared_ptr<ssl::context> context;
    {
      const std::lock_guard lock(mutex_);
      context = context_;
    }
    auto made = std::make_shared<connection>(std::move(socket), std::move(context));
    open_.insert(made);
    asio::co_spawn(loop_, serve(std::move(made)), asio::detached);
  }
}

asio::awaitable<void> kubernetes_server::serve(std::shared_ptr<connection> with) {
  auto [failed] = co_await with->tls.async_handshake(ssl::stream_base::server, as_tuple);
  std::string head;
  if (!failed) {
    auto buffer = asio::dynamic_buffer(head, 65'536);
    auto [cut, size] = co_await asio::async_read_until(with->tls, buffer, "\r\n\r\n", as_tuple);
    failed = cut;
  }
  if (!failed) {
    auto asked = request_of(head);
    if (!asked.is_watch) asked.timeout = std::chrono::seconds(60);
    if (const auto made = scripted(asked)) {
      with->is_watch = asked.is_watch && made->after == then::hold;
      asked.version = UINT64_MAX;  // nothing beside what is told
      const bool is_written = co_await write(*with, made->bytes);
      if (is_written && made->after == then::hold) co_await serve_watch(*with, asked);
    } else if (asked.is_watch) {
      with->is_watch = true;
      const bool is_written = co_await write(*with, watch_head);
      if (is_written) co_await serve_watch(*with, asked);
    } else {
      co_await write(*with, http(200, list()));
    }
  }
  error ignored;
  with->tls.lowest_layer().close(ignored);
  open_.erase(with);
}

std::optional<kubernetes_server::answer> kubernetes_server::scripted(const request& asked) {
  script chosen;
  bool is_known = false;
  bool is_gone = false;
  {
    const std::lock_guard lock(mutex_);
    ++(asked.is_watch ? watches_ : lists_);
    chosen = script_;
    is_known = token_.empty() || asked.token == token_;
    is_gone = asked.is_watch && asked.version < oldest_;
  }
  if (chosen) {
    if (auto made = chosen(asked)) return made;
  }
  if (!is_known) return answer{http(401, status_json(401, "Unauthorized"))};
  if (!is_gone) return std::nullopt;
  const auto status = status_json(410, "Expired");
  if (how_gone_ == gone::status) return answer{http(410, status)};
  return answer{watch({event_json("ERROR", status)}) + "0\r\n\r\n"};
}

/// Sends what happens, and what is told, until the time the client gave is over.
asio::awaitable<void> kubernetes_server::serve_watch(connection& with, const request& asked) {
  {
    const std::lock_guard lock(mutex_);
    ++open_watches_;
  }
  const auto end = std::chrono::steady_clock::now() + asked.timeout;
  auto seen = asked.version;
  bool is_open = true;
  while (is_open && with.tls.lowest_layer().is_open()) {
    std::string text = std::exchange(with.pending, {});
    for (const auto& each : events_after(seen)) {
      text += each.line;
      seen = each.version;
    }
    const bool is_over = std::chrono::steady_clock::now() >= end;
    if (!text.empty()) is_open = co_await write(with, chunk(text));
    if (is_open && is_over && !with.is_ending) is_open = !co_await write(with, "0\r\n\r\n");
    if (!is_open || is_over || with.is_ending) break;
    if (!with.pending.empty() || !events_after(seen).empty()) continue;  // came while writing
    with.wake.expires_at(end);
    co_await with.wake.async_wait(as_tuple);
  }
  const std::lock_guard lock(mutex_);
  --open_watches_;
}

asio::awaitable<bool> kubernetes_server::write(connection& to, std::string text) {
  auto [failed, size] = co_await asio::async_write(to.tls, asio::buffer(text), as_tuple);
  const bool is_written = !failed;
  co_return is_written;
}

std::string kubernetes_server::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [name, slice] : slices_) all.push_back(slice);
  return list_json(version_, all);
}

std::vector<kubernetes_server::event> kubernetes_server::events_after(std::uint64_t version) const {
  const std::lock_guard lock(mutex_);
  std::vector<event> out;
  for (const auto& each : events_) {
    if (each.version > version) out.push_back(each);
  }
  return out;
}

}  // namespace weir::test
