// What a broken or hostile peer may do to the port: named after the rows of the bad-input list.

#include "tests/transport/peer/peer_nodes.hpp"
#include "tests/transport/peer/raw_peer.hpp"

namespace weir {
namespace {

using namespace test;

std::uint64_t faults(peer_node& node, peer_fault cause) {
  return node.network().counters().faults[static_cast<std::size_t>(cause)];
}

// A node that answers gets with their key, and keeps batches without an answer.
struct PeerBadInputSocketTest : testing::Test {
  peer_node node{{.id = "n1", .options = {.handshake_timeout = 200ms}}};

  void SetUp() override { echo_keys(node); }

  void expect_still_serving() {
    auto other = raw_peer::introduced(node.address(), "other");
    other.send(wire(peer_request{0, 1s, get_of("fine")}));
    EXPECT_EQ(other.next_type(), frame_type::get_reply);
  }

  std::string batch(std::uint64_t id) {
    return wire(peer_request{0, 60s, get_many_request{"users", {"a"}}}, id);
  }
};

TEST_F(PeerBadInputSocketTest, B1_ALengthBeyondTheLimitCloses) {
  auto peer = raw_peer::introduced(node.address());
  std::string header;
  frame_header lie;
  lie.type = frame_type::get;
  lie.remaining = UINT32_MAX;
  append_frame(header, lie, "");
  peer.send(header);
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(faults(node, peer_fault::too_large), 1u);
  expect_still_serving();
}

TEST_F(PeerBadInputSocketTest, B2_AHelloThatStopsHalfWayIsClosedAtTheTimeLimit) {
  raw_peer peer(node.address());
  peer.upgrade();
  std::string greeting;
  append_hello(greeting, {.who = {"test", "slow", 1, 1, ""}});
  peer.send(greeting.substr(0, greeting.size() - 1));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_FALSE(node.handler.noted("seen slow"));
  expect_still_serving();
}

TEST_F(PeerBadInputSocketTest, B2_ARequestThatStopsHalfWayHasNoEffectAndIsClosed) {
  auto peer = raw_peer::introduced(node.address());
  const auto request = batch(1);
  peer.send(request.substr(0, request.size() - 1));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_FALSE(node.handler.noted("kept"));
}

TEST_F(PeerBadInputSocketTest, B3_BytesThatAreNoFrameCloseAndAreCounted) {
  auto peer = raw_peer::introduced(node.address());
  peer.send(std::string(64, 'x'));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(faults(node, peer_fault::magic), 1u);
  EXPECT_TRUE(node.logged("detail=magic"));
}

TEST_F(PeerBadInputSocketTest, ADamagedFrameClosesAndIsCountedAndLogged) {
  auto peer = raw_peer::introduced(node.address());
  auto request = batch(1);
  request.back() = static_cast<char>(request.back() ^ 1);
  peer.send(request);
  EXPECT_TRUE(peer.is_closed());
  EXPECT_FALSE(node.handler.noted("kept"));
  EXPECT_EQ(faults(node, peer_fault::checksum), 1u);
  EXPECT_TRUE(node.logged("detail=checksum"));
  expect_still_serving();
}

TEST_F(PeerBadInputSocketTest, ADamagedHelloLetsNobodyIn) {
  raw_peer peer(node.address());
  peer.upgrade();
  std::string greeting;
  append_hello(greeting, {.who = {"test", "raw", 1, 1, ""}});
  greeting.back() = static_cast<char>(greeting.back() ^ 4);
  peer.send(greeting);
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(faults(node, peer_fault::checksum), 1u);
  EXPECT_EQ(node.network().counters().messages_in, 0u);
}

TEST_F(PeerBadInputSocketTest, B5_AGoodRequestBeforeGarbageIsServed) {
  auto peer = raw_peer::introduced(node.address());
  peer.send(batch(1) + std::string(64, 'x'));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_TRUE(node.handler.noted("kept"));
  node.handler.answer_kept(hit("to nobody"));
  expect_still_serving();
}

TEST_F(PeerBadInputSocketTest, B7_ARequestIdInServiceTwiceCloses) {
  auto peer = raw_peer::introduced(node.address());
  peer.send(batch(5) + batch(5));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(faults(node, peer_fault::duplicate_request), 1u);
}

TEST_F(PeerBadInputSocketTest, B7_AnAnsweredIdMayBeUsedAgain) {
  auto peer = raw_peer::introduced(node.address());
  for (int i = 0; i < 3; ++i) {
    peer.send(wire(peer_request{0, 1s, get_of("k")}, 5));
    EXPECT_EQ(peer.next_type(), frame_type::get_reply);
  }
}

TEST_F(PeerBadInputSocketTest, RepliesFromTheSideThatAsksAreRefused) {
  auto peer = raw_peer::introduced(node.address());
  peer.send(wire(hit("unasked")));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(faults(node, peer_fault::unexpected), 1u);
}

TEST_F(PeerBadInputSocketTest, RequestsBeforeTheHandshakeAreRefused) {
  raw_peer peer(node.address());
  peer.upgrade();
  peer.send(wire(peer_request{0, 1s, get_of("k")}));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(faults(node, peer_fault::unexpected), 1u);
}

TEST_F(PeerBadInputSocketTest, B9_AMebibyteOfNameIsRefused) {
  raw_peer peer(node.address());
  peer.upgrade();
  std::string header;
  frame_header huge;
  huge.type = frame_type::hello;
  huge.remaining = 1 << 20;
  append_frame(header, huge, "");
  peer.send(header + std::string(1 << 20, 'n'));
  EXPECT_TRUE(peer.is_closed());
}

TEST_F(PeerBadInputSocketTest, B12_B13_B15_KeysAndNamesOutOfRangeGetAnErrorAndTheConnectionStays) {
  auto peer = raw_peer::introduced(node.address());
  for (const auto& bad :
       {get_request{"users", ""}, get_request{"no such", "k"}, get_request{"..", "k"}}) {
    peer.send(wire(peer_request{0, 1s, bad}));
    EXPECT_EQ(peer.next_type(), frame_type::fault);
  }
  peer.send(wire(peer_request{0, 1s, get_of(std::string(512, 'k'))}));
  EXPECT_EQ(peer.next_type(), frame_type::get_reply);
}

TEST_F(PeerBadInputSocketTest, B24_ReadingStopsAtTheLimitOfRequestsInService) {
  peer_node few({.id = "n2", .options = {.max_in_service = 10}});
  auto peer = raw_peer::introduced(few.address());
  std::string flood;
  for (std::uint64_t id = 1; id <= 200'000; ++id) flood += batch(id);
  std::thread sender([&] { peer.send(flood); });
  ASSERT_TRUE(few.handler.saw("kept", 10));
  const auto read_at_once = few.network().counters().messages_in;
  EXPECT_LT(read_at_once, 10'000u) << "what one read of 64 KiB brings, not the whole flood";
  few.network().stop();
  sender.join();
}

TEST_F(PeerBadInputSocketTest, WaitingForNewsOfAChangeDoesNotStopTheReading) {
  peer_node few({.id = "n2", .options = {.max_in_service = 10}});
  auto peer = raw_peer::introduced(few.address());
  for (std::uint64_t id = 1; id <= 100; ++id)
    peer.send(wire(peer_request{0, 60s, confirm_request{id}}, id));
  ASSERT_TRUE(few.handler.saw("kept", 100));
  few.handler.at_once([](const peer_request& request, peer_reply& reply) {
    reply.body = ping_reply{};
    return std::holds_alternative<ping_request>(request.body);
  });
  peer.send(wire(peer_request{0, 1s, ping_request{}}, 101));
  EXPECT_EQ(peer.next_type(), frame_type::ping_reply);
  few.handler.answer_kept(peer_reply{0, confirm_reply{}});
  EXPECT_EQ(peer.next_type(), frame_type::confirm_reply);
  peer.send(wire(peer_request{0, 60s, confirm_request{7}}, 50));
  EXPECT_TRUE(peer.is_closed());
  EXPECT_EQ(faults(few, peer_fault::duplicate_request), 1u);
}

TEST_F(PeerBadInputSocketTest, B30_HttpAndTlsOnThePeerPortAreTurnedAway) {
  raw_peer http(node.address());
  http.send("GET /v1/users/42 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto answer = http.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 426")) << answer.substr(0, 60);
  EXPECT_NE(answer.find("this port is for peers"), std::string::npos);
  raw_peer tls(node.address());
  tls.send(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + std::string(200, 'r'));
  EXPECT_TRUE(tls.is_closed());
  EXPECT_TRUE(node.logged("peer_listener"));
  expect_still_serving();
}

TEST_F(PeerBadInputSocketTest, B33_ConnectionsOverTheLimitAreRefused) {
  peer_node small({.id = "n2", .options = {.max_peers = 2}});
  auto first = raw_peer::introduced(small.address(), "r1");
  auto second = raw_peer::introduced(small.address(), "r2");
  raw_peer third(small.address());
  third.upgrade();
  EXPECT_EQ(third.next_type(), frame_type::refusal);
  EXPECT_TRUE(third.is_closed());
  EXPECT_EQ(small.network().counters().refused, 1u);
}

TEST_F(PeerBadInputSocketTest, OnlyAnAddressThatAStrangerComesFromIsACandidate) {
  raw_peer elsewhere(node.address());
  elsewhere.upgrade();
  elsewhere.say_hello("far", 1, "192.0.2.1:7420");
  EXPECT_EQ(elsewhere.next_type(), frame_type::hello);
  raw_peer here(node.address());
  here.upgrade();
  here.say_hello("near", 1, "localhost:7420");
  EXPECT_TRUE(node.handler.saw("seen near"));
  EXPECT_FALSE(node.handler.noted("seen far"));
}

TEST_F(PeerBadInputSocketTest, WhoIsRefusedIsNamedOnceAndNeverEmpty) {
  auto first = raw_peer::introduced(node.address(), "twin");
  for (int i = 0; i != 20; ++i) {
    raw_peer second(node.address());
    second.upgrade();
    second.say_hello("twin", 2);
    EXPECT_EQ(second.next_type(), frame_type::refusal);
    EXPECT_TRUE(second.is_closed());
  }
  EXPECT_TRUE(node.logged("peer_refused from=127.0.0.1:"));
  EXPECT_TRUE(node.logged(" peer=twin detail=another living process (127.0.0.1:1) uses"));
  EXPECT_EQ(node.count_logged("peer_refused"), 1);
}

TEST_F(PeerBadInputSocketTest, F14_ADoubledIdIsRefusedWhileTheFirstIsHeard) {
  auto first = raw_peer::introduced(node.address(), "twin");
  raw_peer second(node.address());
  second.upgrade();
  second.say_hello("twin", 2);
  EXPECT_EQ(second.next_type(), frame_type::refusal);
  EXPECT_TRUE(node.logged("another living process"));
}

TEST_F(PeerBadInputSocketTest, F14_TheNewerProcessWinsOverASilentOne) {
  peer_node patient({.id = "n2", .options = {.silent_is_dead = 0ms}});
  auto first = raw_peer::introduced(patient.address(), "twin");
  raw_peer second(patient.address());
  second.upgrade();
  second.say_hello("twin", 2);
  EXPECT_EQ(second.next_type(), frame_type::hello);
  EXPECT_TRUE(first.is_closed());
}

// A port that answers the Upgrade and the hello, then sends `bytes` to every node that dials it.
class false_peer {
 public:
  explicit false_peer(
      std::string bytes, std::string upgrade_answer = "HTTP/1.1 101 Switching Protocols\r\n\r\n"
  )
      : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}) {
    std::string greeting;
    append_hello(greeting, {.who = {"test", "false", 1, 1, ""}});
    answer_ = upgrade_answer + greeting + bytes;
    thread_ = std::thread([this] {
      error_code error;
      auto socket = acceptor_.accept(error);
      if (error) return;
      asio::write(socket, asio::buffer(answer_), error);
      char piece[1024];
      while (socket.read_some(asio::buffer(piece), error) > 0) {
      }
    });
  }

  ~false_peer() { thread_.join(); }

  std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

 private:
  asio::io_context context_;
  asio::ip::tcp::acceptor acceptor_;
  std::string answer_;
  std::thread thread_;
};

std::string replies(int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += wire(hit("unasked"), 1000 + static_cast<std::uint64_t>(i));
  return all;
}

TEST(PeerFalseServerTest, B6_AHundredRepliesThatNobodyAskedForClose) {
  false_peer server(replies(100));
  peer_node node({.id = "n1"});
  node.network().connect(server.address());
  EXPECT_TRUE(node.handler.saw("down " + server.address() + " reset"));
  EXPECT_EQ(faults(node, peer_fault::unknown_replies), 1u);
  EXPECT_EQ(node.network().counters().unknown_replies, 100u);
}

TEST(PeerFalseServerTest, B6_FewerAreDroppedAndCounted) {
  peer_node node({.id = "n1"});
  {
    false_peer server(replies(99) + wire(peer_reply{0, ping_reply{}}, 7));
    node.network().connect(server.address());
    EXPECT_TRUE(node.handler.saw("down " + server.address() + " reset"));
  }
  EXPECT_EQ(node.network().counters().unknown_replies, 100u);
}

TEST(PeerFalseServerTest, APeerThatAnswersNoPingIsDialledAnew) {
  false_peer server("");
  peer_node node({.id = "n1", .options = {.max_silence = 0ms}});
  node.network().connect(server.address());
  ASSERT_TRUE(node.handler.saw("up " + server.address() + " false"));
  for (int i = 0; i < 2; ++i) {
    EXPECT_FALSE(node.handler.noted("down " + server.address() + " timeout")) << i;
    const auto reply = node.ask(server.address(), ping_request{}, 20ms).get();
    EXPECT_EQ(reply.error(), errc::deadline_exceeded);
  }
  EXPECT_TRUE(node.handler.saw("down " + server.address() + " timeout"));
  EXPECT_TRUE(node.logged("no answer to several pings"));
}

TEST(PeerFalseServerTest, RequestsWithoutAnAnswerEndNoConnection) {
  false_peer server("");
  peer_node node({.id = "n1", .options = {.max_silence = 0ms}});
  node.network().connect(server.address());
  ASSERT_TRUE(node.handler.saw("up " + server.address() + " false"));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(
        value_of(node.ask(server.address(), get_of("k"), 10ms).get()), "error deadline_exceeded"
    );
  }
  EXPECT_FALSE(node.handler.noted("down " + server.address() + " timeout"));
}

TEST(PeerFalseServerTest, AServerThatIsNoPeerIsRejected) {
  false_peer server("", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  peer_node node({.id = "n1"});
  node.network().connect(server.address());
  EXPECT_TRUE(node.handler.saw("down " + server.address() + " rejected"));
  EXPECT_TRUE(node.logged("not a weir peer port"));
  node.network().disconnect(server.address());
}

TEST(PeerFalseServerTest, APortThatSaysNothingTimesOut) {
  asio::io_context context;
  asio::ip::tcp::acceptor silent(context, {asio::ip::address_v4::loopback(), 0});
  const auto address = "127.0.0.1:" + std::to_string(silent.local_endpoint().port());
  peer_node node({.id = "n1", .options = {.connect_timeout = 100ms}});
  node.network().connect(address);
  EXPECT_TRUE(node.handler.saw("down " + address + " timeout"));
}

TEST(PeerFalseServerTest, AnAddressThatIsNoneIsRejected) {
  peer_node node({.id = "n1"});
  node.network().connect("no port");
  EXPECT_TRUE(node.handler.saw("down no port rejected"));
}

}  // namespace
}  // namespace weir
