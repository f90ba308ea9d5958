#include "tests/doors/http/door_support.hpp"

namespace weir::test {
namespace {

using testing::HasSubstr;

class DoorAuth : public door_fixture {
 protected:
  DoorAuth() {
    using enum door_right;
    source->has("a", "apple");
    door_.set_tokens({
        {"reader", "reader-secret-12345678", {read}, {}},
        {"users", "users-secret-12345678", {read, write}, {"users"}},
        {"writer", "writer-secret-12345678", {write}, {"notes"}},
        {"cleaner", "cleaner-secret-12345678", {admin}, {"notes"}},
        {"ops", "ops-secret-12345678", {read, write, admin}, {}},
    });
  }

  static std::string with(const std::string& token) {
    return "Authorization: Bearer " + token + "-secret-12345678\r\n";
  }

  unsigned status(
      std::string_view method,
      std::string_view target,
      const std::string& token,
      std::string_view body = {}
  ) {
    return request(method, target, with(token), body).status;
  }
};

TEST_F(DoorAuth, NobodyIsAnsweredWithoutAToken) {
  for (const char* page :
       {"/v1/users/a", "/cluster", "/cluster/members", "/cluster/ring", "/metrics", "/nothing"}) {
    const auto got = get(page);
    EXPECT_EQ(got.status, 401U) << page;
    EXPECT_EQ(code_of(got), "unauthorized");
    EXPECT_EQ(field(got, "WWW-Authenticate"), "Bearer realm=\"weir\"");
  }
  EXPECT_EQ(source->loads("a"), 0);
}

TEST_F(DoorAuth, HealthChecksNeedNone) {
  EXPECT_EQ(get("/livez").status, 200U);
  EXPECT_EQ(get("/readyz?verbose").status, 200U);
}

TEST_F(DoorAuth, AWrongTokenIsToldApartFromNone) {
  for (const char* wrong :
       {"Authorization: Bearer nonsense\r\n",
        "Authorization: Bearer reader-secret-12345679\r\n",
        "Authorization: Bearer\r\n",
        "Authorization: Basic reader-secret-12345678\r\n",
        "Authorization: reader-secret-12345678\r\n"}) {
    const auto got = get("/v1/users/a", wrong);
    EXPECT_EQ(got.status, 401U) << wrong;
    EXPECT_THAT(field(got, "WWW-Authenticate"), HasSubstr("invalid_token"));
  }
}

TEST_F(DoorAuth, StrangersWait) {
  const auto before = std::chrono::steady_clock::now();
  get("/v1/users/a");
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(95));
}

TEST_F(DoorAuth, AReaderReadsAndDoesNoMore) {
  EXPECT_EQ(status("GET", "/v1/users/a", "reader"), 200U);
  EXPECT_EQ(status("GET", "/v1/users/a", "reader"), 200U);  // a hit
  EXPECT_EQ(status("HEAD", "/v1/users/a", "reader"), 200U);
  EXPECT_EQ(status("POST", "/v1/users?get", "reader", R"({"keys":["a"]})"), 200U);
  EXPECT_EQ(status("GET", "/metrics", "reader"), 200U);
  EXPECT_EQ(status("GET", "/cluster", "reader"), 200U);
  const auto got = request("PURGE", "/v1/users/a", with("reader"));
  EXPECT_EQ(got.status, 403U);
  EXPECT_EQ(code_of(got), "forbidden");
  EXPECT_EQ(status("PUT", "/v1/notes/a", "reader", "x"), 403U);
  EXPECT_EQ(status("DELETE", "/v1/notes/a", "reader"), 403U);
  EXPECT_EQ(status("GET", "/v1/users/a?fresh", "reader"), 403U);
  EXPECT_EQ(status("POST", "/v1/users?purge", "reader", R"({"keys":["a"]})"), 403U);
  EXPECT_EQ(status("POST", "/cluster/members?forget=n2", "reader"), 403U);
}

TEST_F(DoorAuth, RightsHoldInTheirKeyspaces) {
  EXPECT_EQ(status("GET", "/v1/users/a", "users"), 200U);
  EXPECT_EQ(status("GET", "/v1/%75sers/a", "users"), 200U);
  EXPECT_EQ(status("GET", "/v1/notes/a", "users"), 403U);
  EXPECT_EQ(status("GET", "/v1/none/a", "users"), 403U);
  EXPECT_EQ(status("GET", "/v1/users/a?fresh", "users"), 200U);
  EXPECT_EQ(status("PURGE", "/v1/users/a", "users"), 200U);
}

TEST_F(DoorAuth, AWriterDoesNotRead) {
  EXPECT_EQ(status("PURGE", "/v1/notes/a", "writer"), 200U);
  EXPECT_EQ(status("GET", "/v1/notes/a", "writer"), 403U);
  EXPECT_EQ(status("POST", "/v1/notes?purge", "writer", R"({"keys":["a"]})"), 200U);
}

TEST_F(DoorAuth, ClearingIsForAdmins) {
  EXPECT_EQ(status("POST", "/v1/notes?purge", "writer", R"({"all":true})"), 403U);
  EXPECT_EQ(status("POST", "/v1/notes?purge", "cleaner", R"({"all":true})"), 200U);
  EXPECT_EQ(status("POST", "/v1/notes?purge", "cleaner", R"({"keys":["a"]})"), 403U);
  EXPECT_EQ(status("POST", "/v1/users?purge", "cleaner", R"({"all":true})"), 403U);
}

TEST_F(DoorAuth, TheViewIsChangedByAdminsOfEverything) {
  add_peer();
  EXPECT_EQ(status("POST", "/cluster/members?forget=n2", "cleaner"), 403U);
  EXPECT_EQ(status("POST", "/cluster/members?forget=n2", "ops"), 200U);
}

TEST_F(DoorAuth, AConnectionMayChangeItsToken) {
  auto client = connect();
  const auto ask = [&](const std::string& token) {
    client.send(test::get("/v1/notes/a", with(token)));
    return client.receive().status;
  };
  EXPECT_EQ(ask("reader"), 200U);
  EXPECT_EQ(ask("users"), 403U);
  EXPECT_EQ(ask("reader"), 200U);
  EXPECT_EQ(ask("unknown"), 401U);
  EXPECT_EQ(ask("reader"), 200U);
}

TEST_F(DoorAuth, NewTokensHoldForOpenConnections) {
  auto client = connect();
  const auto ask = [&] {
    client.send(test::get("/v1/users/a", with("reader")));
    return client.receive().status;
  };
  EXPECT_EQ(ask(), 200U);
  door_.set_tokens({{"other", "other-secret-12345", {door_right::read}, {}}});
  EXPECT_EQ(ask(), 401U);
  door_.set_tokens({});
  EXPECT_EQ(ask(), 200U);
}

TEST_F(DoorAuth, TurnedAwayRequestsAreCounted) {
  get("/v1/users/a");
  status("PURGE", "/v1/users/a", "reader");
  const auto text = door_.metrics();
  EXPECT_THAT(text, HasSubstr("weir_http_turned_away_total{reason=\"unauthorized\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("weir_http_turned_away_total{reason=\"forbidden\"} 1\n"));
}

TEST_F(DoorAuth, LargeBodiesOfStrangersAreNotRead) {
  const std::string large(200'000, 'x');
  EXPECT_EQ(request("PUT", "/v1/notes/a", {}, large).status, 413U);
  EXPECT_EQ(request("PUT", "/v1/notes/a", {}, "small").status, 401U);
}

}  // namespace
}  // namespace weir::test
