// GET of a cached 100-byte value through the whole HTTP door (parser, keyspace, ETag, Cache-Status,
// counters) against the least a Beast server can be, which answers one fixed body.
//
//   door_bench [--json] [--rounds N]
//
// One loop thread each, 50 connections, one request at a time and 16 pipelined. The subjects take
// turns; each round gives a ratio by rate and one by processor time of the loop, which other load
// on the machine moves less, and the medians are reported.

#include "benchmarks/http_bare_beast.hpp"

#include <weir/doors/http_door.hpp>
#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>
#include <weir/transport/host_port.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <future>
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
constexpr std::chrono::milliseconds run_time{400};
const std::string request =
    "GET /v1/users/42 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
const std::string value(100, 'v');

/// A server under load: its port, and the processor clock of the thread that runs it.
struct subject {
  std::uint16_t port;
  clockid_t clock;

  double processor_seconds() const {
    timespec used{};
    clock_gettime(clock, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
  }
};

clockid_t clock_of(asio::io_context& loop) {
  std::promise<clockid_t> told;
  asio::post(loop, [&told] {
    clockid_t id;
    pthread_getcpuclockid(pthread_self(), &id);
    told.set_value(id);
  });
  return told.get_future().get();
}

struct figures {
  double per_second = 0;
  double processor_us = 0;
};

/// The bytes of one answer: from the first to the end of the body.
std::size_t answer_size(tcp::socket& socket) {
  asio::write(socket, asio::buffer(request));
  std::string got;
  char piece[4'096];
  while (true) {
    const auto size = socket.read_some(asio::buffer(piece));
    got.append(piece, size);
    const auto end = got.find("\r\n\r\n");
    if (end != std::string::npos && got.size() >= end + 4 + value.size()) return got.size();
  }
}

/// Keeps `depth` requests under way on every connection for run_time. Answers are read by size,
/// which only grows (Age gets a second digit), so that a read never waits for more than was sent.
figures load(const subject& under_load, int depth) {
  asio::io_context context;
  std::vector<tcp::socket> sockets;
  for (int i = 0; i < connections; ++i) {
    auto& socket = sockets.emplace_back(context);
    socket.connect({asio::ip::address_v4::loopback(), under_load.port});
    socket.set_option(tcp::no_delay(true));
  }
  std::string burst;
  for (int i = 0; i < depth; ++i) burst += request;
  std::string reply(answer_size(sockets[0]) * static_cast<std::size_t>(depth), '\0');

  const auto used_before = under_load.processor_seconds();
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
  const auto used = under_load.processor_seconds() - used_before;
  const auto count = static_cast<double>(answered);
  return {count / elapsed.count(), used / count * 1e6};
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

struct line {
  int depth = 0;
  figures beast, door;
  double by_rate = 0, by_processor = 0;
};

line compare(const subject& beast, const subject& door, int depth, int rounds) {
  std::vector<double> beast_rate, beast_us, door_rate, door_us, by_rate, by_processor;
  for (int i = 0; i != rounds; ++i) {
    const auto bare = load(beast, depth);
    const auto ours = load(door, depth);
    beast_rate.push_back(bare.per_second);
    beast_us.push_back(bare.processor_us);
    door_rate.push_back(ours.per_second);
    door_us.push_back(ours.processor_us);
    by_rate.push_back(ours.per_second / bare.per_second);
    by_processor.push_back(bare.processor_us / ours.processor_us);
  }
  return {
      depth,
      {median(beast_rate), median(beast_us)},
      {median(door_rate), median(door_us)},
      median(by_rate),
      median(by_processor)};
}

void print_table(const std::vector<line>& lines) {
  for (const auto& each : lines) {
    std::printf(
        "depth %2d  bare Beast %8.0f/s %6.2f us   door %8.0f/s %6.2f us   ratio %.2f by rate, "
        "%.2f by processor time\n",
        each.depth,
        each.beast.per_second,
        each.beast.processor_us,
        each.door.per_second,
        each.door.processor_us,
        each.by_rate,
        each.by_processor
    );
  }
}

void print_json(const std::vector<line>& lines) {
  std::printf("[\n");
  for (const auto& each : lines) {
    std::printf(
        "  {\"depth\": %d, \"beast_per_second\": %.0f, \"beast_processor_us\": %.3f, "
        "\"door_per_second\": %.0f, \"door_processor_us\": %.3f, \"ratio_by_rate\": %.3f, "
        "\"ratio_by_processor\": %.3f}%s\n",
        each.depth,
        each.beast.per_second,
        each.beast.processor_us,
        each.door.per_second,
        each.door.processor_us,
        each.by_rate,
        each.by_processor,
        &each == &lines.back() ? "" : ","
    );
  }
  std::printf("]\n");
}

}  // namespace

int main(int argc, char** argv) {
  bool prints_json = false;
  int rounds = 7;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) prints_json = true;
    if (std::strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) rounds = std::atoi(argv[++i]);
  }

  asio::io_context beast_loop(1);
  weir::bench::bare_beast beast(beast_loop, value);
  std::thread beast_thread([&] { beast_loop.run(); });

  weir::runtime runtime({.threads = 1});
  weir::engine engine(runtime, {.cluster = "bench", .id = "n1", .address = "127.0.0.1:7420"});
  const auto load_value = [](std::string_view) -> weir::result<weir::bytes> { return value; };
  auto users =
      engine.add_keyspace({.name = "users", .ttl = std::chrono::hours(5), .jitter = 0}, load_value);
  users.get("42").value();
  weir::http_door door(engine);
  weir::http_limits limits;
  limits.max_requests = 0;
  weir::http_server server(runtime.loops(), limits, door);
  const auto port = weir::parse_host_port(server.listen("127.0.0.1:0").value()).value().port;

  const subject bare{beast.port(), clock_of(beast_loop)};
  const subject ours{port, clock_of(*runtime.loops().front())};
  std::vector<line> lines;
  for (const int depth : {1, 16}) {
    lines.push_back(compare(bare, ours, depth, std::max(rounds, 1)));
  }
  prints_json ? print_json(lines) : print_table(lines);

  server.stop();
  engine.stop();
  runtime.stop();
  beast_loop.stop();
  beast_thread.join();
}
