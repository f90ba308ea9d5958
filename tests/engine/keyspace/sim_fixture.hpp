#pragma once

#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_scheduler.hpp"

#include <weir/engine/engine.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

template <class T>
asio::awaitable<void> store_result(asio::awaitable<T> work, std::optional<T>& out) {
  out.emplace(co_await std::move(work));
}

/// Starts `work` on the loop of a node; `out` is filled when it ends and must live until then.
template <class T>
void start_on(sim_environment& env, asio::awaitable<T> work, std::optional<T>& out) {
  auto storing = store_result(std::move(work), out);
  env.run([&env, storing = std::move(storing)]() mutable {
    asio::co_spawn(env.executor(), std::move(storing), asio::detached);
  });
}

/// Runs the simulation until `work` has ended on the loop of a node.
template <class T>
T await_on(sim_environment& env, asio::awaitable<T> work) {
  std::optional<T> out;
  start_on(env, std::move(work), out);
  scheduler& world = env.world();
  if (!world.run_until([&] { return out.has_value(); }, world.now() + 60s))
    throw std::runtime_error("an operation never ended");
  return std::move(*out);
}

/// A source whose answers a test writes down beforehand, after `time`; it counts what it is asked.
class written_source final : public data_source {
 public:
  explicit written_source(sim_environment& env) : env_(env) {}

  asio::awaitable<result<loaded>> async_load(std::string key, load_context) override {
    ++calls[key];
    const auto found = answers.find(key);
    const result<std::string> answer =
        found == answers.end() ? result<std::string>("value of " + key) : found->second;
    auto wait = [this](auto handler) {
      env_.run_at(env_.world().now() + time, std::move(handler));
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(wait, asio::use_awaitable);
    if (!answer) co_return answer.error();
    co_return loaded{.value = bytes(*answer)};
  }

  std::map<std::string, result<std::string>> answers;
  std::map<std::string, int> calls;
  duration time = 1ms;

 private:
  sim_environment& env_;
};

/// One node that is alone and knows it, with one keyspace over a written source.
class lone_node {
 public:
  explicit lone_node(keyspace_options options = usual()) : env_(world_, 1, machine{}), life_(1) {
    source = std::make_shared<written_source>(env_);
    start(std::move(options));
  }

  static keyspace_options usual() {
    keyspace_options options;
    options.name = "users";
    options.writes = writes::allow;
    options.ttl = 60s;
    options.jitter = 0;
    return options;
  }

  /// A new engine in the place of the old one, which loses what it kept.
  void restart(keyspace_options options = usual()) { start(std::move(options)); }

  keyspace add(keyspace_options options) {
    return engine->add_keyspace(std::move(options), source);
  }

  result<entry> get(const std::string& key, get_options options = {}) {
    return await_on(env_, on.async_get(key, options));
  }

  result<lookup> find(const std::string& key) { return await_on(env_, on.async_find(key)); }

  result<version> observe(const std::string& key) { return await_on(env_, on.async_observe(key)); }

  result<change_result> put(const std::string& key, std::string value, put_options options = {}) {
    return await_on(env_, on.async_put(key, bytes(std::move(value)), options));
  }

  result<change_result> put_if(const std::string& key, std::string value, version since) {
    put_options options;
    options.condition = precondition::if_unchanged(since);
    return put(key, std::move(value), options);
  }

  result<change_result> remove(const std::string& key) {
    return await_on(env_, on.async_remove(key));
  }

  result<change_result> invalidate(const std::string& key) {
    return await_on(env_, on.async_invalidate(key));
  }

  result<change_result> clear() { return await_on(env_, on.async_clear()); }

  std::string text(const std::string& key) {
    const auto got = get(key);
    return got ? got->text() : std::string(weir::name(got.error()));
  }

  void run_for(duration time) { world_.run_for(time); }

  sim_environment& env() { return env_; }

 private:
  void start(keyspace_options options) {
    engine.reset();
    engine = std::make_unique<weir::engine>(
        env_, identity{"sim", "n0", static_cast<std::uint64_t>(life_++), 1, "n0:7400"}
    );
    on = engine->add_keyspace(std::move(options), source);
    engine->set_candidates({});
  }

  scheduler world_{1};
  sim_environment env_;
  int life_;

 public:
  std::shared_ptr<written_source> source;
  std::unique_ptr<weir::engine> engine;
  keyspace on;
};

/// Three nodes with near copies that hold leases.
inline cluster_options near_options(std::size_t nodes = 3) {
  cluster_options options;
  options.nodes = nodes;
  keyspace_options users;
  users.name = "users";
  users.writes = writes::allow;
  users.near_memory = 4u << 20;
  options.keyspaces = {users};
  return options;
}

}  // namespace weir::sim
