// Remote gets of a 100-byte value between two nodes on loopback, all hits, one coroutine per
// caller.
//
//   peer_bench [seconds per row [event loops per node [callers...]]]
//
// The far side answers from try_serve(). Calls per second count both sides: they share the machine.

#include <weir/engine/runtime.hpp>
#include <weir/transport/peer_link.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <string>
#include <sys/resource.h>
#include <vector>

namespace {

using namespace weir;
using namespace std::chrono_literals;

class answers_hits final : public peer_handler {
 public:
  bool try_serve(const peer_request&, peer_reply& reply) override {
    auto& answer = reply.body.emplace<get_reply>();
    answer.answer.found = true;
    answer.answer.entry.value = value_;
    answer.answer.entry.version = {1, 1};
    answer.answer.entry.ttl = 60s;
    return true;
  }

  void serve(identity, peer_request, completion<peer_reply>, completion<>) override {}

  void on_link_up(const std::string&, const identity&) override { up_.set_value(); }

  void on_link_down(const std::string&, link_loss) override {}

  void on_peer_seen(const identity&) override {}

  void wait_until_up() { up_.get_future().wait(); }

 private:
  bytes value_{std::string(100, 'v')};
  std::promise<void> up_;
};

struct load {
  runtime& env;
  peer_link_network& network;
  std::string address;
  std::atomic<bool> stop{false};
  std::atomic<std::size_t> running{0};
  std::atomic<std::uint64_t> calls{0};
  std::promise<void> done;
};

asio::awaitable<void> caller(load& run, int number) {
  std::uint64_t calls = 0;
  const std::string key = "user:" + std::to_string(1'000'000 + number);
  while (!run.stop.load(std::memory_order_relaxed)) {
    const auto deadline = run.env.now() + 5s;
    auto initiate = [&](auto handler) {
      peer_request request{0, 5s, get_request{"users", key}};
      run.network.call(run.address, std::move(request), deadline, std::move(handler));
    };
    const auto reply =
        co_await asio::async_initiate<const asio::use_awaitable_t<>, void(result<peer_reply>)>(
            initiate, asio::use_awaitable
        );
    if (!reply) std::abort();
    ++calls;
  }
  run.calls += calls;
  if (--run.running == 0) run.done.set_value();
}

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) / 1e6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

void measure(load& run, int callers, double seconds) {
  run.stop = false;
  run.calls = 0;
  run.running = static_cast<std::size_t>(callers);
  run.done = {};
  const double cpu = cpu_seconds();
  const auto loops = run.env.loops();
  const auto start = run.env.now();
  for (int i = 0; i < callers; ++i) {
    auto& loop = *loops[static_cast<std::size_t>(i) % loops.size()];
    asio::co_spawn(loop, caller(run, i), asio::detached);
  }
  std::promise<void> time_up;
  run.env.schedule(
      start + std::chrono::duration_cast<steady_duration>(std::chrono::duration<double>(seconds)),
      [&time_up] { time_up.set_value(); }
  );
  time_up.get_future().wait();
  run.stop = true;
  run.done.get_future().wait();
  const double took = std::chrono::duration<double>(run.env.now() - start).count();
  const double calls = double(run.calls.load());
  std::printf(
      "%8d %12.0f %14.2f %16.2f\n",
      callers,
      calls / took,
      callers * took / calls * 1e6,
      (cpu_seconds() - cpu) / calls * 1e6
  );
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  std::vector<int> callers;
  const std::size_t loops = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 1;
  for (int i = 3; i < argc; ++i) callers.push_back(std::atoi(argv[i]));
  if (callers.empty()) callers = {1, 16, 64, 256};

  runtime here({.threads = loops});
  runtime there({.threads = loops});
  answers_hits asking;
  answers_hits answering;
  peer_link_network a(here, here.loops());
  peer_link_network b(there, there.loops());
  const auto address = b.listen("127.0.0.1:0").value();
  b.start({"bench", "n2", 2, 1, address}, answering);
  a.start({"bench", "n1", 1, 1, ""}, asking);
  a.connect(address);
  asking.wait_until_up();

  load run{here, a, address, {}, {}, {}, {}};
  std::printf(" callers      calls/s   latency us   CPU us per call\n");
  for (const int count : callers) measure(run, count, seconds);
  a.stop();
  b.stop();
}
