#include "tests/sim/courses/sim_refill.hpp"

#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

namespace weir::sim {
namespace {

constexpr double enough = 0.95;  // of the hit ratio before
constexpr duration second = 1s;

std::string key_at(std::size_t rank) {
  return "k" + std::to_string(rank);
}

/// Draws ranks from 0 on, each with a probability of 1 / (rank + 1)^0.99.
class zipf {
 public:
  explicit zipf(std::size_t count) {
    double sum = 0;
    for (std::size_t i = 1; i <= count; ++i)
      sums_.push_back(sum += std::pow(static_cast<double>(i), -0.99));
  }

  std::size_t draw(random_stream& random) const {
    const double drawn = random.uniform() * sums_.back();
    const auto found = std::upper_bound(sums_.begin(), sums_.end(), drawn);
    return std::min(static_cast<std::size_t>(found - sums_.begin()), sums_.size() - 1);
  }

 private:
  std::vector<double> sums_;
};

cluster_options options_of(const refill_plan& plan) {
  cluster_options options;
  options.seed = plan.seed;
  options.nodes = plan.nodes;
  keyspace_options users;
  users.name = "users";
  users.ttl = 5min;
  users.loads.concurrent = plan.concurrent;
  options.keyspaces = {users};
  return options;
}

class refill {
 public:
  explicit refill(const refill_plan& plan)
      : plan_(plan), run_(options_of(plan)), random_(plan.seed, 0x2e), keys_(plan.keys) {}

  refill_course play() {
    run_.run_for(3s);
    fill();
    const auto first = read_for(5s);
    run_.run_for(1s);
    course_.before = count(first)[0].hit_ratio();
    auto habits = run_.source().habits();
    habits.most_per_second = plan_.loads_per_second;
    run_.source().set_habits(habits);
    empty();
    began_ = run_.now();
    const auto emptied = read_for(plan_.seconds * second);
    run_.run_for(10s);  // whoever waits has an answer by then
    course_.seconds = count(emptied);
    course_.seconds.resize(static_cast<std::size_t>(plan_.seconds));
    count_loads();
    judge();
    return std::move(course_);
  }

 private:
  void fill() {
    source_habits habits;
    habits.mean_time = 20ms;
    run_.source().set_habits(habits);
    for (std::size_t i = 0; i != plan_.keys; ++i) {
      run_.start(i % plan_.nodes, {.key = key_at(i)});
      if (i % 10 == 9) run_.run_for(10ms);
    }
    run_.run_for(5s);
  }

  void empty() {
    if (plan_.how == emptied_by::clear) {
      run_.run(0, {.kind = request_kind::clear, .key = ""});
      return;
    }
    for (std::size_t node = 0; node != plan_.nodes; ++node) run_.kill(node);
    for (std::size_t node = 0; node != plan_.nodes; ++node) run_.restart(node);
  }

  /// Returns the number of the first read.
  std::uint64_t read_for(duration time) {
    const auto first = run_.past().requests.size() + 1;
    const duration mean(static_cast<std::int64_t>(1e9 / plan_.reads_per_second));
    for (instant at = run_.now(), until = at + time; at < until && !run_.is_broken();) {
      const instant next = at + second;
      for (; at < next; at += random_.exponential(mean, 100 * mean)) {
        run_.world().at(at, [this, node = random_.below(plan_.nodes), key = keys_.draw(random_)] {
          run_.start(node, {.key = key_at(key)});
        });
      }
      run_.run_for(next - run_.now());
    }
    return first;
  }

  /// The reads from this number on, by the second in which they began.
  std::vector<refill_second> count(std::uint64_t first) {
    std::vector<refill_second> out;
    const auto& all = run_.past().requests;
    const instant from = all[first - 1].started;
    const bool is_one = began_ == instant::max();
    for (std::size_t i = first - 1; i != all.size(); ++i) {
      const auto at = is_one ? 0 : static_cast<std::size_t>((all[i].started - from) / second);
      if (at >= out.size()) out.resize(at + 1);
      auto& into = out[at];
      ++into.reads;
      into.hits += all[i].was_answered_from_cache() ? 1 : 0;
      into.failed += all[i].end == request_end::failed || all[i].end == request_end::died ? 1 : 0;
      if (!is_one) course_.unanswered += all[i].end == request_end::pending ? 1 : 0;
    }
    return out;
  }

  void count_loads() {
    std::vector<std::vector<std::pair<instant, int>>> steps(plan_.nodes);
    for (const load_record& each : run_.source().loads()) {
      if (each.begun < began_) continue;
      steps[each.node].emplace_back(each.begun, 1);
      steps[each.node].emplace_back(each.ended, -1);
      const auto at = static_cast<std::size_t>((each.begun - began_) / second);
      if (at >= course_.seconds.size()) continue;
      ++(each.end == load_end::value ? course_.seconds[at].taken : course_.seconds[at].refused);
    }
    for (auto& of_node : steps) {
      std::sort(of_node.begin(), of_node.end());
      std::size_t running = 0;
      for (const auto& [when, step] : of_node) {
        running += static_cast<std::size_t>(step);
        course_.most_running = std::max(course_.most_running, running);
      }
    }
  }

  void judge() {
    const auto is_low = [&](const auto& each) {
      return each.hit_ratio() < enough * course_.before;
    };
    const auto& all = course_.seconds;
    const auto low = std::find_if(all.rbegin(), all.rend(), is_low);
    const auto lasted = all.rend() - low;
    course_.recovered_after = lasted == plan_.seconds ? 0 : static_cast<int>(lasted) + 1;
  }

  const refill_plan plan_;
  cluster run_;
  random_stream random_;
  const zipf keys_;
  refill_course course_;
  instant began_ = instant::max();  // of the time that is looked at
};

}  // namespace

refill_course play_refill(const refill_plan& plan) {
  return refill(plan).play();
}

}  // namespace weir::sim
