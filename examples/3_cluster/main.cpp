// Three nodes that share one key space, here in one process; on three machines each would be a
// program of its own.
//
// Every node has the same keyspace; a key is loaded once, by the node that owns it, whoever asks.

#include <weir/discovery/static_provider.hpp>
#include <weir/weir.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

// Without a lease, or while nodes are still taking their slots, a key may be loaded once more.
bool is_settled(const weir::node& node, std::size_t count) {
  return node.lease().is_valid && node.ring()->size() == count;
}

}  // namespace

int main() {
  std::atomic<int> loads = 0;
  const auto slow_source = [&](std::string_view key) -> weir::result<weir::bytes> {
    ++loads;
    return weir::bytes("user " + std::string(key));
  };

  // The peers listen on free ports here, so the list is filled in once they are known.
  const auto peers = std::make_shared<weir::static_provider>(std::vector<weir::candidate>{});
  std::vector<std::unique_ptr<weir::node>> nodes;
  std::vector<weir::keyspace> users;
  std::vector<weir::candidate> addresses;
  for (const auto* id : {"n1", "n2", "n3"}) {
    nodes.push_back(std::make_unique<weir::node>(weir::node_options{
        .cluster = "example",
        .id = id,
        .peer_address = "127.0.0.1:0",
        .discovery = peers,
        .runtime = {.threads = 1},
    }));
    users.push_back(nodes.back()->add_keyspace({.name = "users", .ttl = 60s}, slow_source));
    nodes.back()->start().value();
    addresses.push_back({id, nodes.back()->peer_address()});
  }
  peers->replace(addresses);
  const auto until = std::chrono::steady_clock::now() + 10s;
  for (const auto& each : nodes) {
    while (!is_settled(*each, 3)) {
      if (std::chrono::steady_clock::now() > until) return 1;
      std::this_thread::yield();
    }
  }

  for (auto& each : users) {
    for (int i = 0; i != 100; ++i) each.get(std::to_string(i)).value();
  }
  std::cout << "100 keys read on 3 nodes: " << loads << " loads\n";

  const auto place = nodes[0]->place_of("users", "42");
  std::cout << "key 42: slot " << place.slot << ", owner " << place.owner << ", gutter "
            << place.gutter << '\n';

  users[0].invalidate("42").value();  // the owner drops it, whichever node it is
  users[1].get("42").value();
  std::cout << "after an invalidation: " << loads << " loads\n";
  return loads == 101 ? 0 : 1;
}
