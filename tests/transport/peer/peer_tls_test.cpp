#include "tests/support/certificates.hpp"
#include "tests/transport/peer/peer_nodes.hpp"
#include "transport/net/net_stream.hpp"

#include <boost/asio/ssl/context.hpp>

namespace weir {
namespace {

using namespace test;
using asio::ip::tcp;
using weir_test::authority;
using weir_test::tls_folder;

/// The files of a node, and what it has read of them.
struct certified {
  explicit certified(
      const authority& ca, const std::string& name, const std::string& trusted = {}
  ) {
    files.write(ca.issue(name));
    files.write("ca.crt", trusted.empty() ? ca.pem() : trusted);
    read = tls_credentials::load({files.cert(), files.key(), files.ca()}).value();
  }

  peer_link_options options() const {
    peer_link_options made;
    made.server_tls = [held = read] { return held->peer_server(); };
    made.client_tls = [held = read] { return held->peer_client(); };
    return made;
  }

  tls_folder files;
  std::shared_ptr<tls_credentials> read;
};

class PeerTlsTest : public testing::Test {
 protected:
  /// Dials `b` from `a`, which must not come up.
  static void expect_refused(peer_node& a, peer_node& b) {
    a.network().connect(b.address());
    EXPECT_TRUE(a.handler.saw("down " + b.address() + " rejected"));
    EXPECT_EQ(a.network().counters().links_up, 0U);
  }

  authority ca_{"cluster"};
  authority other_{"other"};
};

TEST_F(PeerTlsTest, TwoNodesOfOneAuthorityMeet) {
  const certified n1(ca_, "n1"), n2(ca_, "n2");
  peer_node a({.id = "n1", .options = n1.options()}), b({.id = "n2", .options = n2.options()});
  echo_keys(b);
  a.link_to(b, "n2");
  EXPECT_EQ(value_of(a.ask(b.address(), get_of("42")).get()), "42");
}

TEST_F(PeerTlsTest, MegabytesPassBesideSmallMessages) {
  const certified n1(ca_, "n1"), n2(ca_, "n2");
  peer_node a({.id = "n1", .options = n1.options()}), b({.id = "n2", .options = n2.options()});
  const std::string large(8 << 20, 'v');
  b.handler.at_once([&](const peer_request& request, peer_reply& reply) {
    const auto& key = std::get<get_request>(request.body).key;
    reply = hit(key == "large" ? large : key);
    return true;
  });
  a.link_to(b, "n2");
  auto first = a.ask(b.address(), get_of("large"));
  std::vector<std::future<result<peer_reply>>> small;
  for (int i = 0; i < 200; ++i) small.push_back(a.ask(b.address(), get_of(std::to_string(i))));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(value_of(small[i].get()), std::to_string(i));
  EXPECT_TRUE(value_of(first.get()) == large);
}

TEST_F(PeerTlsTest, AnotherAuthorityIsRefusedAndNamed) {
  const certified n1(other_, "n1", ca_.pem() + other_.pem()), n2(ca_, "n2");
  peer_node a({.id = "n1", .options = n1.options()}), b({.id = "n2", .options = n2.options()});
  expect_refused(a, b);
  EXPECT_TRUE(b.logged("wrong CA"));
  EXPECT_TRUE(a.logged("refuses this side's certificate"));
}

TEST_F(PeerTlsTest, ACertificateForAnotherNodeIsRefusedAndNamed) {
  const certified n3(ca_, "n3"), n2(ca_, "n2");
  peer_node a({.id = "n1", .options = n3.options()}), b({.id = "n2", .options = n2.options()});
  expect_refused(a, b);
  EXPECT_TRUE(b.logged("wrong SAN: the certificate has no DNS name equal to node id \"n1\""));
}

TEST_F(PeerTlsTest, ADialledNodeMustBeWhoItSays) {
  const certified n1(ca_, "n1"), n3(ca_, "n3");
  peer_node a({.id = "n1", .options = n1.options()}), b({.id = "n2", .options = n3.options()});
  expect_refused(a, b);
  EXPECT_TRUE(a.logged("wrong SAN: the certificate has no DNS name equal to node id \"n2\""));
}

TEST_F(PeerTlsTest, ANodeWithoutACertificateIsRefusedAndNamed) {
  const certified n2(ca_, "n2");
  peer_link_options bare;
  bare.client_tls = [] {
    return std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  };
  peer_node a({.id = "n1", .options = bare}), b({.id = "n2", .options = n2.options()});
  expect_refused(a, b);
  EXPECT_TRUE(b.logged("no certificate"));
}

TEST_F(PeerTlsTest, APlainNodeIsRefusedAndNamed) {
  const certified n2(ca_, "n2");
  peer_node a({.id = "n1"}), b({.id = "n2", .options = n2.options()});
  a.network().connect(b.address());
  EXPECT_TRUE(b.logged("plaintext"));
  EXPECT_EQ(a.network().counters().links_up, 0U);
  EXPECT_GE(b.network().counters().refused, 1U);
}

TEST_F(PeerTlsTest, APlainNodeIsNotTrusted) {
  const certified n1(ca_, "n1");
  peer_node a({.id = "n1", .options = n1.options()}), b({.id = "n2"});
  a.network().connect(b.address());
  EXPECT_TRUE(b.logged("TLS to a plain peer port"));
  EXPECT_EQ(a.network().counters().links_up, 0U);
}

TEST_F(PeerTlsTest, OlderVersionsAreRefusedAndNamed) {
  for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION}) {
    const certified n1(ca_, "n1"), n2(ca_, "n2");
    auto old = n1.options();
    old.client_tls = [version, held = n1.read] {
      const auto made = held->peer_client();
      SSL_CTX_set_min_proto_version(made->native_handle(), version);
      SSL_CTX_set_max_proto_version(made->native_handle(), version);
      SSL_CTX_set_cipher_list(made->native_handle(), "ALL:@SECLEVEL=0");
      return made;
    };
    peer_node a({.id = "n1", .options = old}), b({.id = "n2", .options = n2.options()});
    expect_refused(a, b);
    EXPECT_TRUE(b.logged("TLS version"));
  }
}

TEST_F(PeerTlsTest, AStalledHandshakeIsClosed) {
  const certified n2(ca_, "n2");
  auto options = n2.options();
  options.handshake_timeout = 200ms;
  peer_node b({.id = "n2", .options = options});
  asio::io_context loop;
  tcp::socket socket(loop);
  const auto colon = b.address().rfind(':');
  const auto port = static_cast<std::uint16_t>(std::stoi(b.address().substr(colon + 1)));
  socket.connect({asio::ip::address_v4::loopback(), port});
  char byte = 0;
  error_code error;
  socket.read_some(asio::buffer(&byte, 1), error);
  EXPECT_TRUE(error);
}

TEST_F(PeerTlsTest, AuthoritiesAreRotatedWithoutALostCall) {
  certified n1(ca_, "n1"), n2(ca_, "n2");
  peer_node a({.id = "n1", .options = n1.options()}), b({.id = "n2", .options = n2.options()});
  echo_keys(b);
  a.link_to(b, "n2");
  const auto renew =
      [](certified& node, const authority& by, const std::string& id, const std::string& trusted) {
        node.files.write(by.issue(id));
        node.files.write("ca.crt", trusted);
        EXPECT_EQ(node.read->reload().what, tls_credentials::outcome::replaced);
      };
  const auto expect_answers = [&] {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(value_of(a.ask(b.address(), get_of("k")).get()), "k");
    // New connections come up in every step too.
    peer_node c({.id = "n1", .incarnation = 1, .options = n1.options()});
    c.link_to(b, "n2");
    EXPECT_EQ(value_of(c.ask(b.address(), get_of("k")).get()), "k");
  };
  renew(n1, ca_, "n1", ca_.pem() + other_.pem());
  expect_answers();
  renew(n2, ca_, "n2", ca_.pem() + other_.pem());
  expect_answers();
  renew(n1, other_, "n1", ca_.pem() + other_.pem());
  expect_answers();
  renew(n2, other_, "n2", ca_.pem() + other_.pem());
  expect_answers();
  renew(n1, other_, "n1", other_.pem());
  expect_answers();
  renew(n2, other_, "n2", other_.pem());
  expect_answers();
  EXPECT_EQ(a.network().counters().links_up, 1U);
  // The old authority counts no more.
  const certified late(ca_, "n4", ca_.pem() + other_.pem());
  peer_node d({.id = "n4", .options = late.options()});
  expect_refused(d, b);
  EXPECT_TRUE(b.logged("wrong CA"));
}

}  // namespace
}  // namespace weir
