#include "http_core.hpp"

#include "http_acceptor.hpp"
#include "http_connection.hpp"

#include <weir/transport/host_port.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <sys/resource.h>

namespace weir {
namespace {

using asio::ip::tcp;

constexpr std::chrono::milliseconds shortest_sweep{10};
constexpr std::chrono::milliseconds longest_sweep{500};
constexpr std::chrono::milliseconds sweep_while_draining{50};
constexpr std::chrono::seconds same_remark_after{10};
constexpr std::size_t most_remarks = 256;

/// Runs `action` on `context`, or, when that never runs again, as the context is destroyed.
void run_on(asio::io_context& context, std::function<void()> action) {
  auto once = [](std::function<void()>* job) {
    (*job)();
    delete job;
  };
  std::unique_ptr<std::function<void()>, decltype(once)> job(
      new std::function<void()>(std::move(action)), once
  );
  asio::post(context, [job = std::move(job)]() mutable { job.reset(); });
}

listen_error cannot_listen(
    std::string_view address, const error_code& code, std::string_view advice
) {
  std::string text = "cannot listen on " + std::string(address) + ": " + code.message();
  if (!advice.empty()) text.append("; ").append(advice);
  return {code, std::move(text)};
}

std::string_view advice_for(const error_code& code) noexcept {
  if (code == asio::error::address_in_use)
    return "another process holds the port: stop it or choose another port";
  if (code == asio::error::access_denied)
    return "ports below 1024 need a privilege: choose a higher one";
  if (code.value() == EADDRNOTAVAIL) return "this machine has no such address";
  return {};
}

/// At most half of the descriptors go to clients; peers, sources and files need the rest.
http_limits fitted(http_limits limits) noexcept {
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0 && descriptors.rlim_cur != RLIM_INFINITY) {
    limits.max_connections =
        std::min<std::size_t>(limits.max_connections, descriptors.rlim_cur / 2);
  }
  return limits;
}

std::string to_string(const tcp::endpoint& endpoint) {
  return weir::to_string(host_port{endpoint.address().to_string(), endpoint.port()});
}

}  // namespace

http_loop::http_loop(asio::io_context& context, http_core& core)
    : context_(context), timer_(std::make_unique<asio::steady_timer>(context)) {
  const auto& limits = core.limits;
  const auto shortest = std::min(
      {limits.header_timeout,
       limits.idle_timeout,
       limits.body_timeout,
       limits.write_timeout,
       limits.linger}
  );
  sweep_every_ = std::clamp<std::chrono::milliseconds>(shortest / 4, shortest_sweep, longest_sweep);
}

void http_loop::add(const std::shared_ptr<http_connection>& connection) {
  connection->place = connections_.size();
  connections_.push_back(connection);
  if (!sweeping_) sweep_later();
}

void http_loop::remove(http_connection& connection) {
  const auto place = connection.place;
  if (place >= connections_.size() || connections_[place].get() != &connection) return;
  connections_.back()->place = place;
  std::swap(connections_[place], connections_.back());
  const auto kept_until_return = std::move(connections_.back());
  connections_.pop_back();
}

void http_loop::sweep_later() {
  sweeping_ = true;
  timer_->expires_after(sweep_every_);
  timer_->async_wait([self = shared_from_this()](const error_code&) {
    self->sweeping_ = false;
    if (self->timer_ == nullptr) return;
    self->sweep();
    if (!self->connections_.empty()) self->sweep_later();
  });
}

void http_loop::sweep() {
  const auto now = std::chrono::steady_clock::now();
  if (now >= drain_deadline_) return close_all();
  // From the back: a connection that closes is replaced by one already seen.
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (i >= connections_.size()) continue;
    const auto connection = connections_[i];
    connection->sweep(now);
  }
}

void http_loop::drain(std::chrono::steady_clock::time_point deadline) {
  drain_deadline_ = deadline;
  sweep_every_ = std::min(sweep_every_, sweep_while_draining);
  const auto all = connections_;
  for (const auto& connection : all) connection->drain();
  if (timer_ != nullptr) timer_->cancel();
}

void http_loop::close_all() {
  const auto all = connections_;
  for (const auto& connection : all) connection->close();
}

void http_loop::retire() {
  close_all();
  timer_.reset();
}

http_admission::~http_admission() {
  if (core_) core_->release(address_, counted_);
}

http_core::http_core(
    const std::vector<asio::io_context*>& loops, http_limits given, http_handler& answering
)
    : limits(fitted(given)), handler(answering) {
  for (auto* context : loops) loops_.push_back(std::make_shared<http_loop>(*context, *this));
}

http_core::~http_core() = default;

void http_core::remark_seldom(const std::string& line) {
  const auto now = std::chrono::steady_clock::now();
  {
    std::lock_guard lock(mutex_);
    auto& last = remarked_[line];
    const bool is_new = last == std::chrono::steady_clock::time_point();
    if (!is_new && now - last < same_remark_after) return;
    last = now;
    if (is_new && remarked_.size() > most_remarks) remarked_ = {{line, now}};
  }
  remark(line);
}

std::unique_ptr<http_admission> http_core::admit(const asio::ip::address& address) {
  auto client = address;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    client = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  const bool counted = limits.count_loopback || !client.is_loopback();
  std::lock_guard lock(mutex_);
  const bool full =
      open >= limits.max_connections ||
      (counted && per_address_.contains(client) && per_address_[client] >= limits.max_per_address);
  if (full) {
    refused.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  if (counted) ++per_address_[client];
  ++open;
  accepted.fetch_add(1, std::memory_order_relaxed);
  return std::make_unique<http_admission>(shared_from_this(), client, counted);
}

void http_core::release(const asio::ip::address& address, bool counted) {
  {
    std::lock_guard lock(mutex_);
    if (counted) {
      const auto found = per_address_.find(address);
      if (--found->second == 0) per_address_.erase(found);
    }
    --open;
  }
  if (draining && open == 0) finish_drain();
}

boost::system::result<std::string, listen_error> http_core::listen(std::string_view address) {
  const error_code malformed = make_error_code(errc::bad_request);
  const auto wanted = parse_host_port(address);
  if (!wanted)
    return cannot_listen(address, malformed, "write it as host:port, [::1]:port or :port");
  const auto host = wanted->host == "localhost" ? std::string("127.0.0.1") : wanted->host;
  error_code error;
  const auto literal = host.empty() ? asio::ip::address(asio::ip::address_v6::any())
                                    : asio::ip::make_address(host, error);
  if (error)
    return cannot_listen(
        address, malformed, "the host must be a literal IP address of this machine"
    );

  auto acceptor = std::make_shared<http_acceptor>(shared_from_this());
  error = acceptor->open({literal, wanted->port});
  if (error == asio::error::address_family_not_supported && host.empty()) {
    acceptor = std::make_shared<http_acceptor>(shared_from_this());
    error = acceptor->open({asio::ip::address_v4::any(), wanted->port});
  }
  if (error) return cannot_listen(address, error, advice_for(error));
  auto bound = to_string(acceptor->local_endpoint());
  std::lock_guard lock(mutex_);
  acceptors_.push_back(acceptor);
  asio::post(loops_.front()->context(), [acceptor] { acceptor->accept(); });
  return bound;
}

void http_core::stop_accepting() {
  std::vector<std::shared_ptr<http_acceptor>> closing;
  {
    std::lock_guard lock(mutex_);
    closing.swap(acceptors_);
  }
  for (const auto& acceptor : closing)
    run_on(loops_.front()->context(), [acceptor] { acceptor->close(); });
}

void http_core::drain(std::chrono::steady_clock::time_point deadline, std::function<void()> done) {
  stop_accepting();
  {
    std::lock_guard lock(mutex_);
    drained_ = std::move(done);
  }
  draining = true;
  for (const auto& loop : loops_) {
    asio::post(loop->context(), [self = shared_from_this(), loop, deadline] {
      loop->drain(deadline);
    });
  }
  if (open == 0) finish_drain();
}

void http_core::finish_drain() {
  std::function<void()> done;
  {
    std::lock_guard lock(mutex_);
    done.swap(drained_);
  }
  if (done) asio::post(loops_.front()->context(), std::move(done));
}

void http_core::stop() {
  stopped = true;
  stop_accepting();
  for (const auto& loop : loops_) {
    run_on(loop->context(), [self = shared_from_this(), loop] { loop->retire(); });
  }
}

}  // namespace weir
