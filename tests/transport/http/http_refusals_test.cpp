#include "tests/transport/http/http_support.hpp"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

using test::answer;
using test::get;

class HttpRefusalsTest : public test::server_fixture {
 protected:
  /// Sends `text` and expects one answer with `status` that is the last of its connection.
  void expect_refused(const std::string& text, unsigned status) {
    SCOPED_TRACE(text.substr(0, 120));
    auto client = connect();
    client.send(text);
    const answer got = client.receive();
    EXPECT_EQ(got.status, status);
    EXPECT_TRUE(got.says("Connection: close\r\n"));
    EXPECT_TRUE(got.says("Content-Type: application/problem+json\r\n"));
    EXPECT_NE(got.body.find("\"status\":" + std::to_string(status)), std::string::npos) << got.body;
    EXPECT_TRUE(client.is_closed());
  }

  void expect_still_serving() { EXPECT_EQ(ask(get("/alive")).status, 200u); }
};

TEST_F(HttpRefusalsTest, RefusesAmbiguousLengths) {
  serve();
  const std::string put = "PUT /k HTTP/1.1\r\nHost: t\r\n";
  for (const char* fields :
       {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4\r\nContent-Length: 5\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5a\r\n",
        "Content-Length: \r\n",
        "Content-Length: 1 0\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    expect_refused(put + fields + "\r\nbody", 400);
  }
  expect_refused(put + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
  expect_refused(put + "Transfer-Encoding: chunkedx\r\n\r\n", 501);
  expect_refused("PUT /k HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  expect_still_serving();
}

TEST_F(HttpRefusalsTest, RefusesBodiesOverTheLimitBeforeTheyCome) {
  serve();
  const std::string put = "PUT /k HTTP/1.1\r\nHost: t\r\n";
  expect_refused(put + "Content-Length: 67108865\r\n\r\n", 413);
  expect_refused(put + "Content-Length: 1099511627776\r\n\r\n", 413);
  expect_refused(put + "Content-Length: 18446744073709551616\r\n\r\n", 413);
  expect_refused(put + "Content-Length: 1099511627776\r\nExpect: 100-continue\r\n\r\n", 413);
  expect_still_serving();
}

TEST_F(HttpRefusalsTest, RefusesBadChunks) {
  serve({.max_body = 1'000});
  const std::string put = "PUT /k HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  expect_refused(put + "10000000000000000\r\n", 413);
  expect_refused(put + "ffffffffffffffff\r\n", 413);
  expect_refused(put + "3e9\r\n", 413);
  expect_refused(put + "3e8\r\n" + std::string(1'000, 'x') + "\r\n1\r\n", 413);
  expect_refused(put + "-1\r\n", 400);
  expect_refused(put + "0x5\r\n", 400);
  expect_refused(put + "\r\n", 400);
  expect_refused(put + "zz\r\n", 400);
  expect_refused(put + "5 junk\r\n", 400);
  expect_refused(put + "2\r\nabc\r\n", 400);
  expect_refused(put + "2\nab\r\n", 400);
  expect_refused(put + "2;" + std::string(1 << 20, 'e'), 400);
  expect_refused(put + "0\r\nbad trailer\r\n\r\n", 400);
  expect_refused(put + "0\r\n" + std::string(10'000, 't'), 400);
  expect_still_serving();
}

TEST_F(HttpRefusalsTest, RefusesHeadersOverTheLimit) {
  serve();
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "a: b\r\n";
  expect_refused(get("/", many), 431);
  std::string sixty_five;
  for (int i = 0; i < 64; ++i) sixty_five += "a: b\r\n";
  expect_refused(get("/", sixty_five), 431);
  expect_refused(get("/", "X: " + std::string(8'192, 'x') + "\r\n"), 431);
  expect_refused("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), 431);
  expect_refused("GET /" + std::string(8'192, 'x') + " HTTP/1.1\r\nHost: t\r\n\r\n", 414);
  expect_refused("GET /?" + std::string(30'000, 'x'), 414);
  expect_refused(std::string(1 << 20, 'M'), 400);
  EXPECT_EQ(ask(get("/" + std::string(8'190, 'x'))).status, 200u);
  EXPECT_EQ(ask(get("/", "X: " + std::string(8'000, 'x') + "\r\n")).status, 200u);
  expect_still_serving();
}

TEST_F(HttpRefusalsTest, RefusesMalformedHeads) {
  serve();
  for (const std::string text :
       {"GET / HTTP/1.1\r\nHost: t\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\n folded: x\r\nHost: t\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : t\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n",
        "GET / HTTP/1.1\r\n: t\r\n\r\n",
        "GET / HTTP/1.1\nHost: t\n\n",
        "GET / HTTP/1.1\r\nHost: t\n\r\n",
        "GET / HTTP/1.1\r\nHost: t\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: t\r\nN\xC3\xA9: x\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET / a HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET\t/\tHTTP/1.1\r\nHost: t\r\n\r\n",
        "GET / http/1.1\r\nHost: t\r\n\r\n",
        "GET / HTTP/11\r\nHost: t\r\n\r\n",
        "GET key HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET /a#b HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET * HTTP/1.1\r\nHost: t\r\n\r\n",
        "G@T / HTTP/1.1\r\n\r\n",
        "GET http://other/ HTTP/1.1\r\nHost: t\r\n\r\n",
        "GET https://t/ HTTP/1.1\r\nHost: t\r\n\r\n"}) {
    expect_refused(text, 400);
  }
  const std::string nul(1, '\0');
  expect_refused("GET / HTTP/1.1\r\nHost: t\r\nX: a" + nul + "b\r\n\r\n", 400);
  expect_refused("GET /" + nul + " HTTP/1.1\r\nHost: t\r\n\r\n", 400);
  expect_still_serving();
}

TEST_F(HttpRefusalsTest, RefusesUnknownMethodsAndVersions) {
  serve();
  for (const char* method : {"BREW", "get", "TRACE", "CONNECT", "GETT"}) {
    expect_refused(std::string(method) + " / HTTP/1.1\r\nHost: t\r\n\r\n", 405);
  }
  expect_refused("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n", 405);
  expect_refused("GET / HTTP/9.9\r\nHost: t\r\n\r\n", 505);
  expect_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
  expect_refused(get("/", "Expect: miracle\r\n"), 417);
  EXPECT_EQ(ask("GET http://t/a HTTP/1.1\r\nHost: T\r\n\r\n").body, "GET /a  ");
  EXPECT_EQ(ask("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n").body, "OPTIONS *  ");
  EXPECT_EQ(ask("\r\n" + get("/a")).body, "GET /a  ");
}

TEST_F(HttpRefusalsTest, IgnoresUpgradesItDoesNotKnow) {
  serve();
  auto client = connect();
  client.send(
      get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n")
  );
  EXPECT_EQ(client.receive().status, 200u);
  client.send(get("/", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  EXPECT_EQ(client.receive().status, 200u);
}

TEST_F(HttpRefusalsTest, ClosesAndNamesOtherProtocols) {
  serve();
  for (const std::string& first :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), std::string("*1\r\n$4\r\nPING\r\n")}) {
    auto client = connect();
    client.send(first);
    EXPECT_EQ(client.receive_all(), "");
  }
  EXPECT_TRUE(remarked("127.0.0.1: closed, it speaks TLS"));
  EXPECT_TRUE(remarked("127.0.0.1: closed, it speaks RESP"));
  expect_still_serving();
}

TEST_F(HttpRefusalsTest, SaysThatHttp2IsNotSpokenHere) {
  serve();
  EXPECT_EQ(ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 505u);
  EXPECT_TRUE(remarked("it speaks HTTP/2"));
}

TEST_F(HttpRefusalsTest, TitlesAreSpeltAlike) {
  serve();
  EXPECT_NE(
      ask("GET / a HTTP/1.1\r\n\r\n").body.find("\"title\":\"Bad request\""), std::string::npos
  );
  EXPECT_NE(
      ask("GET /?" + std::string(30'000, 'x')).body.find("\"title\":\"URI too long\""),
      std::string::npos
  );
}

}  // namespace
}  // namespace weir
