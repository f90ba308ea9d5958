#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir::test {

/// What one request of a swarm got.
struct swarm_answer {
  int status = 0;  ///< 0 = the connection broke, or no answer within 10 s
  std::string body;
  std::chrono::nanoseconds took{0};
};

/// Many HTTP clients on one thread, each with a connection that is open before anything is
/// measured.
class http_swarm {
 public:
  /// Opens `count` connections, spread evenly over the ports of 127.0.0.1.
  http_swarm(const std::vector<std::uint16_t>& ports, std::size_t count);
  ~http_swarm();

  /// Every client sends the same GET at once. Returns all answers and the time until the last one.
  struct volley {
    std::vector<swarm_answer> answers;
    std::chrono::nanoseconds until_last{0};
  };

  volley all_get(const std::string& path);

  /// Sends `rate` GETs per second for `lasting`, each by the next idle client: an open loop, so
  /// that a stalled request does not hold back later ones. `path_of(n)` names the n-th. `at` is
  /// called once, after `when`.
  std::vector<swarm_answer> steady_gets(
      double rate,
      std::chrono::milliseconds lasting,
      std::function<std::string(std::size_t)> path_of,
      std::chrono::milliseconds when,
      std::function<void()> at
  );

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace weir::test
