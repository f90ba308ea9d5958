#include "peer/peer_dialler.hpp"

#include "peer/peer_core.hpp"
#include "peer/peer_socket.hpp"

#include <weir/transport/host_port.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace weir {

namespace {

using asio::ip::tcp;

constexpr std::size_t max_answer = 8192;
constexpr std::size_t read_piece = 2048;

std::string upgrade_request(const std::string& address) {
  return "GET / HTTP/1.1\r\nHost: " + address +
         "\r\nConnection: Upgrade\r\nUpgrade: weir/1\r\n\r\n";
}

}  // namespace

peer_dialler::peer_dialler(
    std::shared_ptr<peer_core> core, asio::io_context& loop, std::string address
)
    : core_(std::move(core)),
      loop_(loop),
      address_(std::move(address)),
      socket_(tcp::socket(loop)),
      timer_(loop),
      pause_(core_->options.first_redial, core_->options.max_redial) {}

void peer_dialler::start() {
  asio::post(loop_, [self = shared_from_this(), this] {
    if (!stopped_ && !dialling_ && !client_) dial();
  });
}

void peer_dialler::stop() {
  asio::post(loop_, [self = shared_from_this(), this] { stop_now(); });
}

void peer_dialler::stop_now() {
  stopped_ = true;
  timer_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (auto client = std::exchange(client_, nullptr)) {
    client->close({link_loss::reset, false, "disconnected"});
  }
}

void peer_dialler::dial() {
  dialling_ = true;
  ++attempt_;
  began_ = asio::steady_timer::clock_type::now();
  give_up_at(began_ + core_->options.connect_timeout);
  resolve();
}

void peer_dialler::give_up_at(asio::steady_timer::time_point when) {
  timer_.expires_at(when);
  timer_.async_wait([self = shared_from_this(), this, attempt = attempt_](error_code error) {
    if (error || is_over(attempt)) return;
    failed(link_loss::timeout, false, "no connection in time");
  });
}

void peer_dialler::resolve() {
  const auto target = parse_host_port(address_);
  if (!target) {
    return failed(link_loss::rejected, true, "not an address: host:port expected");
  }
  auto found = [self = shared_from_this(),
                this,
                attempt = attempt_](error_code error, std::vector<tcp::endpoint> endpoints) {
    if (is_over(attempt)) return;
    if (error) return failed(link_loss::timeout, false, "name not found: " + error.message());
    connect(std::move(endpoints), 0);
  };
  resolve_endpoints(*core_, loop_, *target, std::move(found));
}

void peer_dialler::connect(std::vector<tcp::endpoint> endpoints, std::size_t next) {
  error_code error;
  socket_.close(error);
  socket_ = tcp::socket(loop_);
  const auto to = endpoints[next];
  // Half the time is for the handshake of TCP: where a packet was lost, dialling anew is quicker
  // than the second of waiting after which the system sends it again.
  const auto until = began_ + core_->options.connect_timeout;
  const auto now = asio::steady_timer::clock_type::now();
  give_up_at(std::min(now + core_->options.connect_timeout / 2, until));
  auto done = [self = shared_from_this(),
               this,
               attempt = attempt_,
               next,
               endpoints = std::move(endpoints)](error_code failure) mutable {
    if (is_over(attempt)) return;
    if (!failure) {
      give_up_at(began_ + core_->options.connect_timeout);
      return secure();
    }
    if (next + 1 < endpoints.size()) return connect(std::move(endpoints), next + 1);
    failed(loss_of(failure), false, failure.message());
  };
  socket_.socket().async_connect(to, std::move(done));
}

void peer_dialler::secure() {
  set_peer_options(socket_.socket(), core_->options);
  const auto tls = core_->options.client_tls ? core_->options.client_tls() : nullptr;
  if (tls == nullptr) return request_upgrade();
  socket_.secure(tls, tls_side::client);
  auto done = [self = shared_from_this(), this, attempt = attempt_](const error_code& error) {
    if (is_over(attempt)) return;
    if (error) return lost(error, "no TLS: ");
    request_upgrade();
  };
  socket_.async_handshake(std::move(done));
}

void peer_dialler::request_upgrade() {
  exchange_ = upgrade_request(address_);
  auto written =
      [self = shared_from_this(), this, attempt = attempt_](error_code error, std::size_t) {
        if (is_over(attempt)) return;
        if (error) return lost(error, "");
        exchange_.clear();
        read_answer();
      };
  asio::async_write(socket_, asio::buffer(exchange_), std::move(written));
}

void peer_dialler::read_answer() {
  const auto have = exchange_.size();
  exchange_.resize(have + read_piece);
  auto got = [self = shared_from_this(), this, attempt = attempt_, have](
                 error_code error, std::size_t size
             ) {
    if (is_over(attempt)) return;
    if (error) return lost(error, "no answer to the Upgrade: ");
    exchange_.resize(have + size);
    const auto end = exchange_.find("\r\n\r\n");
    if (end != std::string::npos) {
      if (!exchange_.starts_with("HTTP/1.1 101 ")) {
        return failed(
            link_loss::rejected, true, "not a weir peer port: " + exchange_.substr(0, 40)
        );
      }
      return hand_over(std::string_view(exchange_).substr(end + 4));
    }
    if (exchange_.size() > max_answer ||
        !exchange_.starts_with(std::string_view("HTTP/1.1 101 ").substr(0, exchange_.size()))) {
      return failed(link_loss::rejected, true, "not a weir peer port");
    }
    read_answer();
  };
  socket_.async_read_some(asio::buffer(exchange_.data() + have, read_piece), std::move(got));
}

void peer_dialler::hand_over(std::string_view leftover) {
  timer_.cancel();
  dialling_ = false;
  auto on_end = [self = shared_from_this(), this](const connection_end& why, bool was_up) {
    ended(why, was_up);
  };
  client_ = std::make_shared<peer_client>(
      core_, std::move(socket_), address_, history_, std::move(on_end)
  );
  socket_ = tcp::socket(loop_);
  const auto client = client_;
  core_->add(client);
  client->begin(leftover);
}

void peer_dialler::ended(const connection_end& why, bool was_up) {
  client_ = nullptr;
  if (stopped_) return;
  if (was_up) pause_.reset();
  failed(why.cause, why.lasting, why.text, why.peer);
}

void peer_dialler::failed(
    link_loss cause, bool lasting, std::string text, const std::string& peer
) {
  ++attempt_;
  dialling_ = false;
  error_code ignored;
  socket_.close(ignored);
  dial_later(lasting);
  if (text != last_text_) {
    last_text_ = text;
    const auto event = cause == link_loss::rejected ? "peer_refused" : "peer_down";
    peer_log_fields fields{{"address", address_}};
    if (!peer.empty()) fields.emplace_back("peer", peer);
    fields.emplace_back("detail", std::move(text));
    core_->log_seldom(event, std::move(fields));
  }
  core_->handler->on_link_down(address_, cause);
}

/// What is wrong with a certificate stays wrong for a while.
void peer_dialler::lost(const error_code& error, std::string_view doing) {
  const bool lasting = error.category() == tls_category();
  failed(loss_of(error), lasting, std::string(doing) + error.message());
}

void peer_dialler::dial_later(bool lasting) {
  const auto spent = asio::steady_timer::clock_type::now() - began_;
  timer_.expires_after(
      pause_.next(lasting, core_->env.random(), std::chrono::duration_cast<milliseconds>(spent))
  );
  timer_.async_wait([self = shared_from_this(), this, attempt = attempt_](error_code error) {
    if (!error && !is_over(attempt)) dial();
  });
}

}  // namespace weir
