#include <weir/engine/errc.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <ares.h>
#include <arpa/inet.h>
#include <map>
#include <netinet/in.h>
#include <new>
#include <stdexcept>
#include <sys/time.h>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;
using addresses = std::vector<std::string>;

const asio::as_tuple_t<asio::use_awaitable_t<>> as_tuple{asio::use_awaitable};

error_code error_of(int status) noexcept {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
    case ARES_ENONAME:
      return asio::error::host_not_found;
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return asio::error::operation_aborted;
    default:
      return asio::error::host_not_found_try_again;
  }
}

std::string literal_of(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    ::inet_ntop(
        AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text
    );
  } else if (address->sa_family == AF_INET6) {
    ::inet_ntop(
        AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text
    );
  }
  return text;
}

}  // namespace

/// The c-ares channel with its sockets and timer on the loop, and the names known so far.
class resolver::channel : public std::enable_shared_from_this<channel> {
 public:
  channel(asio::io_context& loop, resolver_options options)
      : loop_(loop), options_(std::move(options)), timer_(loop) {
    ares_options settings{};
    settings.timeout = static_cast<int>(options_.query_timeout.count());
    settings.tries = options_.tries;
    settings.lookups = lookups_;
    settings.sock_state_cb = &channel::on_socket_state;
    settings.sock_state_cb_data = this;
    const int mask =
        ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    if (ares_init_options(&ares_, &settings, mask) != ARES_SUCCESS)
      throw std::runtime_error("cannot set up the DNS resolver");
    if (!options_.servers.empty() &&
        ares_set_servers_ports_csv(ares_, options_.servers.c_str()) != ARES_SUCCESS) {
      ares_destroy(ares_);
      throw std::invalid_argument(
          "resolver servers: want addresses, optionally with a port, separated by commas"
      );
    }
  }

  /// Ends the questions under way; the channel takes no more.
  void close() {
    if (ares_ == nullptr) return;
    ares_destroy(std::exchange(ares_, nullptr));
    timer_.cancel();
  }

  asio::awaitable<result<addresses>> resolve(std::string host, clock::time_point deadline) {
    error_code no_literal;
    asio::ip::make_address(host, no_literal);
    if (!no_literal) co_return addresses{host};
    auto question = ask(host);
    if (!question->done) {
      auto wake = std::make_shared<asio::steady_timer>(loop_, deadline);
      question->waiting.push_back(wake);
      co_await wake->async_wait(as_tuple);
      if (!question->done) co_return make_error_code(errc::deadline_exceeded);
    }
    if (question->error) co_return question->error;
    co_return question->found;
  }

 private:
  struct question {
    bool done = false;
    error_code error;
    addresses found;
    clock::time_point expires;
    std::vector<std::shared_ptr<asio::steady_timer>> waiting;
  };

  struct pending {
    channel* self;
    std::shared_ptr<question> asked;
  };

  struct watch {
    explicit watch(asio::io_context& loop) : descriptor(loop) {}

    asio::posix::stream_descriptor descriptor;
    bool wants_read = false, wants_write = false;
    bool reading = false, writing = false;
  };

  std::shared_ptr<question> ask(const std::string& host) {
    const auto now = clock::now();
    const auto known = names_.find(host);
    if (known != names_.end() && (!known->second->done || known->second->expires > now))
      return known->second;
    make_room(now);
    auto asked = std::make_shared<question>();
    names_[host] = asked;
    if (ares_ == nullptr) {
      asked->done = true;
      asked->error = asio::error::operation_aborted;
      return asked;
    }
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(
        ares_, host.c_str(), nullptr, &hints, &channel::on_answer, new pending{this, asked}
    );
    arm_timer();
    return asked;
  }

  void make_room(clock::time_point now) {
    if (names_.size() < options_.max_names) return;
    std::erase_if(names_, [now](const auto& name) {
      return name.second->done && name.second->expires <= now;
    });
    if (names_.size() >= options_.max_names) names_.clear();
  }

  static void on_answer(void* data, int status, int, ares_addrinfo* answer) {
    const std::unique_ptr<pending> waited(static_cast<pending*>(data));
    auto& asked = *waited->asked;
    auto ttl = waited->self->options_.max_ttl;
    if (status == ARES_SUCCESS) {
      for (const auto* node = answer->nodes; node != nullptr; node = node->ai_next) {
        asked.found.push_back(literal_of(node->ai_addr));
        // The hosts file gives no TTL (0).
        if (node->ai_ttl > 0)
          ttl = std::min<std::chrono::milliseconds>(ttl, std::chrono::seconds(node->ai_ttl));
      }
      if (asked.found.empty()) asked.error = asio::error::host_not_found;
    } else {
      asked.error = error_of(status);
    }
    if (answer != nullptr) ares_freeaddrinfo(answer);
    const auto& options = waited->self->options_;
    asked.expires = clock::now() + (asked.error ? options.min_ttl : std::max(ttl, options.min_ttl));
    asked.done = true;
    for (const auto& wake : asked.waiting) wake->cancel();
    asked.waiting.clear();
  }

  static void on_socket_state(void* data, ares_socket_t socket, int readable, int writable) {
    static_cast<channel*>(data)->set_watch(socket, readable != 0, writable != 0);
  }

  void set_watch(ares_socket_t socket, bool read, bool write) {
    const auto found = watches_.find(socket);
    if (!read && !write) {
      if (found == watches_.end()) return;
      found->second->wants_read = found->second->wants_write = false;
      found->second->descriptor.release();  // c-ares closes it
      watches_.erase(found);
      return;
    }
    auto& watched = watches_[socket];
    if (!watched) {
      watched = std::make_shared<watch>(loop_);
      watched->descriptor.assign(socket);
    }
    watched->wants_read = read;
    watched->wants_write = write;
    wait_on(socket, watched);
  }

  void wait_on(ares_socket_t socket, const std::shared_ptr<watch>& watched) {
    using wait = asio::posix::stream_descriptor;
    if (watched->wants_read && !watched->reading) {
      watched->reading = true;
      watched->descriptor.async_wait(
          wait::wait_read,
          [self = shared_from_this(), socket, watched](const error_code&) {
            watched->reading = false;
            if (watched->wants_read) self->process(socket, ARES_SOCKET_BAD, watched);
          }
      );
    }
    if (watched->wants_write && !watched->writing) {
      watched->writing = true;
      watched->descriptor.async_wait(
          wait::wait_write,
          [self = shared_from_this(), socket, watched](const error_code&) {
            watched->writing = false;
            if (watched->wants_write) self->process(ARES_SOCKET_BAD, socket, watched);
          }
      );
    }
  }

  void process(
      ares_socket_t readable, ares_socket_t writable, const std::shared_ptr<watch>& watched
  ) {
    if (ares_ == nullptr) return;
    const auto socket = readable == ARES_SOCKET_BAD ? writable : readable;
    ares_process_fd(ares_, readable, writable);
    wait_on(socket, watched);
    arm_timer();
  }

  void arm_timer() {
    timeval left{};
    if (ares_ == nullptr || ares_timeout(ares_, nullptr, &left) == nullptr) {
      timer_.cancel();
      return;
    }
    timer_.expires_after(
        std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec)
    );
    timer_.async_wait([self = shared_from_this()](const error_code& stopped) {
      if (stopped || self->ares_ == nullptr) return;
      ares_process_fd(self->ares_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      self->arm_timer();
    });
  }

  asio::io_context& loop_;
  resolver_options options_;
  char lookups_[3] = {'f', 'b', 0};  // hosts file, then DNS
  ares_channel ares_ = nullptr;
  asio::steady_timer timer_;
  std::map<ares_socket_t, std::shared_ptr<watch>> watches_;
  std::map<std::string, std::shared_ptr<question>> names_;
};

resolver::resolver(asio::io_context& loop, resolver_options options)
    : channel_(std::make_shared<channel>(loop, std::move(options))) {}

resolver::~resolver() {
  channel_->close();
}

asio::awaitable<result<std::vector<std::string>>> resolver::async_resolve(
    std::string host, std::chrono::steady_clock::time_point deadline
) {
  return channel_->resolve(std::move(host), deadline);
}

}  // namespace weir
