#include "tests/doors/http/door_support.hpp"

namespace weir::test {
namespace {

class DoorGet : public door_fixture {};

TEST_F(DoorGet, LoadsAMissAndSaysSo) {
  source->has("42", "Ada");
  const auto got = get("/v1/users/42");
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.body, "Ada");
  EXPECT_EQ(field(got, "Cache-Status"), "n1; fwd=miss; stored");
  EXPECT_EQ(field(got, "Age"), "0");
  EXPECT_EQ(field(got, "Content-Type"), "application/octet-stream");
}

TEST_F(DoorGet, ServesAHitWithTheTimeItHasLeft) {
  source->has("42", "Ada");
  get("/v1/users/42");
  const auto got = get("/v1/users/42");
  EXPECT_EQ(got.body, "Ada");
  EXPECT_THAT(field(got, "Cache-Status"), testing::MatchesRegex("n1; hit; ttl=[0-9]+"));
  EXPECT_EQ(source->loads("42"), 1);
}

TEST_F(DoorGet, GivesTheVersionAsAnEntityTag) {
  source->has("42", "Ada");
  const auto first = get("/v1/users/42");
  EXPECT_THAT(field(first, "ETag"), testing::MatchesRegex("\"[0-9a-f]+-[0-9a-f]+\""));
  EXPECT_EQ(field(get("/v1/users/42"), "ETag"), field(first, "ETag"));
}

TEST_F(DoorGet, HeadHasTheFieldsOfAGetAndNoBody) {
  source->has("42", "Ada");
  const auto got = request("HEAD", "/v1/users/42");
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(field(got, "Content-Length"), "3");
  EXPECT_NE(field(got, "ETag"), "");
  EXPECT_EQ(source->loads("42"), 1);
}

TEST_F(DoorGet, AnAbsentKeyIsAProblemWithTheVersionOfItsAbsence) {
  const auto loaded = get("/v1/users/nobody");
  EXPECT_EQ(code_of(loaded), "not_found");
  EXPECT_NE(field(loaded, "ETag"), "");
  const auto held = get("/v1/users/nobody");
  EXPECT_EQ(code_of(held), "not_found");
  EXPECT_EQ(field(held, "ETag"), field(loaded, "ETag"));
  EXPECT_THAT(field(held, "Cache-Status"), testing::StartsWith("n1; hit"));
}

TEST_F(DoorGet, PassesTheContentTypeOfTheSourceOn) {
  source->has("42", "{}", {.content_type = "application/json", .etag = ""});
  EXPECT_EQ(field(get("/v1/users/42"), "Content-Type"), "application/json");
  EXPECT_EQ(field(get("/v1/users/42"), "Content-Type"), "application/json");
}

TEST_F(DoorGet, AContentTypeCannotStartAnotherField) {
  source->has("42", "x", {.content_type = "text/plain\r\nSet-Cookie: a=b", .etag = ""});
  EXPECT_FALSE(get("/v1/users/42").says("\r\nSet-Cookie"));
}

TEST_F(DoorGet, BytesComeBackAsTheyAre) {
  std::string every(256, '\0');
  for (std::size_t i = 0; i != every.size(); ++i) every[i] = static_cast<char>(i);
  source->has("bin", every);
  EXPECT_EQ(get("/v1/users/bin").body, every);
}

TEST_F(DoorGet, AnEmptyValueIsAValue) {
  source->has("empty", "");
  const auto got = get("/v1/users/empty");
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(field(got, "Content-Length"), "0");
}

TEST_F(DoorGet, AValueThatIsNotKeptSaysNoStored) {
  auto kept = settings("once");
  kept.ttl = milliseconds(0);
  engine_.add_keyspace(kept, source);
  source->has("42", "Ada");
  EXPECT_EQ(field(get("/v1/once/42"), "Cache-Status"), "n1; fwd=miss");
}

TEST_F(DoorGet, WhoJoinsALoadIsCollapsed) {
  source->has("42", "Ada");
  source->holds("42");
  auto first = connect();
  auto second = connect();
  first.send(test::get("/v1/users/42"));
  ASSERT_TRUE(eventually([&] { return source->loads("42") == 1; }));
  second.send(test::get("/v1/users/42"));
  ASSERT_TRUE(eventually([&] { return engine_.find_keyspace("users").stats().joined == 1; }));
  source->release();
  EXPECT_EQ(field(first.receive(), "Cache-Status"), "n1; fwd=miss; stored");
  EXPECT_EQ(field(second.receive(), "Cache-Status"), "n1; fwd=miss; collapsed; stored");
}

TEST_F(DoorGet, FreshLoadsAgain) {
  source->has("42", "Ada");
  get("/v1/users/42");
  source->has("42", "Grace");
  EXPECT_EQ(get("/v1/users/42").body, "Ada");
  EXPECT_EQ(get("/v1/users/42?fresh").body, "Grace");
  EXPECT_EQ(source->loads("42"), 2);
}

TEST_F(DoorGet, PipelinedGetsAreAnsweredInOrder) {
  source->has("a", "1");
  source->has("b", "2");
  get("/v1/users/b");
  auto client = connect();
  client.send(test::get("/v1/users/a") + test::get("/v1/users/b"));
  EXPECT_EQ(client.receive().body, "1");
  EXPECT_EQ(client.receive().body, "2");
}

// Keys.

struct key_form {
  const char* raw;
  std::string bytes;

  friend std::ostream& operator<<(std::ostream& out, const key_form& of) { return out << of.raw; }
};

class DoorKey : public door_fixture, public testing::WithParamInterface<key_form> {};

TEST_P(DoorKey, IsOpaqueBytes) {
  source->has(GetParam().bytes, "found");
  const auto target = std::string("/v1/users/") + GetParam().raw;
  EXPECT_EQ(get(target).body, "found");
  EXPECT_EQ(get(target).body, "found");
  EXPECT_EQ(source->loads(GetParam().bytes), 1);
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DoorKey,
    testing::Values(
        key_form{"%00", std::string(1, '\0')},
        key_form{"a%00b", std::string("a\0b", 3)},
        key_form{"%0D%0ASet-Cookie:%20x", "\r\nSet-Cookie: x"},
        key_form{"a/b", "a/b"},
        key_form{"a%2Fb", "a/b"},
        key_form{"a%2fb", "a/b"},
        key_form{"/", "/"},
        key_form{"..", ".."},
        key_form{"../../etc/passwd", "../../etc/passwd"},
        key_form{"%2e%2e", ".."},
        key_form{".", "."},
        key_form{"a//b", "a//b"},
        key_form{"%FF", "\xff"},
        key_form{"%C0%AF", "\xc0\xaf"},
        key_form{"%F0%9F%98%80", "\xf0\x9f\x98\x80"},
        key_form{"%E2%80%8F", "\xe2\x80\x8f"},
        key_form{"a+b", "a+b"},
        key_form{"%25", "%"},
        key_form{"%3F", "?"},
        key_form{"a=b", "a=b"},
        key_form{"a;b:c@d,e!f", "a;b:c@d,e!f"},
        key_form{"%20", " "}
    )
);

class DoorBadEscape : public door_fixture, public testing::WithParamInterface<std::string> {};

TEST_P(DoorBadEscape, IsABadRequest) {
  EXPECT_EQ(code_of(get("/v1/users/" + GetParam())), "bad_request");
}

INSTANTIATE_TEST_SUITE_P(
    All, DoorBadEscape, testing::Values("%", "%4", "a%", "%g1", "%1g", "%%41", "%+1")
);

TEST_F(DoorGet, AnEmptyKeyIsABadKey) {
  EXPECT_EQ(code_of(get("/v1/users/")), "bad_key");
}

TEST_F(DoorGet, AKeyMayHave512BytesAndNoMore) {
  const std::string longest(512, 'k');
  source->has(longest, "found");
  EXPECT_EQ(get("/v1/users/" + longest).body, "found");
  EXPECT_EQ(code_of(get("/v1/users/" + longest + "k")), "too_large");
}

TEST_F(DoorGet, AKeyspaceThatIsNotHereIsNamed) {
  EXPECT_EQ(code_of(get("/v1/nobody/42")), "no_keyspace");
  EXPECT_EQ(code_of(get("/v1/../42")), "no_keyspace");
  EXPECT_EQ(code_of(get("/v1/" + std::string(65, 'a') + "/42")), "no_keyspace");
  EXPECT_EQ(code_of(get("/v1//42")), "no_keyspace");
}

TEST_F(DoorGet, AnEscapedKeyspaceIsTheSame) {
  source->has("42", "Ada");
  EXPECT_EQ(get("/v1/%75sers/42").body, "Ada");
  EXPECT_EQ(code_of(get("/v1/user%7/42")), "bad_request");
}

TEST_F(DoorGet, ARemovedKeyspaceIsGoneForOpenConnectionsToo) {
  source->has("42", "Ada");
  auto client = connect();
  client.send(test::get("/v1/users/42"));
  EXPECT_EQ(client.receive().body, "Ada");
  ASSERT_TRUE(engine_.remove_keyspace("users").has_value());
  client.send(test::get("/v1/users/42"));
  EXPECT_EQ(code_of(client.receive()), "no_keyspace");
}

TEST_F(DoorGet, AnUnknownParameterIsRefusedAndNamesTheEscape) {
  const auto got = get("/v1/users/page?id=7");
  EXPECT_EQ(code_of(got), "bad_request");
  EXPECT_THAT(got.body, testing::HasSubstr("%3F"));
  EXPECT_EQ(code_of(get("/v1/users/42?explian")), "bad_request");
}

// If-None-Match.

class DoorCondition : public door_fixture {
 protected:
  DoorCondition() {
    source->has("42", "Ada");
    tag_ = field(get("/v1/users/42"), "ETag");
  }

  unsigned status_with(const std::string& value) {
    return get("/v1/users/42", "If-None-Match: " + value + "\r\n").status;
  }

  std::string tag_;
};

TEST_F(DoorCondition, TheSameTagIsNotModified) {
  const auto got = get("/v1/users/42", "If-None-Match: " + tag_ + "\r\n");
  EXPECT_EQ(got.status, 304u);
  EXPECT_EQ(field(got, "ETag"), tag_);
  EXPECT_EQ(got.body, "");
}

TEST_F(DoorCondition, ComparesWeakly) {
  EXPECT_EQ(status_with("W/" + tag_), 304u);
}

TEST_F(DoorCondition, FindsTheTagInAList) {
  EXPECT_EQ(status_with("\"a\", W/\"b\" ,\"with,comma\"," + tag_), 304u);
}

TEST_F(DoorCondition, AStarNamesAnyValue) {
  EXPECT_EQ(status_with("*"), 304u);
}

TEST_F(DoorCondition, AnotherTagIsModified) {
  EXPECT_EQ(status_with("\"1-1\""), 200u);
}

TEST_F(DoorCondition, NonsenseNamesNothing) {
  for (const auto* nonsense : {"x", "\"", "W/", "\"a\" x", ",,,", "w/\"1-1\""}) {
    EXPECT_EQ(status_with(nonsense), 200u) << nonsense;
  }
}

TEST_F(DoorCondition, ALoadIsJudgedLikeAHit) {
  engine_.find_keyspace("users").invalidate("42").value();
  EXPECT_EQ(status_with("*"), 304u);
  EXPECT_EQ(source->loads("42"), 2);
}

TEST_F(DoorCondition, AbsenceStaysNotFound) {
  EXPECT_EQ(get("/v1/users/nobody", "If-None-Match: *\r\n").status, 404u);
}

// Failures.

TEST_F(DoorGet, ASourceThatFailedIsABadGateway) {
  source->fails("42");
  const auto got = get("/v1/users/42");
  EXPECT_EQ(got.status, 502u);
  EXPECT_EQ(code_of(got), "source_failed");
}

TEST_F(DoorGet, TheWordsOfASourceStandApartFromOurs) {
  source->fails("42", "127.0.0.1:9000: Connection refused");
  const auto document = json_of(get("/v1/users/42"));
  EXPECT_EQ(
      document.at("detail").as_string(), "the source of keyspace \"users\" was asked and failed"
  );
  EXPECT_EQ(document.at("source").as_string(), "127.0.0.1:9000: Connection refused");
}

TEST_F(DoorGet, NoAnswerWithinTheTimeoutIsAGatewayTimeout) {
  source->holds("42");
  const auto got = get("/v1/users/42", "Weir-Timeout: 20ms\r\n");
  EXPECT_EQ(got.status, 504u);
  EXPECT_EQ(code_of(got), "deadline_exceeded");
}

TEST_F(DoorGet, ATimeoutThatIsNoneIsABadRequest) {
  for (const auto* bad : {"250", "-1s", "0ms", "1w", "x", "1e3ms", "0.5s"}) {
    const auto got = get("/v1/users/42", std::string("Weir-Timeout: ") + bad + "\r\n");
    EXPECT_EQ(code_of(got), "bad_request") << bad;
  }
}

TEST_F(DoorGet, AFullQueueAsksToRetryLater) {
  auto narrow = settings("narrow");
  narrow.loads = {.concurrent = 1, .queue = 0, .timeout = milliseconds(10'000)};
  engine_.add_keyspace(narrow, source);
  source->holds("busy");
  auto waiting = connect();
  waiting.send(test::get("/v1/narrow/busy"));
  ASSERT_TRUE(eventually([&] { return source->loads("busy") == 1; }));
  const auto got = get("/v1/narrow/other");
  EXPECT_EQ(got.status, 503u);
  EXPECT_EQ(code_of(got), "overloaded");
  EXPECT_THAT(got.body, testing::HasSubstr("is at a limit: loads.queue 0 is full; retry"));
  EXPECT_EQ(field(got, "Retry-After"), "1");
}

TEST_F(DoorGet, AValueOverTheLimitIsTooLarge) {
  source->has("42", std::string(64 * 1024 + 1, 'v'));
  const auto got = get("/v1/users/42");
  EXPECT_EQ(code_of(got), "too_large");
  EXPECT_THAT(got.body, testing::HasSubstr("the value has 65537 bytes, max_entry is 65536"));
}

TEST_F(DoorGet, AnEngineThatStopsMeanwhileIsUnavailable) {
  source->holds("42");
  auto client = connect();
  client.send(test::get("/v1/users/42"));
  ASSERT_TRUE(eventually([&] { return source->loads("42") == 1; }));
  engine_.stop();
  const auto got = client.receive();
  EXPECT_EQ(got.status, 503u);
  EXPECT_EQ(code_of(got), "unavailable");
}

// ?explain

TEST_F(DoorGet, ExplainTellsTheStepsOfALoad) {
  source->has("42", "Ada");
  const auto before = std::chrono::steady_clock::now();
  const auto got = get("/v1/users/42?explain");
  const auto whole = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(field(got, "Content-Type"), "application/json");
  const auto told = json_of(got);
  EXPECT_EQ(told.at("outcome").as_string(), "ok");
  EXPECT_EQ(told.at("key").as_string(), "42");
  std::vector<std::string> steps;
  for (const auto& step : told.at("steps").as_array()) {
    EXPECT_EQ(step.at("node").as_string(), "n1");
    EXPECT_GE(step.at("took_us").to_number<int>(), 0);
    EXPECT_LE(std::chrono::microseconds(step.at("took_us").to_number<int>()), whole);
    steps.emplace_back(step.at("step").as_string().c_str());
  }
  EXPECT_THAT(steps, testing::IsSupersetOf({"asked", "slot", "flight", "source", "kept"}));
}

TEST_F(DoorGet, ExplainTellsWhatTheSourceSaid) {
  source->fails("42", "disk \"A\" is gone");
  const auto got = get("/v1/users/42?explain");
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(json_of(got).at("outcome").as_string(), "source_failed");
  EXPECT_THAT(got.body, testing::HasSubstr("disk \\\"A\\\" is gone"));
}

TEST_F(DoorGet, ExplainOfAnAbsentKeyAnswersToo) {
  EXPECT_EQ(json_of(get("/v1/users/nobody?explain")).at("outcome").as_string(), "not_found");
}

TEST_F(DoorGet, ExplainShowsAKeyThatIsNoTextInBase64) {
  EXPECT_EQ(json_of(get("/v1/users/%FF?explain")).at("key_base64").as_string(), "/w==");
}

}  // namespace
}  // namespace weir::test
