#include "tests/discovery/cluster_fixture.hpp"

#include "tests/support/text.hpp"

#include <weir/engine/ring.hpp>

namespace weir::test {

using namespace std::chrono_literals;

void cluster_fixture::TearDown() {
  for (auto& each : nodes_) each->stop();
}

node& cluster_fixture::add_node(
    int number, std::string peer_address, std::shared_ptr<provider> discovery
) {
  nodes_.push_back(std::make_unique<node>(node_options{
      .cluster = "test",
      .id = "n" + std::to_string(number),
      .peer_address = std::move(peer_address),
      .discovery = std::move(discovery),
      .runtime = {.threads = 1},
      .log =
          [this, number](const log_record& record) {
            const std::lock_guard lock(mutex_);
            ++logged_[{number, std::string(record.event)}];
          },
  }));
  auto& made = *nodes_.back();
  made.add_keyspace({.name = "users", .ttl = 60s}, [](std::string_view key) -> result<bytes> {
    return bytes("value of " + std::string(key));
  });
  return made;
}

void cluster_fixture::start_all() {
  for (auto& each : nodes_) each->start().value();
}

bool cluster_fixture::agree_on(std::size_t members) const {
  for (const auto& each : nodes_) {
    if (each->peer_address().empty()) continue;
    if (each->ring()->size() != members || !each->lease().is_valid) return false;
    for (int key = 0; key != 20; ++key) {
      const auto text = std::to_string(key);
      if (each->place_of("users", text).owner != nodes_[0]->place_of("users", text).owner)
        return false;
    }
  }
  return true;
}

int cluster_fixture::logged(int number, const std::string& event) {
  const std::lock_guard lock(mutex_);
  return logged_[{number, event}];
}

int cluster_fixture::answers(const node& of, std::string_view outcome) {
  return discovery_answers(of.metrics(), outcome);
}

}  // namespace weir::test
