#include "net/ares_loop.hpp"
#include "net/as_tuple.hpp"

#include <weir/engine/errc.hpp>
#include <weir/transport/host_port.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <ares.h>
#include <arpa/inet.h>
#include <map>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;
using addresses = std::vector<std::string>;

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

/// The names known so far, and the questions under way.
class resolver::channel {
 public:
  channel(const asio::any_io_executor& executor, resolver_options options)
      : executor_(executor),
        options_(std::move(options)),
        ares_(std::make_shared<ares_loop>(
            executor, ares_loop_options{options_.query_timeout, options_.tries, options_.servers}
        )) {}

  /// Ends the questions under way; the channel takes no more.
  void close() { ares_->close(); }

  asio::awaitable<result<addresses>> resolve(std::string host, clock::time_point deadline) {
    error_code no_literal;
    asio::ip::make_address(host, no_literal);
    if (!no_literal) co_return addresses{host};
    auto question = ask(host);
    if (!question->done) {
      auto wake = std::make_shared<asio::steady_timer>(executor_, deadline);
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
    std::vector<std::string> names;
    std::size_t next = 0;
  };

  std::shared_ptr<question> ask(const std::string& host) {
    const auto now = clock::now();
    const auto known = names_.find(host);
    if (known != names_.end() && (!known->second->done || known->second->expires > now))
      return known->second;
    make_room(now);
    auto asked = std::make_shared<question>();
    names_[host] = asked;
    if (ares_->channel() == nullptr) {
      asked->done = true;
      asked->error = asio::error::operation_aborted;
      return asked;
    }
    asked->found = in_hosts_file(host);
    if (!asked->found.empty()) {
      settle(*asked, options_.max_ttl);
      return asked;
    }
    ask_next(std::make_unique<pending>(pending{this, asked, ares_->names_for(host)}));
    return asked;
  }

  addresses in_hosts_file(const std::string& host) const {
    const std::string name(without_root(host));
    addresses found;
    for (const int family : {AF_INET6, AF_INET}) {
      hostent* entry = nullptr;
      if (ares_gethostbyname_file(ares_->channel(), name.c_str(), family, &entry) != ARES_SUCCESS)
        continue;
      for (char** each = entry->h_addr_list; *each != nullptr; ++each) {
        char text[INET6_ADDRSTRLEN] = {};
        ::inet_ntop(family, *each, text, sizeof text);
        found.emplace_back(text);
      }
      ares_free_hostent(entry);
    }
    const bool is_local = name == "localhost" || name.ends_with(".localhost");
    if (found.empty() && is_local) return {"127.0.0.1", "::1"};  // RFC 6761, 6.3
    return found;
  }

  static void ask_next(std::unique_ptr<pending> of) {
    const auto ares = of->self->ares_;
    const auto& name = of->names[of->next++];
    auto* const waiting = of.release();
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(ares->channel(), name.c_str(), nullptr, &hints, &channel::on_answer, waiting);
    ares->asked();
  }

  void make_room(clock::time_point now) {
    if (names_.size() < options_.max_names) return;
    std::erase_if(names_, [now](const auto& name) {
      return name.second->done && name.second->expires <= now;
    });
    if (names_.size() >= options_.max_names) names_.clear();
  }

  static void on_answer(void* data, int status, int, ares_addrinfo* answer) {
    std::unique_ptr<pending> waited(static_cast<pending*>(data));
    auto& asked = *waited->asked;
    auto ttl = waited->self->options_.max_ttl;
    if (status == ARES_SUCCESS) {
      for (const auto* node = answer->nodes; node != nullptr; node = node->ai_next) {
        asked.found.push_back(literal_of(node->ai_addr));
        ttl = std::min<std::chrono::milliseconds>(ttl, std::chrono::seconds(node->ai_ttl));
      }
    }
    if (answer != nullptr) ares_freeaddrinfo(answer);
    if (asked.found.empty()) {
      const error_code failed =
          status == ARES_SUCCESS ? make_error_code(asio::error::host_not_found) : error_of(status);
      // One domain's server that fails says nothing of the others.
      if (!asked.error || asked.error == asio::error::host_not_found) asked.error = failed;
      const bool is_closed =
          failed == asio::error::operation_aborted || waited->self->ares_->channel() == nullptr;
      if (!is_closed && waited->next != waited->names.size()) return ask_next(std::move(waited));
    } else {
      asked.error = {};
    }
    waited->self->settle(asked, ttl);
  }

  void settle(question& asked, std::chrono::milliseconds ttl) const {
    asked.expires =
        clock::now() + (asked.error ? options_.min_ttl : std::max(ttl, options_.min_ttl));
    asked.done = true;
    for (const auto& wake : asked.waiting) wake->cancel();
    asked.waiting.clear();
  }

  const asio::any_io_executor executor_;
  resolver_options options_;
  std::shared_ptr<ares_loop> ares_;
  std::map<std::string, std::shared_ptr<question>> names_;
};

resolver::resolver(asio::io_context& loop, resolver_options options)
    : resolver(loop.get_executor(), std::move(options)) {}

resolver::resolver(const asio::any_io_executor& executor, resolver_options options)
    : channel_(std::make_shared<channel>(executor, std::move(options))) {}

resolver::~resolver() {
  channel_->close();
}

asio::awaitable<result<std::vector<std::string>>> resolver::async_resolve(
    std::string host, std::chrono::steady_clock::time_point deadline
) {
  return channel_->resolve(std::move(host), deadline);
}

}  // namespace weir
