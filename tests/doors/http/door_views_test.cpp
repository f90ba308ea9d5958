#include "doors/http/http_door_impl.hpp"
#include "tests/doors/http/door_support.hpp"

#include <atomic>
#include <mutex>

namespace weir::test {
namespace {

class DoorViews : public door_fixture {};

TEST_F(DoorViews, ClusterTellsWhoThisNodeIs) {
  const auto told = json_of(get("/cluster"));
  EXPECT_EQ(told.at("cluster").as_string(), "test");
  EXPECT_EQ(told.at("node").at("id").as_string(), "n1");
  EXPECT_EQ(told.at("node").at("version").as_string(), "1.2.3");
  EXPECT_EQ(told.at("members").to_number<int>(), 1);
  EXPECT_EQ(told.at("reachable").to_number<int>(), 1);
  EXPECT_EQ(told.at("keyspaces").as_array().size(), 2u);
}

TEST_F(DoorViews, MembersBeginWithTheNodeItself) {
  add_peer();
  const auto members = json_of(get("/cluster/members")).at("members");
  ASSERT_EQ(members.as_array().size(), 2u);
  EXPECT_EQ(members.as_array()[0].at("id").as_string(), "n1");
  EXPECT_TRUE(members.as_array()[0].at("self").as_bool());
  EXPECT_EQ(members.as_array()[1].at("id").as_string(), "n2");
  EXPECT_EQ(members.as_array()[1].at("state").as_string(), "reachable");
  EXPECT_EQ(members.as_array()[1].at("address").as_string(), scripted_peer::address);
}

TEST_F(DoorViews, MembersBeginWithTheLease) {
  const auto lone = json_of(get("/cluster/members"));
  EXPECT_TRUE(lone.at("lease").at("valid").is_bool());
  EXPECT_TRUE(lone.at("lease").at("why").is_string());
  add_peer();
  const auto told = json_of(get("/cluster/members"));
  for (const auto* number : {"left_ms", "granted", "members", "views"})
    EXPECT_TRUE(told.at("lease").at(number).is_number()) << number;
  EXPECT_TRUE(told.at("members").as_array()[1].at("granting").is_bool());
  EXPECT_TRUE(told.at("members").as_array()[1].at("feed_lag").is_number());
}

TEST_F(DoorViews, MembersTellHowTheirSettingsDiffer) {
  add_peer();
  const auto told = json_of(get("/cluster/members")).at("members");
  EXPECT_EQ(told.as_array()[0].at("config").as_string(), "same");
  EXPECT_EQ(told.as_array()[1].at("config").as_string(), "unknown");
  EXPECT_TRUE(told.as_array()[1].at("differences").as_array().empty());
}

TEST(ConfigCheckTest, NamesEveryDifferenceWithBothValues) {
  EXPECT_EQ(config_check({}).state, check_state::passed);
  member_status n2{.id = "n2", .address = {}};
  n2.differences = {
      {"pages", "writes", "deny", "allow"}, {"users", "keyspace", "present", "absent"}};
  const auto check = config_check({n2});
  EXPECT_EQ(check.state, check_state::noted);
  EXPECT_EQ(
      check.detail,
      "n2 differs in pages.writes: deny here, allow there; "
      "n2 differs in users.keyspace: present here, absent there"
  );
}

TEST_F(DoorViews, TheRingTellsTheStateOfItsNodes) {
  add_peer();
  const auto nodes = json_of(get("/cluster/ring")).at("nodes").as_array();
  EXPECT_EQ(nodes[0].at("state").as_string(), "reachable");
}

TEST_F(DoorViews, AMemberCanBeForgotten) {
  add_peer();
  const auto got = post("/cluster/members?forget=n2", "");
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(json_of(got).at("forgotten").as_string(), "n2");
}

TEST_F(DoorViews, ForgettingAnUnknownMemberNamesTheKnownOnes) {
  add_peer();
  const auto got = post("/cluster/members?forget=n9", "");
  EXPECT_EQ(got.status, 404u);
  EXPECT_EQ(code_of(got), "not_found");
  EXPECT_THAT(got.body, testing::HasSubstr("this node knows: n1, n2"));
}

TEST_F(DoorViews, ForgettingIsRefusedWhereItMakesNoSense) {
  EXPECT_EQ(code_of(post("/cluster/members?forget=n1", "")), "bad_request");
  EXPECT_EQ(code_of(post("/cluster/members", "")), "bad_request");
  EXPECT_EQ(code_of(post("/cluster/members?forget", "")), "bad_request");
  EXPECT_EQ(code_of(post("/cluster/members?forget=%4", "")), "bad_request");
  EXPECT_EQ(code_of(post("/cluster/members?forget=n2&force", "")), "bad_request");
  EXPECT_EQ(code_of(post("/cluster?forget=n2", "")), "method_not_allowed");
}

TEST_F(DoorViews, WebPagesForgetNobody) {
  add_peer();
  const auto got = request("POST", "/cluster/members?forget=n2", "Origin: http://evil\r\n");
  EXPECT_EQ(got.status, 403u);
  EXPECT_EQ(code_of(got), "forbidden");
}

TEST_F(DoorViews, TheRingSharesAllSlots) {
  add_peer();
  const auto told = json_of(get("/cluster/ring"));
  EXPECT_FALSE(told.at("digest").as_string().empty());
  int slots = 0;
  double share = 0;
  for (const auto& node : told.at("nodes").as_array()) {
    slots += node.at("slots").to_number<int>();
    share += node.at("share").to_number<double>();
    EXPECT_FALSE(node.at("address").as_string().empty());
  }
  EXPECT_EQ(slots, 16384);
  EXPECT_DOUBLE_EQ(share, 1);
}

TEST_F(DoorViews, TheRingNamesTheOwnerOfAKey) {
  add_peer();
  const auto told = json_of(get("/cluster/ring?key=users/a%2Fb%2525"));
  const auto place = engine_.place_of("users", "a/b%25");
  EXPECT_EQ(told.at("keyspace").as_string(), "users");
  EXPECT_EQ(told.at("key").as_string(), "a/b%25");
  EXPECT_EQ(told.at("slot").to_number<int>(), place.slot);
  EXPECT_EQ(told.at("owner").as_string().c_str(), place.owner);
  EXPECT_EQ(told.at("gutter").as_string().c_str(), place.gutter);
}

TEST_F(DoorViews, TheRingRefusesAKeyThatIsNone) {
  EXPECT_EQ(code_of(get("/cluster/ring?key=users")), "bad_request");
  EXPECT_EQ(code_of(get("/cluster/ring?key")), "bad_request");
  EXPECT_EQ(code_of(get("/cluster/ring?key=users/%4")), "bad_request");
  EXPECT_EQ(code_of(get("/cluster/ring?key=users/")), "bad_key");
  EXPECT_EQ(code_of(get("/cluster/ring?key=nobody/a")), "no_keyspace");
}

TEST_F(DoorViews, KeyspacesShowSettingsAndCounters) {
  source->has("a", "1");
  get("/v1/users/a");
  get("/v1/users/a");
  const auto all = json_of(get("/cluster/keyspaces")).at("keyspaces");
  ASSERT_EQ(all.as_array().size(), 2u);
  const auto& notes = all.as_array()[0];
  const auto& users = all.as_array()[1];
  EXPECT_EQ(notes.at("options").at("writes").as_string(), "allow");
  EXPECT_EQ(users.at("name").as_string(), "users");
  EXPECT_EQ(users.at("options").at("ttl_ms").to_number<int>(), 60'000);
  EXPECT_EQ(users.at("stats").at("reads").at("memory").to_number<int>(), 1);
  EXPECT_EQ(users.at("stats").at("reads").at("source").to_number<int>(), 1);
  EXPECT_DOUBLE_EQ(users.at("stats").at("hit_ratio").as_double(), 0.5);
  EXPECT_EQ(users.at("stats").at("lookup_hits").to_number<int>(), 1);
  EXPECT_EQ(users.at("stats").at("loads_value").to_number<int>(), 1);
  EXPECT_EQ(users.at("stats").at("entries").to_number<int>(), 1);
}

TEST_F(DoorViews, LivezIsAlwaysOk) {
  EXPECT_EQ(get("/livez").body, "ok\n");
  EXPECT_EQ(get("/livez?verbose").status, 200u);
}

TEST_F(DoorViews, WithoutChecksTheNodeIsReady) {
  EXPECT_EQ(get("/readyz").status, 200u);
  EXPECT_EQ(get("/readyz").body, "ok\n");
}

TEST_F(DoorViews, AnUnknownAddressSaysWhereThingsAre) {
  for (const auto* target : {"/", "/v1", "/v2/users/42", "/cluster/", "/metrics/x", "/CLUSTER"}) {
    const auto got = get(target);
    EXPECT_EQ(got.status, 404u) << target;
    EXPECT_EQ(code_of(got), "not_found") << target;
    EXPECT_THAT(got.body, testing::HasSubstr("/v1/{keyspace}/{key}"));
  }
}

struct method_case {
  const char* target;
  const char* method;
  const char* allow;

  friend std::ostream& operator<<(std::ostream& out, const method_case& of) {
    return out << of.method << ' ' << of.target;
  }
};

class DoorMethods : public door_fixture, public testing::WithParamInterface<method_case> {};

TEST_P(DoorMethods, NamesTheAllowedOnes) {
  const auto got = request(GetParam().method, GetParam().target);
  EXPECT_EQ(got.status, 405u);
  EXPECT_EQ(code_of(got), "method_not_allowed");
  EXPECT_EQ(field(got, "Allow"), GetParam().allow);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DoorMethods,
    testing::Values(
        method_case{"/v1/users/42", "POST", "GET, HEAD, PURGE, OPTIONS"},
        method_case{"/v1/users/42", "PATCH", "GET, HEAD, PURGE, OPTIONS"},
        method_case{"/v1/notes/42", "POST", "GET, HEAD, PUT, DELETE, PURGE, OPTIONS"},
        method_case{"/v1/users", "GET", "GET, POST, OPTIONS"},
        method_case{"/v1/users", "PURGE", "GET, POST, OPTIONS"},
        method_case{"/v1/users", "DELETE", "GET, POST, OPTIONS"},
        method_case{"/cluster", "POST", "GET, HEAD, OPTIONS"},
        method_case{"/cluster/members", "PUT", "GET, HEAD, POST, OPTIONS"},
        method_case{"/metrics", "PUT", "GET, HEAD, OPTIONS"},
        method_case{"/livez", "DELETE", "GET, HEAD, OPTIONS"}
    )
);

TEST_F(DoorViews, OptionsListTheMethods) {
  EXPECT_EQ(request("OPTIONS", "/v1/notes/a").status, 204u);
  EXPECT_THAT(field(request("OPTIONS", "/v1/notes/a"), "Allow"), testing::HasSubstr("PUT"));
  EXPECT_EQ(field(request("OPTIONS", "/v1/users"), "Allow"), "GET, POST, OPTIONS");
  EXPECT_EQ(field(request("OPTIONS", "/cluster"), "Allow"), "GET, HEAD, OPTIONS");
  EXPECT_THAT(field(request("OPTIONS", "*"), "Allow"), testing::HasSubstr("PURGE"));
}

TEST_F(DoorViews, HeadOfAViewHasNoBody) {
  const auto got = request("HEAD", "/cluster");
  EXPECT_EQ(got.status, 200u);
  EXPECT_NE(field(got, "Content-Length"), "0");
}

class DoorReadiness : public door_fixture {
 protected:
  DoorReadiness()
      : door_fixture(door_options{.readiness = [this] {
          const std::lock_guard lock(mutex_);
          return checks_;
        }}) {}

  void checks(std::vector<readiness_check> are) {
    const std::lock_guard lock(mutex_);
    checks_ = std::move(are);
  }

 private:
  std::mutex mutex_;
  std::vector<readiness_check> checks_;
};

TEST_F(DoorReadiness, OneFailedCheckMakesItUnready) {
  checks(
      {{"listeners", check_state::passed, ""}, {"discovery", check_state::failed, "no answer yet"}}
  );
  const auto got = get("/readyz");
  EXPECT_EQ(got.status, 503u);
  EXPECT_EQ(got.body, "[-] discovery: no answer yet\nnot ready\n");
}

TEST_F(DoorReadiness, VerboseShowsTheLeaseLast) {
  checks({{"listeners", check_state::passed, ""}, {"clock", check_state::noted, "late"}});
  EXPECT_EQ(get("/readyz").body, "ok\n");
  const auto got = get("/readyz?verbose");
  EXPECT_EQ(got.status, 200u);
  EXPECT_THAT(got.body, testing::StartsWith("[+] listeners\n[!] clock: late\n["));
  EXPECT_THAT(got.body, testing::HasSubstr("] lease: "));
  EXPECT_THAT(got.body, testing::EndsWith("\nok\n"));
}

class DoorSettling : public door_fixture {
 protected:
  DoorSettling()
      : door_fixture(door_options{
            .readiness = [this] { return std::vector{check("listeners", is_ready_)}; },
            .settling = [this] { return check("settled", is_settled_); },
        }) {}

  static readiness_check check(std::string name, bool passes) {
    return {std::move(name), passes ? check_state::passed : check_state::failed, {}};
  }

  std::atomic<bool> is_ready_{true};
  std::atomic<bool> is_settled_{false};
};

TEST_F(DoorSettling, OnlyWhoAsksForItWaitsForIt) {
  EXPECT_EQ(get("/readyz").status, 200u);
  EXPECT_THAT(get("/readyz?verbose").body, testing::Not(testing::HasSubstr("settled")));
  const auto got = get("/readyz?settled");
  EXPECT_EQ(got.status, 503u);
  EXPECT_EQ(got.body, "[-] settled\nnot settled\n");
  is_settled_ = true;
  EXPECT_EQ(get("/readyz?settled").status, 200u);
  EXPECT_EQ(get("/readyz?settled").body, "ok\n");
  EXPECT_EQ(request("HEAD", "/readyz?settled").status, 200u);
}

TEST_F(DoorSettling, ANodeThatIsNotReadyIsNotSettled) {
  is_settled_ = true;
  is_ready_ = false;
  const auto got = get("/readyz?settled");
  EXPECT_EQ(got.status, 503u);
  EXPECT_EQ(got.body, "[-] listeners\nnot ready\n");
}

TEST_F(DoorSettling, VerboseShowsItWithTheOthersInAnyOrderOfTheTwo) {
  for (const auto* both : {"/readyz?verbose&settled", "/readyz?settled&verbose"}) {
    const auto got = get(both);
    EXPECT_EQ(got.status, 503u) << both;
    EXPECT_THAT(got.body, testing::StartsWith("[+] listeners\n")) << both;
    EXPECT_THAT(got.body, testing::EndsWith("[-] settled\nnot settled\n")) << both;
  }
}

TEST_F(DoorSettling, ASlipOfTheFingerIsNoYes) {
  for (const auto* odd : {"/readyz?setled", "/readyz?settled&x=1", "/readyz?settled&settled"}) {
    const auto got = get(odd);
    EXPECT_EQ(got.status, 400u) << odd;
    EXPECT_EQ(code_of(got), "bad_request") << odd;
  }
}

TEST_F(DoorReadiness, ASourceThatFailsIsShownAndTheNodeIsReadyAllTheSame) {
  source->fails("42", "connection lost");
  get("/v1/users/42");
  const auto got = get("/readyz?verbose");
  EXPECT_EQ(got.status, 200u);
  EXPECT_THAT(
      got.body, testing::HasSubstr("[!] source of users: failing for 0 s: connection lost")
  );
  source->has("43", "well again");
  get("/v1/users/43");
  EXPECT_THAT(get("/readyz?verbose").body, testing::Not(testing::HasSubstr("source of")));
}

TEST_F(DoorReadiness, TheViewOfTheKeyspacesTellsTheLastWordsOfASource) {
  source->fails("42", "connection lost");
  get("/v1/users/42");
  const auto document = json_of(get("/cluster/keyspaces"));
  const auto& source_view = document.at("keyspaces").at(1).at("source");
  EXPECT_TRUE(source_view.at("failing").as_bool());
  EXPECT_EQ(source_view.at("outcome").as_string(), "source_failed");
  EXPECT_EQ(source_view.at("words").as_string(), "connection lost");
}

TEST(LeaseCheck, SaysWhatTheLeaseRestsOn) {
  const auto valid =
      lease_check({.is_valid = true, .left = milliseconds(2'600), .granted = 3, .members = 3});
  EXPECT_EQ(valid.state, check_state::passed);
  EXPECT_EQ(valid.detail, "valid, 2.6 s left, 3 of 3 members");
  EXPECT_EQ(lease_check({.is_valid = true, .is_lone = true}).detail, "none needed, a lone node");
}

TEST(LeaseCheck, ALostLeaseIsShownAndReadyAllTheSame) {
  const auto lost = lease_check({.why = "no lease: 1 of 3 candidates answered"});
  EXPECT_EQ(lost.state, check_state::noted);
  EXPECT_EQ(lost.detail, "1 of 3 candidates answered");
  EXPECT_EQ(lease_check({}).state, check_state::noted);
}

}  // namespace
}  // namespace weir::test
