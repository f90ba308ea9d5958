// Reloads under load: three real nodes, keyspaces that come, go and change while they are read, and
// a purge of many keys on threads with small stacks.

#include "tests/support/cluster/counting_origin.hpp"
#include "tests/support/cluster/http_exchange.hpp"
#include "tests/support/cluster/http_swarm.hpp"
#include "tests/support/cluster/node_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/text.hpp"
#include "tests/support/waiting.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <future>
#include <map>
#include <memory>
#include <signal.h>
#include <sys/resource.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int keys = 200;

/// Answers every path after a while, so that loads are under way at every moment.
class slow_origin final : public http_handler {
 public:
  slow_origin()
      : server_(runtime_.loops(), {}, *this), address_(server_.listen("127.0.0.1:0").value()) {}

  ~slow_origin() override {
    server_.stop();
    runtime_.stop();
  }

  const std::string& address() const { return address_; }

  void take(milliseconds time) { time_ = time; }

  bool try_handle(const http_request&, http_response&) override { return false; }

  asio::awaitable<http_response> handle(const http_request& request) override {
    http_response answer;
    answer.body = "value of " + std::string(request.path);
    asio::steady_timer timer(co_await asio::this_coro::executor, time_.load());
    co_await timer.async_wait(asio::use_awaitable);
    co_return answer;
  }

 private:
  std::atomic<milliseconds> time_{milliseconds(300)};
  runtime runtime_{runtime_options{.threads = 1}};
  http_server server_;
  const std::string address_;
};

class ReloadTest : public ::testing::Test {
 protected:
  void start(int count) {
    const auto ports = free_ports(2 * count);
    for (int i = 0; i != count; ++i) {
      peers_ += (i ? ", " : "") + ("\"n" + std::to_string(i + 1)) +
                "=127.0.0.1:" + std::to_string(ports[2 * i]) + "\"";
    }
    configure(0);
    for (int i = 0; i != count; ++i) {
      nodes_.push_back(std::make_unique<node_process>(
          "n" + std::to_string(i + 1), file_, ports[2 * i], ports[2 * i + 1]
      ));
      ports_.push_back(ports[2 * i + 1]);
    }
    const auto whole = "\"" + std::to_string(count) + " nodes in the ring";
    for (const auto& each : nodes_) {
      const auto is_whole = [&] { return each->log().find(whole) != std::string::npos; };
      ASSERT_TRUE(count == 1 || eventually(is_whole, 20s)) << each->log();
    }
  }

  // Of every kind of change something each time: `kept` gives others room and gets it back,
  // `tuned` has other options, `slow` others while it is loaded from, `moved` another source, and
  // `guest` comes or goes.
  void configure(int round) {
    const bool is_odd = round % 2 != 0;
    const auto http = [](const std::string& address, const std::string& path) {
      return "source: {type: http, url: \"http://" + address + "/" + path + "/{key}\"}";
    };
    auto text =
        "cluster: reload-test\nnode: {max_memory: 64MiB, threads: 1}\n"
        "discovery: {static: {peers: [" +
        peers_ + "]}}\nkeyspaces:\n";
    text += "  - {name: kept, ttl: 10m, " + http(origin_.address(), "kept") + "}\n";
    text += "  - {name: tuned, max_memory: " + std::string(is_odd ? "3MiB" : "2MiB") +
            ", ttl: " + (is_odd ? "11m" : "10m") + ", jitter: " + (is_odd ? "0" : "0.1") +
            ", loads: {queue: " + (is_odd ? "300" : "256") + "}, " +
            http(origin_.address(), "tuned") + "}\n";
    text += "  - {name: slow, ttl: 0s, max_memory: 1MiB, loads: {concurrent: 500, queue: " +
            std::string(is_odd ? "600" : "500") + "}, " + http(slow_.address(), "slow") + "}\n";
    text += "  - {name: moved, ttl: 10m, max_memory: 2MiB, " +
            http(origin_.address(), is_odd ? "odd" : "even") + "}\n";
    if (is_odd) text += "  - {name: guest, " + http(origin_.address(), "guest") + "}\n";
    file_ = folder_.write("weir.yaml", text);
  }

  void reload(int round) {
    configure(round);
    for (const auto& each : nodes_) {
      const auto applied = [&] { return occurrences(each->log(), "\"reload.applied\""); };
      const auto before = applied();
      each->send(SIGHUP);
      ASSERT_TRUE(eventually([&] { return applied() > before; }, 20s)) << each->log();
    }
  }

  static std::string path_of(std::size_t n) {
    const auto key = std::to_string(n / 20 % keys);
    if (n % 20 == 0) return "/v1/slow/" + std::to_string(n);
    const char* const names[] = {"kept", "tuned", "moved"};
    return "/v1/" + std::string(names[n % 3]) + "/" + key;
  }

  // How often the origin was asked for what must stay.
  int loads() {
    int sum = 0;
    for (int i = 0; i != keys; ++i) {
      sum += origin_.loads("/kept/" + std::to_string(i)) +
             origin_.loads("/tuned/" + std::to_string(i));
    }
    return sum;
  }

  scratch_folder folder_;
  counting_origin origin_;
  slow_origin slow_;
  std::string peers_;
  std::string file_;
  std::vector<std::unique_ptr<node_process>> nodes_;
  std::vector<std::uint16_t> ports_;
};

TEST_F(ReloadTest, UnderLoadFailsNoReadAndKeepsWhatStays) {
  const int reloads = is_soak() ? 20 : 6;
  const double rate = is_soak() ? 2000 : 500;
  const milliseconds lasting = is_soak() ? 20s : 4s;
  start(3);
  http_swarm clients(ports_, 300);
  const auto all_keys = static_cast<std::size_t>(keys) * 20 * 3;
  for (int i = 0; i != keys; ++i) {
    for (const char* const of : {"/v1/kept/", "/v1/tuned/"}) {
      const auto path = of + std::to_string(i);
      ASSERT_EQ(
          http_call("127.0.0.1:" + std::to_string(ports_[i % 3]), http_text("GET", path), 5s)
              .status,
          200
      );
    }
  }
  const auto before = loads();

  auto reading = std::async(std::launch::async, [&] {
    return clients.steady_gets(rate, lasting, path_of, lasting, [] {});
  });
  const auto began = std::chrono::steady_clock::now();
  for (int round = 1; round <= reloads; ++round) {
    reload(round);
    const auto next = began + round * lasting / (reloads + 1);
    eventually([&] { return std::chrono::steady_clock::now() >= next; }, lasting);
  }
  const auto answers = reading.get();

  std::map<int, int> by_status;
  std::map<std::string, int> failures;
  std::chrono::nanoseconds longest{0};
  for (const auto& each : answers) {
    ++by_status[each.status];
    longest = std::max(longest, each.took);
    if (each.status != 200) ++failures[each.body];
  }
  const auto failed = answers.size() - static_cast<std::size_t>(by_status[200]);
  const auto added = loads() - before;
  std::printf(
      "reload: reads=%zu failed=%zu reloads=%dx3 lasting_s=%.1f kept_keys=%d loads_of_kept=%d "
      "longest_ms=%.1f\n",
      answers.size(),
      failed,
      reloads,
      std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count(),
      2 * keys,
      added,
      std::chrono::duration<double, std::milli>(longest).count()
  );
  for (const auto& [body, count] : failures) std::printf("%d times: %s\n", count, body.c_str());
  EXPECT_GT(answers.size(), all_keys / 20);
  EXPECT_EQ(failed, 0u);
  EXPECT_EQ(added, 0) << "entries of keyspaces that stay were loaded again";
}

// What asks for a keyspace that goes waits in vain, but is not told that there is no such key.
TEST_F(ReloadTest, ReadsUnderWayInAKeyspaceThatGoesAreUnavailable) {
  slow_.take(1500ms);
  start(1);
  const auto address = "127.0.0.1:" + std::to_string(ports_[0]);
  ASSERT_TRUE(eventually([&] {
    return http_call(address, http_text("GET", "/readyz"), 5s).status == 200;
  })) << nodes_[0]->log();
  auto one = std::async(std::launch::async, [&] {
    return http_call(address, http_text("GET", "/v1/slow/a"), 5s);
  });
  auto many = std::async(std::launch::async, [&] {
    const auto body = R"({"keys":["b","c"]})";
    return http_call(address, http_text("POST", "/v1/slow?get", {}, body), 5s);
  });
  const auto both_run = [&] {
    const auto metrics = http_call(address, http_text("GET", "/metrics"), 5s).body;
    return metrics.find("weir_source_loads_running{keyspace=\"slow\"} 3") != std::string::npos;
  };
  ASSERT_TRUE(eventually(both_run)) << "the loads did not start";
  folder_.write(
      "weir.yaml",
      "cluster: reload-test\nnode: {max_memory: 64MiB, threads: 1}\n"
      "discovery: {static: {peers: [" +
          peers_ + "]}}\nkeyspaces:\n  - {name: kept, source: {type: http, url: \"http://" +
          origin_.address() + "/kept/{key}\"}}\n"
  );
  nodes_[0]->send(SIGHUP);
  EXPECT_EQ(one.get().status, 503);
  EXPECT_EQ(occurrences(many.get().body, "\"unavailable\""), 2);
  const auto later = http_call(address, http_text("GET", "/v1/slow/a"), 5s);
  EXPECT_EQ(later.status, 404);
  EXPECT_NE(later.body.find("no_keyspace"), std::string::npos);
}

TEST_F(ReloadTest, APurgeOfAThousandKeysNeedsLittleStack) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_STACK, &before), 0);
  rlimit small = before;
  small.rlim_cur = 256 << 10;  // of each thread of the node
  ASSERT_EQ(::setrlimit(RLIMIT_STACK, &small), 0);
  start(1);
  ASSERT_EQ(::setrlimit(RLIMIT_STACK, &before), 0);
  const auto address = "127.0.0.1:" + std::to_string(ports_[0]);
  ASSERT_TRUE(eventually([&] {
    return http_call(address, http_text("GET", "/readyz"), 5s).status == 200;
  })) << nodes_[0]->log();
  std::string body = R"({"keys":["0")";
  for (int i = 1; i != 1000; ++i) body += ",\"" + std::to_string(i) + "\"";
  const auto answer = http_call(address, http_text("POST", "/v1/kept?purge", {}, body + "]}"), 10s);
  EXPECT_EQ(answer.status, 200) << answer.body << nodes_[0]->log();
}

}  // namespace
}  // namespace weir::test
