#include "tests/support/cluster/http_swarm.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <charconv>

namespace weir::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;

struct http_swarm::impl {
  struct client {
    explicit client(asio::io_context& loop, std::uint16_t to) : socket(loop), port(to) {}

    tcp::socket socket;
    std::uint16_t port;
    std::string buffer;
  };

  asio::io_context loop;
  std::vector<std::unique_ptr<client>> clients;

  // A plain reader of answers with Content-Length: exactly what the product sends.
  static asio::awaitable<swarm_answer> get(
      client& of, const std::string& path, clock::time_point from
  ) {
    swarm_answer answer;
    boost::system::error_code failed;
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    co_await asio::async_write(
        of.socket, asio::buffer(request), asio::redirect_error(asio::use_awaitable, failed)
    );
    std::size_t head = 0;
    if (!failed)
      head = co_await asio::async_read_until(
          of.socket,
          asio::dynamic_buffer(of.buffer),
          "\r\n\r\n",
          asio::redirect_error(asio::use_awaitable, failed)
      );
    if (!failed) {
      std::size_t length = 0;
      const auto at = of.buffer.find("Content-Length: ");
      if (at < head) std::from_chars(of.buffer.data() + at + 16, of.buffer.data() + head, length);
      if (of.buffer.size() < head + length) {
        const auto missing = head + length - of.buffer.size();
        co_await asio::async_read(
            of.socket,
            asio::dynamic_buffer(of.buffer),
            asio::transfer_exactly(missing),
            asio::redirect_error(asio::use_awaitable, failed)
        );
      }
      if (!failed) {
        std::from_chars(of.buffer.data() + 9, of.buffer.data() + 12, answer.status);
        answer.body = of.buffer.substr(head, length);
        of.buffer.erase(0, head + length);
      }
    }
    answer.took = clock::now() - from;
    co_return answer;
  }

  void run() {
    loop.restart();
    loop.run();
  }
};

http_swarm::http_swarm(const std::vector<std::uint16_t>& ports, std::size_t count)
    : impl_(std::make_unique<impl>()) {
  for (std::size_t i = 0; i != count; ++i) {
    auto& made = *impl_->clients.emplace_back(
        std::make_unique<impl::client>(impl_->loop, ports[i % ports.size()])
    );
    made.socket.connect({asio::ip::address_v4::loopback(), made.port});
    made.socket.set_option(tcp::no_delay(true));
  }
}

http_swarm::~http_swarm() = default;

http_swarm::volley http_swarm::all_get(const std::string& path) {
  volley out;
  out.answers.resize(impl_->clients.size());
  const auto began = clock::now();
  const auto one = [](impl::client& of, std::string what, clock::time_point from, swarm_answer& into
                   ) -> asio::awaitable<void> { into = co_await impl::get(of, what, from); };
  for (std::size_t i = 0; i != impl_->clients.size(); ++i) {
    asio::co_spawn(
        impl_->loop, one(*impl_->clients[i], path, began, out.answers[i]), asio::detached
    );
  }
  impl_->run();
  for (const auto& each : out.answers) out.until_last = std::max(out.until_last, each.took);
  return out;
}

std::vector<swarm_answer> http_swarm::steady_gets(
    double rate,
    std::chrono::milliseconds lasting,
    std::function<std::string(std::size_t)> path_of,
    std::chrono::milliseconds when,
    std::function<void()> at
) {
  const auto count = static_cast<std::size_t>(rate * static_cast<double>(lasting.count()) / 1000);
  std::vector<swarm_answer> answers(count);
  std::vector<impl::client*> idle;
  for (const auto& each : impl_->clients) idle.push_back(each.get());
  const auto began = clock::now();
  const auto one = [&](impl::client& of, std::size_t n, clock::time_point due
                   ) -> asio::awaitable<void> {
    answers[n] = co_await impl::get(of, path_of(n), due);
    idle.push_back(&of);
  };
  const auto pace = [&]() -> asio::awaitable<void> {
    asio::steady_timer timer(impl_->loop);
    bool is_done = false;
    for (std::size_t n = 0; n != count; ++n) {
      const auto due =
          began +
          std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * static_cast<double>(n) / rate));
      if (!is_done && due - began >= when) {
        is_done = true;
        at();
      }
      timer.expires_at(due);
      co_await timer.async_wait(asio::use_awaitable);
      if (idle.empty()) continue;  // counted as not answered
      auto* next = idle.front();
      idle.erase(idle.begin());
      asio::co_spawn(impl_->loop, one(*next, n, due), asio::detached);
    }
  };
  asio::co_spawn(impl_->loop, pace(), asio::detached);
  impl_->run();
  return answers;
}

}  // namespace weir::test
