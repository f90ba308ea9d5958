// What the door does not take though it is good HTTP: from web pages, for other hosts, and what it
// would have to ignore.
#include "doors/http/door_guard.hpp"

#include "doors/http/door_route.hpp"
#include "tests/doors/http/door_support.hpp"
#include "transport/net/client_key.hpp"

#include <string>

namespace weir {
namespace {

using namespace test;
using testing::HasSubstr;

class DoorGuardTest : public door_fixture {
 protected:
  void expect_unchanged() { EXPECT_EQ(put("/v1/notes/a?ttl=1h", "old").status, 204U); }

  int loads_of_a() const { return source->loads("a"); }
};

TEST_F(DoorGuardTest, APageOfAnotherOriginChangesNothing) {
  source->has("a", "1");
  for (const char* fields :
       {"Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n"}) {
    SCOPED_TRACE(fields);
    EXPECT_EQ(code_of(request("PUT", "/v1/notes/a", fields, "new")), "forbidden");
    EXPECT_EQ(code_of(request("DELETE", "/v1/notes/a", fields)), "forbidden");
    EXPECT_EQ(code_of(request("PURGE", "/v1/users/a", fields)), "forbidden");
    EXPECT_EQ(code_of(request("POST", "/v1/users?purge", fields, "{\"all\":true}")), "forbidden");
    EXPECT_EQ(code_of(request("POST", "/cluster/members?forget=n2", fields)), "forbidden");
    EXPECT_EQ(code_of(request("GET", "/v1/users/a?fresh", fields)), "forbidden");
    EXPECT_EQ(loads_of_a(), 0);
  }
}

TEST_F(DoorGuardTest, APageOfTheDoorItselfAndToolsChangeWhatTheyLike) {
  for (const char* fields :
       {"",
        "Origin: http://test\r\n",
        "Sec-Fetch-Site: same-origin\r\n",
        "Sec-Fetch-Site: none\r\n"}) {
    EXPECT_EQ(request("PUT", "/v1/notes/a", fields, "new").status, 204U);
  }
}

TEST_F(DoorGuardTest, APageOfAnotherOriginMayReadAsTheBrowserLetsIt) {
  source->has("a", "1");
  EXPECT_EQ(get("/v1/users/a", "Origin: https://evil.example\r\n").body, "1");
}

TEST_F(DoorGuardTest, ValuesAreNotTakenForAnotherType) {
  source->has("a", "<script>");
  EXPECT_EQ(field(get("/v1/users/a"), "X-Content-Type-Options"), "nosniff");
}

TEST(DoorHostTest, OnlyNamesOfThisMachineAreItsOwn) {
  for (const char* host :
       {"localhost", "LOCALHOST:7421", "127.0.0.1", "127.0.0.1:80", "127.3.2.1:9", "[::1]:7421"}) {
    EXPECT_TRUE(is_this_machine(host)) << host;
  }
  for (const char* host :
       {"evil.example:7421",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "10.0.0.1",
        "[::2]",
        "127.evil",
        ""}) {
    EXPECT_FALSE(is_this_machine(host)) << host;
  }
}

class LocalDoorTest : public door_fixture {
 protected:
  LocalDoorTest() : door_fixture(door_options{.is_local = true}) {}

  unsigned status_for(std::string_view host, std::string_view target = "/v1/users/a") {
    return connect()
        .send("GET " + std::string(target) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n")
        .receive()
        .status;
  }
};

TEST_F(LocalDoorTest, TakesOnlyRequestsForThisMachine) {
  source->has("a", "1");
  EXPECT_EQ(status_for("localhost:1"), 200U);
  EXPECT_EQ(status_for("127.0.0.1"), 200U);
  EXPECT_EQ(status_for("evil.example:33001"), 403U);
  EXPECT_EQ(status_for("evil.example", "/cluster"), 403U);
  EXPECT_EQ(status_for("evil.example", "/livez"), 200U);
}

TEST_F(LocalDoorTest, TokensOpenItForOtherNames) {
  source->has("a", "1");
  door_.set_tokens({{.name = "app", .secret = "0123456789abcdef", .allow = {door_right::read}}});
  const auto got = connect()
                       .send(
                           "GET /v1/users/a HTTP/1.1\r\nHost: weir.example\r\n"
                           "Authorization: Bearer 0123456789abcdef\r\n\r\n"
                       )
                       .receive();
  EXPECT_EQ(got.status, 200U);
}

TEST_F(DoorGuardTest, TwoTokensAreRefused) {
  door_.set_tokens({{.name = "app", .secret = "0123456789abcdef", .allow = {door_right::read}}});
  const std::string good = "Authorization: Bearer 0123456789abcdef\r\n";
  const std::string bad = "Authorization: Bearer 0000000000000000\r\n";
  EXPECT_EQ(get("/v1/users/a", good + bad).status, 400U);
  EXPECT_EQ(get("/v1/users/a", bad + good).status, 400U);
}

TEST_F(DoorGuardTest, APartOfAValueReplacesNothing) {
  expect_unchanged();
  EXPECT_EQ(put("/v1/notes/a", "BBBBB", "Content-Range: bytes 5-9/10\r\n").status, 400U);
  EXPECT_EQ(
      put("/v1/notes/a", "x", "Content-Type: multipart/byteranges; boundary=x\r\n").status, 400U
  );
  EXPECT_EQ(get("/v1/notes/a").body, "old");
}

TEST_F(DoorGuardTest, AnEncodedBodyIsRefused) {
  expect_unchanged();
  const auto refused = put("/v1/notes/a", "\x1f\x8b", "Content-Encoding: gzip\r\n");
  EXPECT_EQ(refused.status, 415U);
  EXPECT_EQ(code_of(refused), "bad_request");
  EXPECT_EQ(request("POST", "/v1/notes?get", "Content-Encoding: gzip\r\n", "{}").status, 415U);
  EXPECT_EQ(get("/v1/notes/a").body, "old");
  EXPECT_EQ(put("/v1/notes/a", "new", "Content-Encoding: identity\r\n").status, 204U);
}

TEST_F(DoorGuardTest, AConditionThatCannotBeKeptIsRefused) {
  expect_unchanged();
  const std::string date = "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  EXPECT_EQ(put("/v1/notes/a", "new", date).status, 400U);
  EXPECT_EQ(request("DELETE", "/v1/notes/a", date).status, 400U);
  EXPECT_EQ(request("PURGE", "/v1/notes/a", date).status, 400U);
  EXPECT_EQ(
      request("POST", "/v1/notes?purge", "If-Match: \"1-1\"\r\n", "{\"keys\":[\"a\"]}").status, 400U
  );
  EXPECT_EQ(get("/v1/notes/a").body, "old");
}

TEST_F(DoorGuardTest, AGetHonoursIfMatch) {
  const auto tag = field(put("/v1/notes/a", "1"), "ETag");
  EXPECT_EQ(get("/v1/notes/a", "If-Match: " + tag + "\r\n").body, "1");
  EXPECT_EQ(get("/v1/notes/a", "If-Match: *\r\n").body, "1");
  const auto differs = get("/v1/notes/a", "If-Match: \"1-1\"\r\n");
  EXPECT_EQ(differs.status, 412U);
  EXPECT_EQ(code_of(differs), "conflict");
}

TEST_F(DoorGuardTest, ADoubledParameterOrMemberIsRefused) {
  EXPECT_EQ(put("/v1/notes/a?ttl=5s&ttl=6s", "new").status, 400U);
  EXPECT_EQ(get("/cluster/ring?key=users/a&key=users/b").status, 400U);
  EXPECT_EQ(post("/v1/users?get", "{\"keys\":[\"a\"],\"keys\":[\"b\"]}").status, 400U);
  EXPECT_EQ(post("/v1/users?purge", "{\"all\":true,\"all\":true}").status, 400U);
  EXPECT_EQ(post("/v1/users?get", "{\"keys\":[\"a:b\",\"\\\"c:d\"]}").status, 200U);
}

TEST_F(DoorGuardTest, TheDoorLeadsOn) {
  for (const char* address : {"/", "/health", "/healthz"}) {
    EXPECT_THAT(get(address).body, HasSubstr("/readyz"));
    EXPECT_THAT(get(address).body, HasSubstr("/metrics"));
  }
  EXPECT_THAT(get("/v1/users").body, HasSubstr("/v1/users?get"));
  EXPECT_THAT(get("/v1/").body, HasSubstr("/v1/{keyspace}?get"));
  EXPECT_THAT(request("DELETE", "/v1/users").body, HasSubstr("/v1/users?purge"));
  EXPECT_THAT(request("PURGE", "/v1/users").body, HasSubstr("{\\\"all\\\": true}"));
  EXPECT_THAT(post("/v1/users?purge", "{}").body, HasSubstr("{\\\"all\\\": true}"));
  EXPECT_THAT(get("/v1/user/42").body, HasSubstr("did you mean \\\"users\\\"?"));
  EXPECT_THAT(get("/v1/nothing/42").body, HasSubstr("/cluster/keyspaces lists"));
  EXPECT_THAT(put("/v1/notes/a", "1", "If-Match: *\r\n").body, HasSubstr("leave it out"));
}

TEST_F(DoorGuardTest, ABatchOfOneKeyAThousandTimesIsWhole) {
  const std::string value(16'000, 'v');
  source->has("k", value);
  std::string body = "{\"keys\":[\"k\"";
  for (int i = 1; i < 1'000; ++i) body += ",\"k\"";
  const auto got = post("/v1/users?get", body + "]}");
  EXPECT_EQ(got.status, 200U);
  EXPECT_TRUE(got.says("Transfer-Encoding: chunked\r\n"));
  const auto lines = lines_of(got);
  ASSERT_EQ(lines.size(), 1'000U);
  EXPECT_EQ(lines.front().at("value").as_string(), value);
  EXPECT_EQ(lines.back().at("outcome").as_string(), "ok");
}

TEST(ClientKeyTest, CountsAnIpv6HostByIts64) {
  using asio::ip::make_address;
  EXPECT_EQ(client_key(make_address("2001:db8::1")), client_key(make_address("2001:db8::ff:1")));
  EXPECT_NE(client_key(make_address("2001:db8::1")), client_key(make_address("2001:db8:0:1::1")));
  EXPECT_EQ(client_key(make_address("::ffff:10.0.0.1")), make_address("10.0.0.1"));
}

}  // namespace
}  // namespace weir
