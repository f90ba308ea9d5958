#include "transport/net/net_stream.hpp"

#include "tests/support/certificates.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using weir::error_code;
using weir::net_stream;
using weir::tls_context;
using weir::tls_fault;
using weir::tls_side;
using weir::tls_use;
using weir_test::authority;
using weir_test::issued;
using weir_test::tls_folder;

tls_context context_of(tls_use use, const issued& own, const std::string& ca) {
  const tls_folder files;
  files.write(own);
  files.write("ca.crt", ca);
  return weir::make_tls_context(use, {files.cert(), files.key(), files.ca()}).value();
}

class NetStreamTest : public testing::Test {
 protected:
  NetStreamTest() { connect(); }

  void connect() {
    tcp::acceptor acceptor(loop_, {asio::ip::address_v4::loopback(), 0});
    tcp::socket dialled(loop_);
    dialled.connect(acceptor.local_endpoint());
    server_.emplace(acceptor.accept());
    client_.emplace(std::move(dialled));
  }

  ~NetStreamTest() override {
    error_code ignored;
    server_->close(ignored);
    client_->close(ignored);
    run();
  }

  void run() {
    loop_.restart();
    loop_.run();
  }

  struct outcomes {
    error_code server = asio::error::would_block;
    error_code client = asio::error::would_block;
  };

  /// Both handshakes; a side that failed closes, so that the other one hears of it. What a client
  /// of TLS 1.3 thinks of its own certificate comes with its first read.
  outcomes shake_hands() {
    outcomes got;
    std::array<char, 1> byte{};
    server_->async_handshake([&](error_code error) {
      got.server = error;
      error_code ignored;
      if (error) return server_->close(ignored);
      asio::async_write(*server_, asio::buffer("x", 1), [](error_code, std::size_t) {});
    });
    client_->async_handshake([&](error_code error) {
      got.client = error;
      error_code ignored;
      if (error) return client_->close(ignored);
      client_->async_read_some(asio::buffer(byte), [&](error_code later, std::size_t) {
        got.client = later;
        error_code none;
        if (later) client_->close(none);
      });
    });
    run();
    return got;
  }

  outcomes meet(
      const tls_context& server, const tls_context& client, const std::string& host = {}
  ) {
    server_->secure(server, tls_side::server);
    client_->secure(client, tls_side::client, host);
    return shake_hands();
  }

  tls_context peer(tls_use use, const std::string& name) const {
    return context_of(use, ca_.issue(name), ca_.pem());
  }

  asio::io_context loop_;
  std::optional<net_stream> server_, client_;
  authority ca_{"cluster"};
  authority foreign_{"foreign"};
};

TEST_F(NetStreamTest, CarriesMegabytesBothWaysInsideTls) {
  const auto got = meet(peer(tls_use::peer_server, "n1"), peer(tls_use::peer_client, "n2"));
  ASSERT_FALSE(got.server) << got.server.message();
  ASSERT_FALSE(got.client) << got.client.message();
  std::string sent(3'000'000, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 251);
  std::string up(sent.size(), '\0'), down(sent.size(), '\0');
  int done = 0;
  const auto count = [&](error_code error, std::size_t) { done += error ? 0 : 1; };
  const std::array<asio::const_buffer, 2> pieces{
      asio::buffer(sent.data(), 1000), asio::buffer(sent.data() + 1000, sent.size() - 1000)};
  asio::async_write(*client_, pieces, count);
  asio::async_write(*server_, asio::buffer(sent), count);
  asio::async_read(*server_, asio::buffer(up), count);
  asio::async_read(*client_, asio::buffer(down), count);
  run();
  EXPECT_EQ(done, 4);
  EXPECT_TRUE(up == sent);
  EXPECT_TRUE(down == sent);
}

TEST_F(NetStreamTest, CarriesTheSamePlain) {
  std::string up(5, '\0');
  asio::async_write(*client_, asio::buffer("hello", 5), [](error_code, std::size_t) {});
  asio::async_read(*server_, asio::buffer(up), [](error_code, std::size_t) {});
  run();
  EXPECT_EQ(up, "hello");
  EXPECT_TRUE(server_->proves("whoever"));
}

TEST_F(NetStreamTest, ProvesTheNamesOfTheOtherSide) {
  meet(peer(tls_use::peer_server, "n1"), peer(tls_use::peer_client, "n2"));
  EXPECT_TRUE(server_->proves("n2"));
  EXPECT_FALSE(server_->proves("n1"));
  EXPECT_FALSE(server_->proves("N2"));
  EXPECT_TRUE(client_->proves("n1"));
}

TEST_F(NetStreamTest, RefusesAnotherAuthorityOnEitherSide) {
  const auto stranger = context_of(tls_use::peer_client, foreign_.issue("n2"), ca_.pem());
  const auto got = meet(peer(tls_use::peer_server, "n1"), stranger);
  EXPECT_EQ(got.server, make_error_code(tls_fault::wrong_ca));
  EXPECT_EQ(got.client, make_error_code(tls_fault::refused));
}

TEST_F(NetStreamTest, RefusesAServerOfAnotherAuthority) {
  const auto stranger = context_of(tls_use::peer_server, foreign_.issue("n1"), ca_.pem());
  const auto got = meet(stranger, peer(tls_use::peer_client, "n2"));
  EXPECT_EQ(got.client, make_error_code(tls_fault::wrong_ca));
  EXPECT_EQ(got.server, make_error_code(tls_fault::refused));
}

TEST_F(NetStreamTest, RefusesAClientWithoutACertificate) {
  const auto bare = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_client);
  const auto got = meet(peer(tls_use::peer_server, "n1"), bare);
  EXPECT_EQ(got.server, make_error_code(tls_fault::no_certificate));
  EXPECT_EQ(got.client, make_error_code(tls_fault::refused));
}

TEST_F(NetStreamTest, RefusesOlderVersions) {
  for (const int version : {TLS1_1_VERSION, TLS1_2_VERSION}) {
    const auto old = peer(tls_use::peer_client, "n2");
    SSL_CTX_set_min_proto_version(old->native_handle(), version);
    SSL_CTX_set_max_proto_version(old->native_handle(), version);
    SSL_CTX_set_cipher_list(old->native_handle(), "ALL:@SECLEVEL=0");
    connect();
    const auto got = meet(peer(tls_use::peer_server, "n1"), old);
    EXPECT_EQ(got.server, make_error_code(tls_fault::version));
    EXPECT_EQ(got.client, make_error_code(tls_fault::version));
  }
}

TEST_F(NetStreamTest, RefusesPlainText) {
  server_->secure(peer(tls_use::peer_server, "n1"), tls_side::server);
  client_->socket().send(asio::buffer("GET / HTTP/1.1\r\nHost: n1\r\n\r\n", 28));
  error_code got;
  server_->async_handshake([&](error_code error) { got = error; });
  run();
  EXPECT_EQ(got, make_error_code(tls_fault::plaintext));
}

TEST_F(NetStreamTest, NoticesAServerThatSpeaksPlainText) {
  client_->secure(peer(tls_use::peer_client, "n1"), tls_side::client);
  server_->socket().send(asio::buffer("HTTP/1.1 400 Bad Request\r\n\r\n", 28));
  error_code got;
  client_->async_handshake([&](error_code error) { got = error; });
  run();
  EXPECT_EQ(got, make_error_code(tls_fault::plaintext));
}

TEST_F(NetStreamTest, RefusesCertificatesOutsideTheirTime) {
  using std::chrono::seconds;
  const auto late = ca_.issue({.names = {"n2"}, .addresses = {}, .ends = seconds(-60)});
  const auto got =
      meet(peer(tls_use::peer_server, "n1"), context_of(tls_use::peer_client, late, ca_.pem()));
  EXPECT_EQ(got.server, make_error_code(tls_fault::expired));
}

TEST_F(NetStreamTest, RefusesACertificateThatBeginsInTheFuture) {
  using std::chrono::seconds;
  const auto early = ca_.issue({.names = {"n2"}, .addresses = {}, .begins = seconds(600)});
  const auto got =
      meet(peer(tls_use::peer_server, "n1"), context_of(tls_use::peer_client, early, ca_.pem()));
  EXPECT_EQ(got.server, make_error_code(tls_fault::not_yet_valid));
}

TEST_F(NetStreamTest, AClientChecksTheHostItDials) {
  const auto client = context_of(tls_use::client, ca_.issue("unused"), ca_.pem());
  const auto got = meet(peer(tls_use::server, "api.example"), client, "api.example");
  EXPECT_FALSE(got.client) << got.client.message();
}

TEST_F(NetStreamTest, AClientChecksTheAddressItDials) {
  const auto client = context_of(tls_use::client, ca_.issue("unused"), ca_.pem());
  const auto got = meet(peer(tls_use::server, "api.example"), client, "127.0.0.1");
  EXPECT_FALSE(got.client) << got.client.message();
}

TEST_F(NetStreamTest, AClientRefusesAnotherHost) {
  const auto client = context_of(tls_use::client, ca_.issue("unused"), ca_.pem());
  const auto got = meet(peer(tls_use::server, "api.example"), client, "other.example");
  EXPECT_EQ(got.client, make_error_code(tls_fault::wrong_name));
}

TEST_F(NetStreamTest, TellsAGoodbyeFromACut) {
  meet(peer(tls_use::peer_server, "n1"), peer(tls_use::peer_client, "n2"));
  error_code ignored, got;
  std::array<char, 8> some{};
  server_->close(ignored);
  client_->async_read_some(asio::buffer(some), [&](error_code error, std::size_t) { got = error; });
  run();
  EXPECT_EQ(got, asio::error::eof);
}

TEST_F(NetStreamTest, ACutIsNoEnd) {
  meet(peer(tls_use::peer_server, "n1"), peer(tls_use::peer_client, "n2"));
  error_code got;
  std::array<char, 8> some{};
  server_->socket().close();
  client_->async_read_some(asio::buffer(some), [&](error_code error, std::size_t) { got = error; });
  run();
  EXPECT_EQ(got, asio::error::connection_reset);
}

TEST_F(NetStreamTest, CloseEndsAReadThatWaits) {
  meet(peer(tls_use::peer_server, "n1"), peer(tls_use::peer_client, "n2"));
  error_code ignored, got;
  std::array<char, 8> some{};
  EXPECT_TRUE(client_->is_quiet());
  client_->async_read_some(asio::buffer(some), [&](error_code error, std::size_t) { got = error; });
  loop_.restart();
  loop_.poll();
  client_->close(ignored);
  run();
  EXPECT_EQ(got, asio::error::operation_aborted);
}

/// Handshakes over pairs of sockets on one thread, each with the newest certificates.
int shake_hands_often(const weir::tls_credentials& held, int times) {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  int good = 0;
  for (int i = 0; i < times; ++i) {
    tcp::socket dialled(loop);
    dialled.connect(acceptor.local_endpoint());
    net_stream server(acceptor.accept()), client(std::move(dialled));
    server.secure(held.peer_server(), tls_side::server);
    client.secure(held.peer_client(), tls_side::client);
    const auto count = [&](error_code error) { good += error ? 0 : 1; };
    server.async_handshake(count);
    client.async_handshake(count);
    loop.restart();
    loop.run();
  }
  return good;
}

TEST(TlsRotationTest, ContextsAreReplacedUnderHandshakes) {
  const authority ca("old"), next("new");
  const tls_folder files;
  files.write(ca.issue("n1"));
  files.write("ca.crt", ca.pem() + next.pem());
  const auto held = weir::tls_credentials::load({files.cert(), files.key(), files.ca()}).value();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] { good += shake_hands_often(*held, 40); });
  }
  for (int i = 0; i < 20; ++i) {
    files.write((i % 2 == 0 ? next : ca).issue("n1"));
    EXPECT_EQ(held->reload().what, weir::tls_credentials::outcome::replaced);
    held->has_settled_change();
  }
  for (auto& each : threads) each.join();
  EXPECT_EQ(good, 3 * 40 * 2);
}

}  // namespace
