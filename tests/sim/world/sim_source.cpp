#include "tests/sim/world/sim_source.hpp"

#include "tests/sim/world/sim_value.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace weir::sim {

/// The source as one node sees it.
class node_source final : public data_source {
 public:
  node_source(source_world& world, std::size_t node, sim_environment& env, std::string keyspace)
      : world_(world), node_(node), env_(env), keyspace_(std::move(keyspace)) {}

  asio::awaitable<result<loaded>> async_load(std::string key, load_context) override {
    const auto plan = world_.begin(node_, env_.owner(), keyspace_, std::move(key));

    // A frame that is destroyed while it waits belonged to a process that died, or was given up.
    struct died_unless_ended {
      source_world& world;
      std::size_t load;

      ~died_unless_ended() { world.end(load, load_end::died); }
    } guard{world_, plan.load};

    auto wait = [env = &env_, ready = plan.ready](auto handler) {
      env->run_at(ready, std::move(handler));
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(wait, asio::use_awaitable);
    co_return world_.answer(plan);
  }

  std::shared_ptr<change_feed> changes() override { return world_.feeds().at(env_, keyspace_); }

 private:
  source_world& world_;
  const std::size_t node_;
  sim_environment& env_;
  const std::string keyspace_;
};

source_world::source_world(scheduler& world, std::uint64_t seed)
    : world_(world), random_(seed, 0xdb), absent_seed_(mix(seed ^ 0xab5e)), feeds_(seed) {}

std::shared_ptr<data_source> source_world::at(
    std::size_t node, sim_environment& env, std::string keyspace
) {
  return std::make_shared<node_source>(*this, node, env, std::move(keyspace));
}

// ---- versions

std::uint64_t source_world::write(const std::string& keyspace, const std::string& key) {
  auto& log = writes_[{keyspace, key}];
  const std::uint64_t next = log.empty() ? 2 : log.back().version + 1;
  log.push_back({world_.now(), next});
  feeds_.changed(keyspace, key);
  return next;
}

std::uint64_t source_world::version(const std::string& keyspace, const std::string& key) const {
  return version_at(keyspace, key, world_.now());
}

std::uint64_t source_world::version_at(
    const std::string& keyspace, const std::string& key, instant when
) const {
  const auto found = writes_.find({keyspace, key});
  if (found == writes_.end()) return 1;
  const auto& log = found->second;
  const auto later = std::upper_bound(
      log.begin(), log.end(), when, [](instant t, const write_record& w) { return t < w.when; }
  );
  return later == log.begin() ? 1 : std::prev(later)->version;
}

bool source_world::is_absent(
    const std::string& keyspace, const std::string& key, std::uint64_t version
) const {
  std::uint64_t sum = mix(absent_seed_ ^ version);
  for (const unsigned char c : keyspace + '/' + key) sum = mix(sum ^ c);
  return static_cast<double>(sum >> 11) * 0x1p-53 < habits_.absent;
}

// ---- loads

/// A bucket of tokens for a tenth of a second.
bool source_world::has_room() {
  if (habits_.most_per_second <= 0) return true;
  const double passed = std::chrono::duration<double>(world_.now() - room_at_).count();
  room_at_ = world_.now();
  room_ = std::min(habits_.most_per_second / 10, room_ + passed * habits_.most_per_second);
  if (room_ < 1) return false;
  room_ -= 1;
  return true;
}

source_world::plan source_world::begin(
    std::size_t node, owner_id incarnation, std::string keyspace, std::string key
) {
  const bool hangs = random_.chance(habits_.hangs);
  const duration takes =
      50us +
      (hangs ? habits_.hang_time : random_.exponential(habits_.mean_time, habits_.longest_time));
  const plan made{
      .load = loads_.size(),
      .ready = world_.now() + takes,
      .fails = random_.chance(habits_.errors) || !has_room(),
      .throws = random_.chance(habits_.throws),
      .too_much = random_.chance(habits_.too_much),
  };
  load_record record;
  record.number = loads_.size() + 1;
  record.node = node;
  record.incarnation = incarnation;
  record.keyspace = std::move(keyspace);
  record.key = std::move(key);
  record.begun = world_.now();
  loads_.push_back(std::move(record));
  if (watcher_) watcher_(node);
  // The database answers in its own time, whatever becomes of the process that asked.
  auto read = [this, load = made.load] {
    load_record& of = loads_[load];
    of.version = version(of.keyspace, of.key);
  };
  world_.at(random_.between(world_.now(), made.ready), std::move(read));
  return made;
}

result<loaded> source_world::answer(const plan& of) {
  const load_record& load = loads_[of.load];
  if (of.throws) {
    end(of.load, load_end::failed);
    if (load.number % 2 == 0) throw 42;
    throw std::runtime_error("the database stumbled");
  }
  if (of.fails) {
    end(of.load, load_end::failed);
    return errc::source_failed;
  }
  loaded found;
  const value_label label{load.keyspace, load.key, load.version, maker::load, load.number};
  if (is_absent(load.keyspace, load.key, load.version)) {
    end(of.load, load_end::absent);
    found.found = false;
    found.meta =
        std::make_shared<metadata>(metadata{.content_type = {}, .etag = write_value(label, 0)});
    return found;
  }
  std::size_t padding = random_.below(40);
  if (random_.chance(habits_.large_values)) padding += habits_.large_size;
  if (of.too_much) padding = habits_.too_much_size;
  found.value = write_value(label, padding);
  end(of.load, of.too_much ? load_end::too_much : load_end::value);
  return found;
}

void source_world::end(std::size_t load, load_end how) {
  load_record& of = loads_[load];
  if (of.end != load_end::running) return;
  of.end = how;
  of.ended = world_.now();
  world_.note(mix(of.number) ^ static_cast<std::uint64_t>(how));
}

}  // namespace weir::sim
