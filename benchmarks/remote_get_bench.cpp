// Gets of keys that another node owns and holds: the whole path, from a coroutine's co_await on one
// node through flight, ring, peer link and the owner's store, and back. Two nodes in one process,
// one thread each.
//
//   remote_get_bench [--json] [--seconds N] [--bytes N]    values of 100 bytes unless told

#include <weir/discovery/static_provider.hpp>
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;

struct load {
  weir::keyspace things;
  const std::vector<std::string>& keys;
  std::size_t value_size;
  std::atomic<bool> is_over{false};
  std::atomic<std::size_t> done{0};
  std::atomic<int> running{0};
};

asio::awaitable<void> caller(load& of, std::size_t n) {
  std::size_t done = 0;
  while (!of.is_over.load(std::memory_order_relaxed)) {
    const auto found = co_await of.things.async_get(of.keys[n++ % of.keys.size()]);
    if (!found || found->value.size() != of.value_size) {
      std::fprintf(
          stderr, "remote_get_bench: %s\n", found ? "wrong value" : found.error().message().c_str()
      );
      std::exit(1);
    }
    ++done;
  }
  of.done += done;
  --of.running;
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return of(used.ru_utime) + of(used.ru_stime);
}

}  // namespace

int main(int argc, char** argv) {
  bool is_json = false;
  double seconds = 2;
  std::size_t value_size = 100;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--json")) is_json = true;
    if (!std::strcmp(argv[i], "--seconds") && i + 1 < argc) seconds = std::atof(argv[++i]);
    if (!std::strcmp(argv[i], "--bytes") && i + 1 < argc)
      value_size = std::strtoul(argv[++i], nullptr, 10);
  }
  const auto provider = std::make_shared<weir::static_provider>(std::vector<weir::candidate>{});
  const auto options = [&](const char* id) {
    return weir::node_options{
        .cluster = "bench",
        .id = id,
        .peer_address = "127.0.0.1:0",
        .discovery = provider,
        .runtime = {.threads = 1}};
  };
  weir::node asking(options("asking")), owning(options("owning"));
  const auto source = [value_size](std::string_view) -> weir::result<weir::bytes> {
    return weir::bytes(std::string(value_size, 'x'));
  };
  const auto things = asking.add_keyspace({.name = "things"}, source);
  auto owned = owning.add_keyspace({.name = "things"}, source);
  asking.start().value();
  owning.start().value();
  provider->replace({{"asking", asking.peer_address()}, {"owning", owning.peer_address()}});
  const auto is_whole = [](const weir::node& of) {
    std::size_t reachable = 0;
    for (const auto& each : of.members()) reachable += each.state == weir::member_state::reachable;
    return reachable == 2;
  };
  while (!is_whole(asking) || !is_whole(owning)) std::this_thread::yield();

  std::vector<std::string> keys;
  const std::size_t most = std::min<std::size_t>(10'000, 1 + (64u << 20) / (value_size + 200));
  for (int i = 0; keys.size() != most; ++i) {
    auto key = "user:" + std::to_string(100'000'000'000 + i);
    if (asking.place_of("things", key).owner == "owning") keys.push_back(std::move(key));
  }
  for (const auto& key : keys) owned.get(key).value();

  if (!is_json)
    std::printf("%8s %12s %12s %14s\n", "callers", "gets/s", "mean us", "CPU us per get");
  const char* before = "[\n";
  for (const std::size_t callers : {1, 16, 64, 256}) {
    load work{.things = things, .keys = keys, .value_size = value_size};
    work.running = static_cast<int>(callers);
    const auto cpu = cpu_seconds();
    const auto began = clock_type::now();
    for (std::size_t i = 0; i != callers; ++i) {
      asio::co_spawn(*asking.loops().front(), caller(work, i * 97), asio::detached);
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    work.is_over = true;
    while (work.running != 0) std::this_thread::yield();
    const double took = std::chrono::duration<double>(clock_type::now() - began).count();
    const auto done = static_cast<double>(work.done);
    const double rate = done / took, cpu_each = 1e6 * (cpu_seconds() - cpu) / done;
    const double mean = 1e6 * static_cast<double>(callers) / rate;
    if (is_json) {
      std::printf(
          "%s  {\"callers\": %zu, \"gets_per_second\": %.0f, \"mean_us\": %.2f, "
          "\"cpu_us_per_get\": %.2f}",
          before,
          callers,
          rate,
          mean,
          cpu_each
      );
      before = ",\n";
    } else {
      std::printf("%8zu %12.0f %12.1f %14.2f\n", callers, rate, mean, cpu_each);
    }
  }
  if (is_json) std::printf("\n]\n");
}
