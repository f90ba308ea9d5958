// Random interleavings of load, put, invalidate, evict, clear and observe on one owner, under
// virtual time: no conditional write may succeed across a change, whatever was evicted, cleared or
// loaded in between.

#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_random.hpp"
#include "tests/sim/world/sim_scheduler.hpp"
#include "tests/sim/world/sim_source.hpp"
#include "tests/sim/world/sim_value.hpp"

#include <weir/engine/engine.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::sim {

namespace {

constexpr std::size_t key_count = 3;
constexpr std::size_t interleavings_per_engine = 100;

/// A version in a client's hands, and when it got there.
struct token {
  std::size_t key;
  weir::version version;
  std::optional<std::uint64_t>
      value;  ///< what it stood for: a value, or 0 = absent; none = unknown
  std::uint64_t tick;
  int life;
};

struct span {
  std::uint64_t begun;
  std::uint64_t ended = UINT64_MAX;
  std::uint64_t value = 0;  ///< of a read
};

/// One engine that owns everything, its source, and clients who note in which order things
/// happened.
class lone_owner {
 public:
  explicit lone_owner(std::uint64_t seed, protocol_rules rules = {})
      : random_(seed, 0x1ea5), world_(seed), source_(world_, seed), rules_(rules) {
    source_habits habits;
    habits.mean_time = 2ms;
    habits.longest_time = 20ms;
    habits.absent = 0.1;
    habits.large_values = 1;
    habits.large_size = 6000;
    source_.set_habits(habits);
    start();
  }

  /// A new process: everything is lost but the clients' tokens.
  void restart() {
    env_->crash();
    engine_.reset();
    start();
  }

  /// One interleaving: some operations at random moments, the next before the last has ended.
  void play() {
    const std::size_t steps = 6 + random_.below(8);
    for (std::size_t i = 0; i != steps; ++i) {
      act();
      world_.run_for(random_.between(0ns, 3ms));
    }
    world_.run_for(30ms);
    forget_old();
  }

  std::uint64_t conditional_writes = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t of_former_lives = 0;
  std::uint64_t across_a_change = 0;
  std::string first_fault;

 private:
  void start() {
    ++life_;
    env_ = std::make_unique<sim_environment>(
        world_, static_cast<owner_id>(life_), machine{.seed = random_.next()}
    );
    env_->run([this] {
      engine_options options;
      options.rules = rules_;
      engine_ = std::make_unique<weir::engine>(*env_, identity{"sim", "n0"}, options);
      keyspace_options users;
      users.name = "users";
      users.writes = writes::allow;
      users.ttl = 200ms;
      users.negative_ttl = 100ms;
      users.jitter = 0;
      users.max_memory = 64u << 10;
      users.max_entry = 8u << 10;
      on_ = engine_->add_keyspace(users, source_.at(0, *env_, "users"));
      engine_->set_candidates({});
    });
  }

  static std::string name_of(std::size_t key) { return "k" + std::to_string(key); }

  void act() {
    const std::size_t key = random_.below(key_count);
    const double at = random_.uniform();
    if (at < 0.28) return spawn(read(key));
    if (at < 0.36) return spawn(observe(key));
    if (at < 0.56) return write_if_unchanged();
    if (at < 0.64) return spawn(put(key));
    if (at < 0.74) return spawn(invalidate(key));
    if (at < 0.78) return spawn(remove(key));
    if (at < 0.81) return spawn(clear());
    if (at < 0.86) return evict();
    source_.write("users", name_of(key));  // and nobody is told
  }

  void spawn(asio::awaitable<void> work) {
    env_->run([this, work = std::move(work)]() mutable {
      asio::co_spawn(env_->executor(), std::move(work), asio::detached);
    });
  }

  asio::awaitable<void> read(std::size_t key) {
    const std::uint64_t begun = ++tick_;
    const result<lookup> got = co_await on_.async_find(name_of(key));
    if (!got) co_return;
    std::uint64_t value = 0;
    if (got->found) {
      const auto label = read_value(got->entry.value.view());
      value = label ? label->version * 2 + (label->made_by == maker::put ? 1 : 0) : UINT64_MAX;
    }
    const std::uint64_t ended = ++tick_;
    reads_[key].push_back({begun, ended, value});
    if (got->entry.version) keep({key, got->entry.version, value, ended, life_});
  }

  asio::awaitable<void> observe(std::size_t key) {
    const result<version> got = co_await on_.async_observe(name_of(key));
    if (got) keep({key, *got, std::nullopt, ++tick_, life_});
  }

  asio::awaitable<void> put(std::size_t key) {
    const std::size_t number = begin_change(key);
    bytes value = next_value(key);
    const result<change_result> got = co_await on_.async_put(name_of(key), std::move(value));
    end_change(key, number, got.has_value());
  }

  asio::awaitable<void> invalidate(std::size_t key) {
    const std::size_t number = begin_change(key);
    const result<change_result> got = co_await on_.async_invalidate(name_of(key));
    end_change(key, number, got.has_value());
  }

  asio::awaitable<void> remove(std::size_t key) {
    const std::size_t number = begin_change(key);
    const result<change_result> got = co_await on_.async_remove(name_of(key));
    end_change(key, number, got.has_value());
  }

  asio::awaitable<void> clear() {
    std::array<std::size_t, key_count> numbers{};
    for (std::size_t key = 0; key != key_count; ++key) numbers[key] = begin_change(key);
    const result<change_result> got = co_await on_.async_clear();
    for (std::size_t key = 0; key != key_count; ++key)
      end_change(key, numbers[key], got.has_value());
  }

  // Reads of other keys that push everything out.
  void evict() {
    for (int i = 0; i != 14; ++i) spawn(fill("filler" + std::to_string(random_.below(40))));
  }

  asio::awaitable<void> fill(std::string key) { co_await on_.async_find(std::move(key)); }

  void write_if_unchanged() {
    if (tokens_.empty()) return;
    spawn(write_if_unchanged(tokens_[random_.below(tokens_.size())]));
  }

  asio::awaitable<void> write_if_unchanged(token since) {
    const std::uint64_t begun = ++tick_;
    const std::size_t number = begin_change(since.key);
    bytes value = next_value(since.key);
    put_options options;
    options.condition = precondition::if_unchanged(since.version);
    const result<change_result> got =
        co_await on_.async_put(name_of(since.key), std::move(value), options);
    end_change(since.key, number, got.has_value());
    ++conditional_writes;
    of_former_lives += since.life != life_ ? 1 : 0;
    if (!got) co_return;
    ++succeeded;
    examine(since, number, begun);
  }

  void examine(const token& since, std::size_t number, std::uint64_t begun) {
    const auto is_between = [&](const span& s) { return s.begun > since.tick && s.ended < begun; };
    const auto& changes = changes_[since.key];
    for (std::size_t i = 0; i != changes.size(); ++i)
      if (i != number && is_between(changes[i])) return blame(since, "across a change");
    if (since.life != life_) return blame(since, "with a version of a former process");
    if (!since.value) return;
    for (const span& read : reads_[since.key])
      if (is_between(read) && read.value != *since.value)
        return blame(since, "though another value was served meanwhile");
  }

  void blame(const token& since, const std::string& what) {
    if (across_a_change++ == 0)
      first_fault = "a conditional put of " + name_of(since.key) + " succeeded " + what + ", at " +
                    std::to_string(world_.now().count()) + " ns";
  }

  bytes next_value(std::size_t key) {
    return bytes(write_value({"users", name_of(key), ++puts_, maker::put, puts_}, 8));
  }

  std::size_t begin_change(std::size_t key) {
    changes_[key].push_back({++tick_});
    return changes_[key].size() - 1;
  }

  // A change that was refused is none.
  void end_change(std::size_t key, std::size_t number, bool has_happened) {
    if (has_happened) changes_[key][number].ended = ++tick_;
  }

  void keep(const token& got) {
    if (tokens_.size() < 12) return tokens_.push_back(got);
    tokens_[random_.below(tokens_.size())] = got;
  }

  // What no token can span any more.
  void forget_old() {
    std::uint64_t oldest = tick_;
    for (const token& each : tokens_) oldest = std::min(oldest, each.tick);
    for (std::size_t key = 0; key != key_count; ++key) {
      std::erase_if(changes_[key], [&](const span& s) {
        return s.ended < oldest || s.ended == UINT64_MAX;
      });
      std::erase_if(reads_[key], [&](const span& s) { return s.ended < oldest; });
    }
  }

  random_stream random_;
  scheduler world_;
  source_world source_;
  const protocol_rules rules_;
  std::unique_ptr<sim_environment> env_;
  std::unique_ptr<weir::engine> engine_;
  weir::keyspace on_;
  int life_ = 0;
  std::uint64_t tick_ = 0;
  std::uint64_t puts_ = 0;
  std::vector<token> tokens_;
  std::array<std::vector<span>, key_count> changes_;
  std::array<std::vector<span>, key_count> reads_;
};

// A sanitizer makes each some ten times slower; what it looks for shows in a tenth of them.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t engines = 100;
#else
constexpr std::size_t engines = 1000;
#endif

TEST(InterleavingTest, NoConditionalWriteSucceedsAcrossAChangeIn100000Interleavings) {
  std::uint64_t tried = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t of_former_lives = 0;
  for (std::size_t seed = 1; seed <= engines / 10; ++seed) {
    lone_owner owner(seed);
    for (int life = 0; life != 10; ++life) {
      if (life != 0) owner.restart();
      for (std::size_t i = 0; i != interleavings_per_engine; ++i) owner.play();
    }
    ASSERT_EQ(owner.across_a_change, 0u) << "seed " << seed << ": " << owner.first_fault;
    tried += owner.conditional_writes;
    succeeded += owner.succeeded;
    of_former_lives += owner.of_former_lives;
  }
  EXPECT_GT(succeeded, tried / 20) << "too few succeed to prove anything, of " << tried;
  EXPECT_GT(of_former_lives, engines);
  RecordProperty("conditional_writes", std::to_string(tried));
  RecordProperty("succeeded", std::to_string(succeeded));
}

// The same clients find out when one of the owner's rules is missing.
std::uint64_t faults_without(bool protocol_rules::*rule) {
  protocol_rules rules;
  rules.*rule = false;
  std::uint64_t faults = 0;
  for (std::size_t seed = 1; seed <= 20 && faults == 0; ++seed) {
    lone_owner owner(seed, rules);
    for (std::size_t i = 0; i != interleavings_per_engine; ++i) owner.play();
    faults += owner.across_a_change;
  }
  return faults;
}

TEST(InterleavingTest, AConditionalWriteNeedsTheFenceOfAnEviction) {
  EXPECT_GT(faults_without(&protocol_rules::fence_on_eviction), 0u);
}

TEST(InterleavingTest, AConditionalWriteNeedsTheFloorOfAClear) {
  EXPECT_GT(faults_without(&protocol_rules::floor_on_clear), 0u);
}

// A node leaves and comes back: whoever owns its keys meanwhile, and it itself later, know nothing
// of its versions.
TEST(InterleavingTest, VersionsFromBeforeAnOwnerChangeAlwaysConflict) {
  cluster nodes;
  nodes.run_for(3s);
  std::vector<std::pair<std::string, weir::version>> tokens;
  const auto observe_all = [&] {
    for (int i = 0; i != 12; ++i) {
      const std::string key = nodes.key_of(1, i);
      const request_record read = nodes.get(0, key);
      if (read.version) tokens.emplace_back(key, read.version);
    }
  };
  const auto expect_conflicts = [&](const char* when) {
    for (const auto& [key, since] : tokens) {
      const request_record put = nodes.put(2, key, precondition::if_unchanged(since));
      EXPECT_EQ(put.end, request_end::failed) << key << ' ' << when;
      EXPECT_EQ(put.error, errc::conflict) << key << ' ' << when;
    }
  };
  observe_all();
  ASSERT_EQ(tokens.size(), 12u);
  nodes.leave(1);
  nodes.run_for(2s);
  nodes.kill(1);
  nodes.run_for(10s);
  expect_conflicts("after the owner left");
  observe_all();
  nodes.restart(1);
  nodes.run_for(10s);
  expect_conflicts("after the owner came back");
}

}  // namespace

}  // namespace weir::sim
