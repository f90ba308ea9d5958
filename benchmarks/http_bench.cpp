// GET of a fixed 100-byte value: weir's HTTP server against the least a Beast server can be.
// One loop thread each, 50 connections, one request at a time and 16 pipelined. Prints requests per
// second and, less moved by other load on the machine, processor time of the loop per request.

#include "benchmarks/http_bare_beast.hpp"

#include <weir/transport/host_port.hpp>
#include <weir/transport/http_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <chrono>
#include <cstdio>
#include <pthread.h>
#include <string>
#include <thread>
#include <time.h>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using clock_type = std::chrono::steady_clock;

constexpr int connections = 50;
constexpr std::chrono::milliseconds run_time{1'000};
const std::string request =
    "GET /v1/users/42 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
const std::string value(100, 'v');

class fixed_answer : public weir::http_handler {
 public:
  bool try_handle(const weir::http_request&, weir::http_response& response) override {
    response.body = value_;
    return true;
  }

  asio::awaitable<weir::http_response> handle(const weir::http_request&) override {
    co_return weir::http_response();
  }

 private:
  weir::bytes value_ = value;
};

double processor_seconds(std::thread& thread) {
  clockid_t id;
  timespec used{};
  pthread_getcpuclockid(thread.native_handle(), &id);
  clock_gettime(id, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

struct figures {
  double per_second = 0;
  double processor_us = 0;
};

/// Keeps `depth` requests under way on every connection for run_time.
figures load(std::uint16_t port, int depth, std::thread& loop_thread) {
  asio::io_context context;
  std::vector<tcp::socket> sockets;
  for (int i = 0; i < connections; ++i) {
    auto& socket = sockets.emplace_back(context);
    socket.connect({asio::ip::address_v4::loopback(), port});
    socket.set_option(tcp::no_delay(true));
  }
  std::string burst;
  for (int i = 0; i < depth; ++i) burst += request;

  asio::write(sockets[0], asio::buffer(request));
  std::string reply(4'096, '\0');
  const auto reply_size = sockets[0].read_some(asio::buffer(reply));
  reply.resize(reply_size * static_cast<std::size_t>(depth));

  const auto used_before = processor_seconds(loop_thread);
  const auto begin = clock_type::now();
  std::uint64_t answered = 0;
  for (auto& socket : sockets) asio::write(socket, asio::buffer(burst));
  while (clock_type::now() - begin < run_time) {
    for (auto& socket : sockets) {
      asio::read(socket, asio::buffer(reply));
      asio::write(socket, asio::buffer(burst));
      answered += static_cast<std::uint64_t>(depth);
    }
  }
  const std::chrono::duration<double> elapsed = clock_type::now() - begin;
  const auto used = processor_seconds(loop_thread) - used_before;
  return {
      static_cast<double>(answered) / elapsed.count(), used / static_cast<double>(answered) * 1e6};
}

void print(const char* name, int depth, const figures& got) {
  std::printf(
      "%-12s depth %2d  %9.0f requests/s  %6.2f us of the loop per request\n",
      name,
      depth,
      got.per_second,
      got.processor_us
  );
}

}  // namespace

int main() {
  asio::io_context beast_loop(1), weir_loop(1);
  weir::bench::bare_beast beast(beast_loop, value);
  fixed_answer handler;
  weir::http_limits limits;
  limits.max_requests = 0;
  weir::http_server server({&weir_loop}, limits, handler);
  const auto weir_port = weir::parse_host_port(server.listen("127.0.0.1:0").value()).value().port;

  std::thread beast_thread([&] { beast_loop.run(); });
  std::thread weir_thread([&] { weir_loop.run(); });
  for (const int depth : {1, 16}) {
    const auto bare = load(beast.port(), depth, beast_thread);
    const auto ours = load(weir_port, depth, weir_thread);
    print("bare Beast", depth, bare);
    print("weir", depth, ours);
    std::printf(
        "ratio: %.2f by rate, %.2f by processor time\n",
        ours.per_second / bare.per_second,
        bare.processor_us / ours.processor_us
    );
  }
  beast_loop.stop();
  weir_loop.stop();
  beast_thread.join();
  weir_thread.join();
}
