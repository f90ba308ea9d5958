// Who gets in while others keep connections open and say nothing.
#include "tests/transport/peer/peer_nodes.hpp"
#include "tests/transport/peer/raw_peer.hpp"

namespace weir {
namespace {

using namespace test;

/// Connections past the Upgrade that never say who they are.
std::vector<raw_peer> silent_ones(peer_node& node, int count) {
  std::vector<raw_peer> all;
  for (int i = 0; i < count; ++i) {
    all.emplace_back(node.address());
    all.back().upgrade();
  }
  return all;
}

TEST(PeerNewcomersTest, ANodeGetsInPastThoseWhoSayNothing) {
  peer_node b({.id = "n2", .options = {.handshake_timeout = 60s, .max_handshakes = 4}});
  auto silent = silent_ones(b, 12);
  peer_node a({.id = "n1"});
  a.link_to(b, "n2");
  EXPECT_TRUE(silent.front().is_closed());
}

TEST(PeerNewcomersTest, AnAddressOverItsLimitLosesItsOwnOldestSilentConnection) {
  peer_node b({
      .id = "n2",
      .options = {.handshake_timeout = 60s, .max_per_address = 3, .count_loopback = true},
  });
  echo_keys(b);
  auto known = raw_peer::introduced(b.address(), "known");
  auto silent = silent_ones(b, 6);
  peer_node a({.id = "n1"});
  a.link_to(b, "n2");
  EXPECT_TRUE(silent.front().is_closed());
  known.send(wire(peer_request{0, 1s, get_of("fine")}));
  EXPECT_EQ(known.next_type(), frame_type::get_reply);
}

}  // namespace
}  // namespace weir
