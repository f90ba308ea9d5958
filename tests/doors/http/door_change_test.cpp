#include "tests/doors/http/door_support.hpp"

#include <weir/engine/memory_store.hpp>

namespace weir::test {
namespace {

class DoorPut : public door_fixture {
 protected:
  std::string version_of(std::string_view key) {
    return field(get("/v1/notes/" + std::string(key)), "ETag");
  }

  answer put_if_match(const std::string& version) {
    return put("/v1/notes/a", "new", "If-Match: " + version + "\r\n");
  }
};

TEST_F(DoorPut, SetsTheValueAndGivesItsVersion) {
  const auto done = put("/v1/notes/a", "hello");
  EXPECT_EQ(done.status, 204u);
  EXPECT_EQ(done.body, "");
  EXPECT_EQ(field(done, "Weir-Stored"), "cache");
  const auto got = get("/v1/notes/a");
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(field(got, "ETag"), field(done, "ETag"));
  EXPECT_EQ(source->loads("a"), 0);
}

TEST_F(DoorPut, KeepsEveryByteOfTheKeyAndTheValue) {
  std::string every(256, '\0');
  for (std::size_t i = 0; i != every.size(); ++i) every[i] = static_cast<char>(i);
  EXPECT_EQ(put("/v1/notes/%00%0D%0A%FF", every).status, 204u);
  EXPECT_EQ(get("/v1/notes/%00%0D%0A%FF").body, every);
  EXPECT_EQ(engine_.find_keyspace("notes").peek(std::string("\0\r\n\xff", 4))->entry.text(), every);
}

TEST_F(DoorPut, IsNotAllowedWhereWritesAreDenied) {
  for (const auto* method : {"PUT", "DELETE"}) {
    const auto got = request(method, "/v1/users/a", {}, "x");
    EXPECT_EQ(code_of(got), "method_not_allowed") << method;
    EXPECT_EQ(field(got, "Allow"), "GET, HEAD, PURGE, OPTIONS");
  }
}

TEST_F(DoorPut, TakesZeroBytesAndTheLargestValueAndNoMore) {
  EXPECT_EQ(put("/v1/notes/a", "").status, 204u);
  EXPECT_EQ(get("/v1/notes/a").body, "");
  const std::string largest(64 * 1024, 'v');
  EXPECT_EQ(put("/v1/notes/a", largest).status, 204u);
  EXPECT_EQ(get("/v1/notes/a").body, largest);
  EXPECT_EQ(code_of(put("/v1/notes/a", largest + "v")), "too_large");
}

TEST_F(DoorPut, RefusesADeclaredLengthBeforeTheBody) {
  auto client = connect();
  client.send("PUT /v1/notes/a HTTP/1.1\r\nHost: t\r\nContent-Length: 1099511627776\r\n\r\n");
  EXPECT_EQ(code_of(client.receive()), "too_large");
}

TEST_F(DoorPut, RefusesTooMuchInsteadOfAskingForIt) {
  auto client = connect();
  client.send(
      "PUT /v1/notes/a HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
      "Content-Length: 1000000\r\n\r\n"
  );
  EXPECT_EQ(client.receive().status, 413u);
}

TEST_F(DoorPut, IfNoneMatchStarWantsAnAbsentKey) {
  EXPECT_EQ(put("/v1/notes/a", "1", "If-None-Match: *\r\n").status, 204u);
  EXPECT_EQ(code_of(put("/v1/notes/a", "2", "If-None-Match: *\r\n")), "conflict");
  EXPECT_EQ(get("/v1/notes/a").body, "1");
}

TEST_F(DoorPut, IfMatchWantsTheVersionThatWasRead) {
  put("/v1/notes/a", "old");
  const auto version = version_of("a");
  EXPECT_EQ(put_if_match(version).status, 204u);
  const auto late = put_if_match(version);
  EXPECT_EQ(late.status, 412u);
  EXPECT_EQ(code_of(late), "conflict");
}

TEST_F(DoorPut, IfMatchTakesTheVersionOfAnAbsence) {
  const auto absence = field(get("/v1/notes/a"), "ETag");
  EXPECT_EQ(put_if_match(absence).status, 204u);
  EXPECT_EQ(code_of(put_if_match(absence)), "conflict");
}

TEST_F(DoorPut, ATagThatNoWeirGaveIsAConflict) {
  put("/v1/notes/a", "old");
  EXPECT_EQ(code_of(put_if_match("\"abc\"")), "conflict");
  EXPECT_EQ(code_of(put_if_match("\"\"")), "conflict");
  EXPECT_EQ(code_of(put_if_match("\"0-0\"")), "conflict");
  EXPECT_EQ(code_of(put_if_match("W/" + version_of("a"))), "conflict");
  EXPECT_EQ(get("/v1/notes/a").body, "old");
}

TEST_F(DoorPut, APreconditionThatIsNoneIsABadRequest) {
  put("/v1/notes/a", "old");
  const auto version = version_of("a");
  for (const auto& bad :
       {std::string("x"),
        std::string("*"),
        version.substr(1),
        version + ", " + version,
        version + "x",
        std::string("\"")}) {
    EXPECT_EQ(code_of(put_if_match(bad)), "bad_request") << bad;
  }
  const auto both = "If-Match: " + version + "\r\nIf-None-Match: *\r\n";
  EXPECT_EQ(code_of(put("/v1/notes/a", "new", both)), "bad_request");
  const auto twice = "If-Match: " + version + "\r\nIf-Match: " + version + "\r\n";
  EXPECT_EQ(code_of(put("/v1/notes/a", "new", twice)), "bad_request");
  EXPECT_EQ(code_of(put("/v1/notes/a", "new", "If-None-Match: \"1-1\"\r\n")), "bad_request");
  EXPECT_EQ(get("/v1/notes/a").body, "old");
}

TEST_F(DoorPut, TtlSetsHowLongTheValueStays) {
  for (const auto* ttl : {"1ms", "30s", "1h30m", "7d", "30d"}) {
    EXPECT_EQ(put(std::string("/v1/notes/a?ttl=") + ttl, "x").status, 204u) << ttl;
  }
  put("/v1/notes/b?ttl=7d", "x");
  const auto left = engine_.find_keyspace("notes").peek("b")->entry.ttl;
  EXPECT_GT(left, std::chrono::hours(24 * 6));
}

TEST_F(DoorPut, ATtlThatIsNoneIsABadRequest) {
  for (const auto* bad :
       {"",
        "-1",
        "-1s",
        "0",
        "0s",
        "30",
        "9223372036854775807",
        "9223372036854775807ms",
        "9223372036854775807d",
        "NaN",
        "1e9",
        "31d",
        "1.5s",
        "s",
        "30%73x",
        "+1s"}) {
    EXPECT_EQ(code_of(put(std::string("/v1/notes/a?ttl=") + bad, "x")), "bad_request") << bad;
  }
  EXPECT_EQ(get("/v1/notes/a").status, 404u);
}

TEST_F(DoorPut, UnknownParametersAreRefused) {
  EXPECT_EQ(code_of(put("/v1/notes/a?tll=30s", "x")), "bad_request");
  EXPECT_EQ(code_of(put("/v1/notes/", "x")), "bad_key");
  EXPECT_EQ(code_of(put("/v1/nobody/a", "x")), "no_keyspace");
}

class DoorDelete : public door_fixture {};

TEST_F(DoorDelete, MakesTheKeyAbsentInTheCache) {
  put("/v1/notes/a", "x");
  const auto done = request("DELETE", "/v1/notes/a");
  EXPECT_EQ(done.status, 204u);
  EXPECT_EQ(field(done, "Weir-Stored"), "cache");
  EXPECT_EQ(get("/v1/notes/a").status, 404u);
}

TEST_F(DoorDelete, AnAbsentKeyIsNoError) {
  EXPECT_EQ(request("DELETE", "/v1/notes/nobody").status, 204u);
}

TEST_F(DoorDelete, IfMatchWantsTheVersionThatWasRead) {
  const auto version = field(put("/v1/notes/a", "1"), "ETag");
  put("/v1/notes/a", "2");
  const auto late = request("DELETE", "/v1/notes/a", "If-Match: " + version + "\r\n");
  EXPECT_EQ(code_of(late), "conflict");
  EXPECT_EQ(get("/v1/notes/a").body, "2");
}

TEST_F(DoorDelete, IfNoneMatchMeansNothingHere) {
  EXPECT_EQ(code_of(request("DELETE", "/v1/notes/a", "If-None-Match: *\r\n")), "bad_request");
}

class DoorPurge : public door_fixture {};

TEST_F(DoorPurge, TheNextReadLoadsAgain) {
  source->has("42", "Ada");
  get("/v1/users/42");
  source->has("42", "Grace");
  const auto done = request("PURGE", "/v1/users/42");
  EXPECT_EQ(done.status, 200u);
  EXPECT_EQ(done.body, "{\"nodes\":[],\"bound_ms\":0}\n");
  EXPECT_EQ(get("/v1/users/42").body, "Grace");
}

TEST_F(DoorPurge, AnAbsentOrNegativeKeyIsFine) {
  EXPECT_EQ(request("PURGE", "/v1/users/nobody").status, 200u);
  get("/v1/users/nobody");
  EXPECT_EQ(request("PURGE", "/v1/users/nobody").status, 200u);
  get("/v1/users/nobody");
  EXPECT_EQ(source->loads("nobody"), 2);
}

TEST_F(DoorPurge, TakesNoPrecondition) {
  EXPECT_EQ(code_of(request("PURGE", "/v1/users/42", "If-Match: \"1-1\"\r\n")), "bad_request");
}

class DoorStore : public door_fixture {
 protected:
  void SetUp() override {
    engine_.add_keyspace(settings("docs", writes::allow), std::shared_ptr<data_source>(held));
  }

  std::shared_ptr<memory_store> held = std::make_shared<memory_store>();
};

TEST_F(DoorStore, PutAndDeleteReachTheSource) {
  const auto done = put("/v1/docs/a", "hello");
  EXPECT_EQ(done.status, 204u);
  EXPECT_EQ(field(done, "Weir-Stored"), "source");
  EXPECT_EQ(held->load("a")->value.text(), "hello");
  EXPECT_EQ(field(get("/v1/docs/a"), "ETag"), field(done, "ETag"));
  const auto gone = request("DELETE", "/v1/docs/a");
  EXPECT_EQ(gone.status, 204u);
  EXPECT_EQ(field(gone, "Weir-Stored"), "source");
  EXPECT_FALSE(held->load("a")->found);
}

TEST_F(DoorStore, AChangeBesideWeirIsAConflict) {
  const auto etag = field(put("/v1/docs/a", "1"), "ETag");
  ASSERT_TRUE(held->put("a", "theirs"));
  EXPECT_EQ(code_of(put("/v1/docs/a", "2", "If-Match: " + etag + "\r\n")), "conflict");
  const auto now = get("/v1/docs/a");
  EXPECT_EQ(now.body, "theirs");
  EXPECT_EQ(put("/v1/docs/a", "2", "If-Match: " + field(now, "ETag") + "\r\n").status, 204u);
  EXPECT_EQ(code_of(put("/v1/docs/a", "3", "If-None-Match: *\r\n")), "conflict");
  EXPECT_EQ(held->load("a")->value.text(), "2");
}

TEST_F(DoorStore, AWriteThatMayHaveHappenedIsAnUnknownOutcome) {
  store_functions lost;
  lost.load = [](std::string_view) { return loaded{.value = "old"}; };
  lost.put = [](std::string_view, const bytes&, const write_condition&) -> result<stored> {
    return errc::unknown_outcome;
  };
  lost.tags = entity_tags::none;
  const std::shared_ptr<data_source> source = make_store(std::move(lost));
  engine_.add_keyspace(settings("lost", writes::allow), source);
  const auto done = put("/v1/lost/a", "new");
  EXPECT_EQ(done.status, 500u);
  EXPECT_EQ(code_of(done), "unknown_outcome");
  EXPECT_EQ(get("/v1/lost/a").body, "old");
  const auto refused = put("/v1/lost/a", "new", "If-None-Match: *\r\n");
  EXPECT_EQ(code_of(refused), "method_not_allowed");
  EXPECT_EQ(code_of(request("DELETE", "/v1/lost/a")), "method_not_allowed");
}

TEST_F(DoorStore, OneConnectionSeesItsOwnChanges) {
  auto client = connect();
  for (const auto* value : {"1", "2", "3"}) {
    client.send(
        std::string("PUT /v1/docs/a HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\n") + value
    );
    EXPECT_EQ(client.receive().status, 204u);
    client.send("GET /v1/docs/a HTTP/1.1\r\nHost: t\r\n\r\n");
    EXPECT_EQ(client.receive().body, value);
  }
}

}  // namespace
}  // namespace weir::test
