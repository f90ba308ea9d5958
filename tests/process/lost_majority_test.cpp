// What changes leave behind on a node that has lost its majority: nothing.

#include "tests/support/cluster/fault_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <cstdio>
#include <fstream>
#include <map>
#include <unistd.h>

namespace weir::test {
namespace {

constexpr int clients = 100;
constexpr int purges_of_each = 20;
constexpr milliseconds change_timeout{500};

/// The CPU time that a process has taken so far.
std::chrono::duration<double> cpu_time(pid_t of) {
  std::ifstream file("/proc/" + std::to_string(of) + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i != 14; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return std::chrono::duration<double>(
      (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK))
  );
}

class LostMajority : public FaultTest {
 protected:
  /// The share of one core that node 1 takes while nobody asks it anything.
  double cpu_share() {
    constexpr auto span = 5s;
    const auto before = cpu_time(nodes().node(1).pid());
    pass(span);
    return (cpu_time(nodes().node(1).pid()) - before) / std::chrono::duration<double>(span);
  }

  static asio::awaitable<void> purge_in_turn(
      http_line& line, int client, std::map<int, int>& statuses, milliseconds& longest
  ) {
    for (int i = 0; i != purges_of_each; ++i) {
      const auto key = std::to_string(client) + '-' + std::to_string(i);
      auto text = http_text("PURGE", "/v1/things/" + key, "Weir-Timeout: 500ms\r\n");
      const auto limit = std::chrono::steady_clock::now() + 10s;
      const auto got = co_await line.exchange(std::move(text), limit);
      ++statuses[got.status];
      longest = std::max(longest, std::chrono::duration_cast<milliseconds>(got.took));
    }
  }

  /// Purges by many clients at once; the statuses that they got.
  std::map<int, int> purge_all(milliseconds& longest) {
    asio::io_context loop;
    std::map<int, int> statuses;
    std::vector<std::unique_ptr<http_line>> lines;
    const auto from = process_cluster::client_addresses();
    for (int i = 0; i != clients; ++i) {
      const auto& source = from[static_cast<std::size_t>(i) % from.size()];
      lines.push_back(std::make_unique<http_line>(loop, nodes().http_address(1), source));
      auto work = purge_in_turn(*lines.back(), i, statuses, longest);
      asio::co_spawn(loop, std::move(work), asio::detached);
    }
    loop.run();
    return statuses;
  }
};

TEST_F(LostMajority, PurgesEndByTheirDeadlineAndLeaveNoWorkBehind) {
  start();
  nodes().kill(2);
  nodes().kill(3);
  ASSERT_TRUE(eventually([&] { return nodes().sees(1, 1); }, 20s));
  const auto idle = cpu_share();
  milliseconds longest{0};
  const auto statuses = purge_all(longest);
  pass(10s);
  const auto after = cpu_share();
  std::printf(
      "lost majority: %d purges, the longest %lld ms, then %.1f %% of a core (%.1f %% before)\n",
      clients * purges_of_each,
      static_cast<long long>(longest.count()),
      100 * after,
      100 * idle
  );
  int answered = 0;
  for (const auto& [status, count] : statuses) {
    EXPECT_TRUE(status == 503 || status == 202) << status << ", " << count << " times";
    answered += count;
  }
  EXPECT_EQ(answered, clients * purges_of_each);
  EXPECT_LE(longest, 2 * change_timeout + 500ms) << "on a machine that others use";
  EXPECT_LE(after, idle + 0.02);
}

}  // namespace
}  // namespace weir::test
