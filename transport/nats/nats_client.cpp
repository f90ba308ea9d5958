#include "nats/nats_link.hpp"
#include "nats/nats_server.hpp"
#include "net/as_tuple.hpp"
#include "net/deadline_guard.hpp"

#include <weir/transport/nats_client.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <cctype>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t most_discovered = 8;
constexpr milliseconds short_life{1'000};  ///< a connection of less is as good as none
constexpr std::uint64_t only_subscription = 1;

bool is_literal(const std::string& host) {
  error_code no_literal;
  asio::ip::make_address(host, no_literal);
  return !no_literal;
}

/// Whether -ERR is about rights, and not about the server's own state.
bool is_refusal(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  const auto has = [&](std::string_view word) { return text.find(word) != text.npos; };
  return has("authori") || has("authenti") || has("permission");
}

struct ending {
  nats_trouble why = nats_trouble::failed;
  bool was_good = false;  ///< it had been up for a while, and broke
};

}  // namespace

bool is_nats_subject(std::string_view text) noexcept {
  if (text.empty() || text.size() > 128 || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != text.npos) return false;
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
  });
}

void check_nats_client(const nats_client_options& options) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("nats: " + what); };
  if (!is_nats_subject(options.subject)) {
    refuse(
        '"' + options.subject +
        "\" is no subject; write words of A-Z a-z 0-9 _ - with single dots between them"
    );
  }
  if (options.servers.empty()) refuse("there is no server; write nats://host:4222");
  for (const auto& each : options.servers) {
    if (parse_nats_server(each)) continue;
    refuse(
        "a server cannot be dialled; write nats://host:4222 or tls://host:4222, and user and "
        "password by themselves"
    );
  }
  if (options.ca.empty()) return;
  if (const auto made = make_tls_client(options.ca); !made) refuse(made.error().text);
}

/// The loop over the servers is one coroutine, which holds the core until it ends.
class nats_client::core : public std::enable_shared_from_this<core> {
 public:
  core(asio::any_io_executor executor, environment& env, nats_client_options options, handlers call)
      : executor_(std::move(executor)),
        env_(env),
        options_(std::move(options)),
        call_(std::move(call)),
        names_(executor_),
        pause_timer_(executor_),
        pause_(options_.first_pause) {
    for (const auto& each : options_.servers) servers_.push_back(parse_nats_server(each).value());
  }

  void start() {
    for (std::size_t i = servers_.size(); i > 1; --i) {
      std::swap(servers_[i - 1], servers_[env_.random() % i]);
    }
    auto ended = [](const std::exception_ptr& failed) {
      if (failed) std::rethrow_exception(failed);
    };
    asio::co_spawn(executor_, run(shared_from_this()), std::move(ended));
  }

  void publish(std::string_view payload) {
    if (!is_up_) return;
    link_->write(
        "PUB " + options_.subject + ' ' + std::to_string(payload.size()) + "\r\n" +
        std::string(payload) + "\r\n"
    );
  }

  void close() {
    is_closed_ = true;
    is_up_ = false;
    if (link_) link_->close();
    pause_timer_.cancel();
  }

 private:
  static asio::awaitable<void> run(std::shared_ptr<core> self) {
    while (!self->is_closed_) co_await self->round();
  }

  /// Tries every server once, and stays with the first that works until it breaks.
  asio::awaitable<void> round() {
    auto all = servers_;
    all.insert(all.end(), discovered_.begin(), discovered_.end());
    discovered_.clear();  // the next connection tells them again
    auto worst = nats_trouble::failed;
    for (const auto& each : all) {
      const auto ended = co_await serve(each);
      if (is_closed_) co_return;
      tell(call_.ended, ended.why);
      if (ended.was_good) {
        std::rotate(servers_.begin(), servers_.begin() + 1, servers_.end());
        pause_ = options_.first_pause;
        co_return co_await wait(random_below(pause_));
      }
      if (ended.why != nats_trouble::failed) worst = ended.why;
    }
    tell(call_.failed, worst);
    const auto pause = std::exchange(pause_, std::min(pause_ * 2, options_.max_pause));
    co_await wait(pause / 2 + random_below(pause));
  }

  template <class Handler, class... Arguments>
  void tell(const Handler& handler, Arguments... arguments) {
    if (!is_closed_ && handler) handler(arguments...);
  }

  milliseconds random_below(milliseconds most) {
    return milliseconds(env_.random() % static_cast<std::uint64_t>(most.count() + 1));
  }

  asio::awaitable<void> wait(milliseconds pause) {
    if (is_closed_) co_return;
    pause_timer_.expires_after(pause);
    co_await pause_timer_.async_wait(as_tuple);
  }

  asio::awaitable<ending> serve(nats_server server) {
    const auto deadline = clock::now() + options_.connect_timeout;
    const dial_options dial{
        .connect = {.deadline = deadline, .per_address = options_.connect_timeout}};
    const nats_limits limits{.max_message = options_.max_message};
    const auto link = std::make_shared<nats_link>(executor_, dial, limits);
    link_ = link;
    const auto refused = co_await greet(*link, server, deadline);
    ending out;
    if (refused) {
      out.why = *refused;
    } else if (!is_closed_) {
      is_up_ = true;
      const auto since = clock::now();
      link->keep_alive(options_.ping_interval, options_.most_unanswered);
      tell(call_.up);
      out.why = co_await listen(*link);
      is_up_ = false;
      out.was_good = out.why == nats_trouble::failed && clock::now() - since >= short_life;
      tell(call_.down);
    }
    link->close();
    link_ = nullptr;
    co_return out;
  }

  /// Connects, says who this is and subscribes. Nothing = all of it is done.
  asio::awaitable<std::optional<nats_trouble>> greet(
      nats_link& link, nats_server server, clock::time_point deadline
  ) {
    const deadline_guard guard(executor_, deadline, [&link] { link.close(); });
    const auto unreached = co_await link.connect(names_, server.where);
    if (unreached || is_closed_) co_return nats_trouble::failed;
    nats_input got;
    const auto first = co_await link.read(got);
    if (first == nats_parser::status::need_more) co_return nats_trouble::failed;
    nats_info info;
    const bool is_info = first == nats_parser::status::input && got.op == nats_op::info;
    if (!is_info || !read_nats_info(got.text, info)) co_return nats_trouble::malformed;
    const bool wants_tls = server.needs_tls || !options_.ca.empty();
    if (wants_tls || info.is_tls_required) {
      if (!info.is_tls_required && !info.is_tls_available) co_return nats_trouble::untrusted;
      const bool is_secure = co_await secure(link, server);
      if (!is_secure) co_return nats_trouble::untrusted;
    }
    link.write(
        write_nats_connect(
            {.name = options_.name,
             .user = options_.user,
             .password = options_.password,
             .token = options_.token}
        ) +
        "SUB " + options_.subject + ' ' + std::to_string(only_subscription) + "\r\nPING\r\n"
    );
    const auto ended = co_await wait_for_pong(link);
    if (ended) co_return ended;
    remember(info, server);
    co_return std::nullopt;
  }

  asio::awaitable<bool> secure(nats_link& link, nats_server server) {
    auto context = make_tls_client(options_.ca);
    if (!context) co_return false;
    const auto error = co_await link.secure(std::move(*context), server.tls_name);
    co_return !error;
  }

  asio::awaitable<std::optional<nats_trouble>> wait_for_pong(nats_link& link) {
    while (true) {
      nats_input got;
      const auto read = co_await link.read(got);
      const auto ended = take(link, read, got);
      if (ended) co_return ended;
      if (read == nats_parser::status::input && got.op == nats_op::pong) co_return std::nullopt;
    }
  }

  asio::awaitable<nats_trouble> listen(nats_link& link) {
    while (true) {
      nats_input got;
      const auto read = co_await link.read(got);
      const auto ended = take(link, read, got);
      if (ended) co_return *ended;
    }
  }

  /// Nothing = the connection goes on.
  std::optional<nats_trouble> take(
      nats_link& link, nats_parser::status read, const nats_input& got
  ) {
    if (is_closed_ || read == nats_parser::status::need_more) return nats_trouble::failed;
    if (read == nats_parser::status::failed) return nats_trouble::malformed;
    if (read == nats_parser::status::too_large) {
      tell(call_.too_large);
      return std::nullopt;
    }
    switch (got.op) {
      case nats_op::ping:
        link.write("PONG\r\n");
        break;
      case nats_op::pong:
        link.ponged();
        break;
      case nats_op::error:
        return is_refusal(got.text) ? nats_trouble::refused : nats_trouble::failed;
      case nats_op::message:
        if (got.sid != only_subscription) return nats_trouble::malformed;
        tell(call_.message, std::string_view(got.text));
        break;
      case nats_op::info:  // the cluster changed, or the server is about to stop
      case nats_op::ok:
        break;
    }
    return std::nullopt;
  }

  /// Other servers of the cluster of `via`, to be tried after those of the options.
  void remember(const nats_info& info, const nats_server& via) {
    discovered_.clear();
    for (const auto& each : info.connect_urls) {
      auto read = parse_nats_server(each);
      if (!read || discovered_.size() == most_discovered) continue;
      read->needs_tls |= via.needs_tls;
      if (is_literal(read->where.host)) read->tls_name = via.tls_name;
      const auto is_it = [&](const nats_server& known) { return known.where == read->where; };
      if (std::none_of(servers_.begin(), servers_.end(), is_it)) discovered_.push_back(*read);
    }
  }

  const asio::any_io_executor executor_;
  environment& env_;
  const nats_client_options options_;
  const handlers call_;
  resolver names_;
  asio::steady_timer pause_timer_;
  milliseconds pause_;
  std::vector<nats_server> servers_, discovered_;
  std::shared_ptr<nats_link> link_;
  bool is_up_ = false;
  bool is_closed_ = false;
};

nats_client::nats_client(
    asio::any_io_executor executor, environment& env, nats_client_options options, handlers call
)
    : core_(std::make_shared<core>(std::move(executor), env, std::move(options), std::move(call))) {
}

nats_client::~nats_client() {
  core_->close();
}

void nats_client::start() {
  core_->start();
}

void nats_client::publish(std::string_view payload) {
  core_->publish(payload);
}

void nats_client::close() {
  core_->close();
}

}  // namespace weir
