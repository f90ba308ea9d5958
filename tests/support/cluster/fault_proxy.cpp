#include "tests/support/cluster/fault_proxy.hpp"

#include "tests/support/cluster/endpoint_of.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <future>
#include <set>

namespace weir::test {
namespace {

using asio::ip::tcp;

constexpr std::chrono::seconds longest_dial{5};
constexpr int kernel_buffer = 32 * 1024;  // little: what waits here was taken from the sender

// One proxied connection.
struct proxied {
  proxied(tcp::socket taken, std::mt19937_64& random, std::uint64_t& counter)
      : resets(counter),
        near(std::move(taken)),
        far(near.get_executor()),
        dial_limit(near.get_executor()),
        forth(near, far, random, [this] { reset(); }),
        back(far, near, random, [this] { reset(); }) {}

  void reset() {
    if (is_reset) return;
    is_reset = true;
    ++resets;
    boost::system::error_code ignored;
    for (auto* each : {&near, &far}) {
      each->set_option(asio::socket_base::linger(true, 0), ignored);
      each->close(ignored);
    }
    forth.stop();
    back.stop();
    dial_limit.cancel();
  }

  std::uint64_t& resets;
  tcp::socket near;
  tcp::socket far;
  asio::steady_timer dial_limit;
  bool is_reset = false;
  int running = 0;
  fault_pump forth;
  fault_pump back;
};

}  // namespace

struct fault_proxy::state : std::enable_shared_from_this<state> {
  state(asio::io_context& on, fault_proxy_options given)
      : loop(on), options(std::move(given)), acceptor(on), random(options.seed) {
    const auto at = endpoint_of(options.listen);
    acceptor.open(at.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.set_option(asio::socket_base::receive_buffer_size(kernel_buffer));
    acceptor.bind(at);
    acceptor.listen();
    const auto bound = acceptor.local_endpoint();
    address = bound.address().to_string() + ":" + std::to_string(bound.port());
  }

  asio::awaitable<void> accept() {
    while (acceptor.is_open()) {
      boost::system::error_code failed;
      tcp::socket socket(loop);
      co_await acceptor.async_accept(socket, asio::redirect_error(asio::use_awaitable, failed));
      if (failed) continue;
      ++counted.accepted;
      auto one = std::make_shared<proxied>(std::move(socket), random, counted.resets);
      links.insert(one);
      apply(*one);
      asio::co_spawn(loop, dial(shared_from_this(), one), asio::detached);
    }
  }

  static asio::awaitable<void> dial(std::shared_ptr<state> self, std::shared_ptr<proxied> one) {
    boost::system::error_code failed;
    const auto target = endpoint_of(self->options.target);
    one->far.open(target.protocol());
    one->far.set_option(asio::socket_base::receive_buffer_size(kernel_buffer), failed);
    if (!self->options.source.empty()) {
      one->far.bind({asio::ip::make_address(self->options.source), 0}, failed);
    }
    one->dial_limit.expires_after(longest_dial);
    one->dial_limit.async_wait([one](boost::system::error_code cancelled) {
      if (!cancelled) one->reset();
    });
    if (!failed) {
      co_await one->far.async_connect(target, asio::redirect_error(asio::use_awaitable, failed));
    }
    one->dial_limit.cancel();
    if (failed || one->is_reset) {
      one->reset();
      self->forget(one);
      co_return;
    }
    boost::system::error_code ignored;
    one->near.set_option(tcp::no_delay(true), ignored);
    one->far.set_option(tcp::no_delay(true), ignored);
    one->running = 4;
    asio::co_spawn(self->loop, run(self, one, one->forth.read()), asio::detached);
    asio::co_spawn(self->loop, run(self, one, one->forth.write()), asio::detached);
    asio::co_spawn(self->loop, run(self, one, one->back.read()), asio::detached);
    asio::co_spawn(self->loop, run(self, one, one->back.write()), asio::detached);
  }

  static asio::awaitable<void> run(
      std::shared_ptr<state> self, std::shared_ptr<proxied> one, asio::awaitable<void> part
  ) {
    co_await std::move(part);
    if (--one->running == 0) self->forget(one);
  }

  void forget(const std::shared_ptr<proxied>& one) {
    if (links.erase(one) == 0) return;
    add(counted, *one);
  }

  static void add(counts& to, const proxied& one) {
    to.bytes_lost += one.forth.lost() + one.back.lost();
  }

  void apply(proxied& to) {
    to.forth.set(forth, is_paused);
    to.back.set(back, is_paused);
  }

  void reset_all() {
    const auto all = links;
    for (const auto& each : all) each->reset();
  }

  template <typename Change>
  auto on_loop(Change change) {
    std::packaged_task<decltype(change())()> task(std::move(change));
    auto done = task.get_future();
    asio::post(loop, [&task] { task(); });
    return done.get();
  }

  asio::io_context& loop;
  const fault_proxy_options options;
  tcp::acceptor acceptor;
  std::string address;
  std::mt19937_64 random;
  std::set<std::shared_ptr<proxied>> links;
  toxics forth;
  toxics back;
  bool is_paused = false;
  counts counted;
};

fault_proxy::fault_proxy(asio::io_context& loop, fault_proxy_options options)
    : state_(std::make_shared<state>(loop, std::move(options))) {
  const auto run = [](std::shared_ptr<state> self) -> asio::awaitable<void> {
    co_await self->accept();
  };
  asio::co_spawn(loop, run(state_), asio::detached);
}

fault_proxy::~fault_proxy() {
  state_->on_loop([self = state_.get()] {
    boost::system::error_code ignored;
    self->acceptor.close(ignored);
    self->reset_all();
  });
}

const std::string& fault_proxy::address() const noexcept {
  return state_->address;
}

void fault_proxy::set(direction way, const toxics& now) {
  state_->on_loop([self = state_.get(), way, &now] {
    (way == direction::forth ? self->forth : self->back) = now;
    for (const auto& each : self->links) {
      (way == direction::forth ? each->forth : each->back).set(now, self->is_paused);
    }
  });
}

void fault_proxy::pause() {
  state_->on_loop([self = state_.get()] {
    self->is_paused = true;
    for (const auto& each : self->links) self->apply(*each);
  });
}

void fault_proxy::resume() {
  state_->on_loop([self = state_.get()] {
    self->is_paused = false;
    for (const auto& each : self->links) self->apply(*each);
  });
}

void fault_proxy::reset_all() {
  state_->on_loop([self = state_.get()] { self->reset_all(); });
}

void fault_proxy::heal() {
  state_->on_loop([self = state_.get()] {
    self->forth = self->back = {};
    self->is_paused = false;
    for (const auto& each : self->links) self->apply(*each);
  });
}

fault_proxy::counts fault_proxy::count() const {
  return state_->on_loop([self = state_.get()] {
    auto now = self->counted;
    now.open = self->links.size();
    for (const auto& each : self->links) {
      self->add(now, *each);
    }
    return now;
  });
}

}  // namespace weir::test
