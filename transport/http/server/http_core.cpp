#include "http/server/http_core.hpp"

#include "http/server/http_acceptor.hpp"
#include "http/server/http_connection.hpp"
#include "net/client_key.hpp"

#include <weir/transport/host_port.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <sys/resource.h>
#include <utility>

namespace weir {
namespace {

using asio::ip::tcp;

constexpr std::chrono::milliseconds shortest_sweep{10};
constexpr std::chrono::milliseconds longest_sweep{500};
constexpr std::chrono::milliseconds sweep_while_draining{50};
constexpr std::chrono::milliseconds sweep_while_waiting{20};
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

/// RFC 9110, 5.6.7: "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
std::string date_field(std::time_t when) {
  constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  std::array<char, 48> rest;  // names of days and months must not follow the locale
  std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT\r\n", &parts);
  std::array<char, 4> day;
  std::strftime(day.data(), day.size(), "%d", &parts);
  return std::string("Date: ") + days[parts.tm_wday] + ", " + day.data() + ' ' +
         months[parts.tm_mon] + rest.data();
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

void http_loop::hurry() {
  if (std::exchange(hurried_, true) || timer_ == nullptr) return;
  timer_->cancel();  // the next sweep says when the one after it comes
}

std::string_view http_loop::date(std::chrono::steady_clock::time_point now) {
  if (now < date_ends_ && !date_.empty()) return date_;
  using std::chrono::system_clock;
  const auto wall = system_clock::now();
  const auto second = std::chrono::floor<std::chrono::seconds>(wall);
  date_ = date_field(system_clock::to_time_t(second));
  date_ends_ = now + (second + std::chrono::seconds(1) - wall);
  return date_;
}

void http_loop::sweep_later() {
  sweeping_ = true;
  timer_->expires_after(hurried_ ? std::min(sweep_every_, sweep_while_waiting) : sweep_every_);
  timer_->async_wait([self = shared_from_this()](const error_code&) {
    self->sweeping_ = false;
    if (self->timer_ == nullptr) return;
    self->sweep();
    if (!self->connections_.empty()) self->sweep_later();
  });
}

void http_loop::sweep() {
  const auto now = std::chrono::steady_clock::now();
  hurried_ = false;
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
  bool is_last = false;
  {
    const std::lock_guard lock(core_->mutex_);
    if (!is_in_) return;
    core_->leave(*this);
    is_last = core_->open == 0;
  }
  if (is_last && core_->draining) core_->finish_drain();
}

void http_admission::belongs_to(const std::shared_ptr<http_connection>& connection) {
  const std::lock_guard lock(core_->mutex_);
  connection_ = connection;
}

void http_admission::greeted() {
  const std::lock_guard lock(core_->mutex_);
  if (std::exchange(is_greeting_, false)) --core_->greeting_;
}

void http_admission::settle() {
  const std::lock_guard lock(core_->mutex_);
  core_->settle(*this);
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
  const auto key = client_key(address);
  const bool counted = limits.count_loopback || !key.is_loopback();
  auto made = std::make_unique<http_admission>(shared_from_this(), address);
  victims gone;
  const std::lock_guard lock(mutex_);
  const auto here = counted ? per_address_.find(key) : per_address_.end();
  const bool crowded = here != per_address_.end() && here->second >= limits.max_per_address;
  const auto same_client = [&key](const http_admission& one) { return one.key_ == key; };
  const auto anybody = [](const http_admission&) { return true; };
  const auto in_handshake = [](const http_admission& one) { return one.is_greeting_; };
  const bool full = crowded ? !put_out_oldest(same_client, gone)
                            : open >= limits.max_connections && !put_out_oldest(anybody, gone);
  if (full) {
    refused.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  if (tls && greeting_ >= limits.max_handshakes) put_out_oldest(in_handshake, gone);
  enter(*made, key, counted);
  return made;
}

void http_core::enter(http_admission& one, const asio::ip::address& key, bool counted) {
  one.key_ = key;
  one.is_counted_ = counted;
  one.is_in_ = one.is_new_ = true;
  one.is_greeting_ = static_cast<bool>(tls);
  one.place_ = newcomers_.insert(newcomers_.end(), &one);
  greeting_ += one.is_greeting_ ? 1 : 0;
  if (counted) ++per_address_[key];
  ++open;
  accepted.fetch_add(1, std::memory_order_relaxed);
}

void http_core::settle(http_admission& one) {
  if (std::exchange(one.is_greeting_, false)) --greeting_;
  if (std::exchange(one.is_new_, false)) newcomers_.erase(one.place_);
}

void http_core::leave(http_admission& one) {
  settle(one);
  one.is_in_ = false;
  --open;
  if (!one.is_counted_) return;
  const auto found = per_address_.find(one.key_);
  if (--found->second == 0) per_address_.erase(found);
}

/// Takes the place of the oldest newcomer of that kind; false when there is none.
template <class Which>
bool http_core::put_out_oldest(Which which, victims& out) {
  const auto found = std::find_if(newcomers_.begin(), newcomers_.end(), [&](const auto* one) {
    return which(*one);
  });
  if (found == newcomers_.end()) return false;
  auto& oldest = **found;
  auto connection = oldest.connection_.lock();
  leave(oldest);
  refused.fetch_add(1, std::memory_order_relaxed);
  if (!connection) return true;
  connection->close_soon();
  out.push_back(std::move(connection));
  return true;
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
