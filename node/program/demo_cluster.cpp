#include "program/demo_cluster.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace weir {
namespace {

constexpr std::chrono::seconds longest_start{5};

/// The slow source: as a coroutine, so that it waits without a thread.
asio::awaitable<result<bytes>> load_user(std::string key, std::atomic<std::size_t>& loads) {
  ++loads;
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer pause(executor, demo_cluster::source_delay);
  co_await pause.async_wait(asio::use_awaitable);
  co_return bytes("{\"id\": \"" + key + "\", \"name\": \"Ada\"}");
}

asio::awaitable<void> get_one(keyspace users, std::string key, std::size_t& answers) {
  const auto found = co_await users.async_get(std::move(key));
  if (found) ++answers;
}

}  // namespace

demo_cluster::demo_cluster() {
  for (const auto* id : {"n1", "n2", "n3"}) {
    providers_.push_back(std::make_shared<static_provider>(std::vector<candidate>()));
    node_options options{
        .cluster = "demo",
        .id = id,
        .peer_address = "127.0.0.1:0",
        .http_address = "127.0.0.1:0",
        .discovery = providers_.back(),
        .log = [](const log_record&) {},  // what goes wrong here is part of the show
    };
    options.runtime.threads = 1;
    nodes_.push_back(std::make_unique<node>(std::move(options)));
    auto load = [this](std::string key) { return load_user(std::move(key), loads_); };
    users_.push_back(nodes_.back()->add_keyspace({.name = "users"}, load));
  }
}

demo_cluster::~demo_cluster() {
  for (auto& each : nodes_) each->stop();
}

boost::system::result<void, start_error> demo_cluster::start() {
  std::vector<candidate> all;
  for (auto& each : nodes_) {
    if (auto started = each->start(); !started) return started;
    all.push_back({each->id(), each->peer_address()});
  }
  for (auto& each : providers_) each->replace(all);
  if (wait_for_rings()) return {};
  return start_error{
      errc::deadline_exceeded,
      "the three nodes did not find each other on loopback; is it firewalled?"};
}

bool demo_cluster::wait_for_rings() {
  struct signal {
    std::mutex mutex;
    std::condition_variable changed;
  };

  const auto woken = std::make_shared<signal>();
  for (auto& each : nodes_) {
    each->on_event([woken](const cluster_event&) {
      const std::lock_guard lock(woken->mutex);
      woken->changed.notify_all();
    });
  }
  const auto is_complete = [this](const auto& each) {
    const auto members = each->members();
    const auto ring = each->ring();
    const auto has_slots = [](const member& node) { return node.weight != 0; };
    return ring->size() == nodes_.size() && each->lease().is_valid &&
           std::all_of(ring->members().begin(), ring->members().end(), has_slots) &&
           std::all_of(members.begin(), members.end(), [](const member_status& peer) {
             return peer.state == member_state::reachable;
           });
  };
  const auto deadline = std::chrono::steady_clock::now() + longest_start;
  std::unique_lock lock(woken->mutex);
  while (!std::all_of(nodes_.begin(), nodes_.end(), is_complete)) {
    const auto next = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
    woken->changed.wait_until(lock, std::min(next, deadline));
    if (std::chrono::steady_clock::now() >= deadline) return false;
  }
  return true;
}

const node& demo_cluster::not_owner_of(const std::string& key) const {
  const auto owner = nodes_.front()->place_of("users", key).owner;
  return owner == nodes_.front()->id() ? *nodes_.back() : *nodes_.front();
}

demo_cluster::herd_result demo_cluster::herd(const std::string& key, std::size_t size) {
  herd_result out;
  const auto loads = loads_.load();
  const auto began = std::chrono::steady_clock::now();
  asio::io_context callers;
  for (std::size_t i = 0; i != size; ++i) {
    asio::co_spawn(callers, get_one(users_[i % users_.size()], key, out.answers), asio::detached);
  }
  callers.run();
  out.took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began
  );
  out.loads = loads_.load() - loads;
  return out;
}

}  // namespace weir
