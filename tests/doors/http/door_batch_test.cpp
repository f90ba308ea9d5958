#include "tests/doors/http/door_support.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace weir::test {
namespace {

class DoorBatch : public door_fixture {
 protected:
  static std::string body_of(const std::vector<std::string>& keys, const char* name = "keys") {
    boost::json::array list;
    for (const auto& key : keys) list.emplace_back(boost::json::string_view(key));
    return std::string("{\"") + name + "\":" + boost::json::serialize(list) + "}";
  }

  answer get_many(const std::vector<std::string>& keys, const char* name = "keys") {
    return post("/v1/users?get", body_of(keys, name));
  }
};

TEST_F(DoorBatch, AnswersALinePerKeyInOrder) {
  source->has("a", "1");
  source->has("b", "2");
  const auto got = get_many({"b", "nobody", "a"});
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(field(got, "Content-Type"), "application/x-ndjson");
  const auto lines = lines_of(got);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].at("key").as_string(), "b");
  EXPECT_EQ(lines[0].at("value").as_string(), "2");
  EXPECT_EQ(lines[0].at("outcome").as_string(), "ok");
  EXPECT_EQ(lines[1].at("outcome").as_string(), "not_found");
  EXPECT_FALSE(lines[1].as_object().contains("value"));
  EXPECT_EQ(lines[2].at("value").as_string(), "1");
}

TEST_F(DoorBatch, KeysListsWhatThisNodeKeeps) {
  source->has("a", "1");
  source->has("\xff", "2");
  EXPECT_TRUE(lines_of(get("/v1/users?keys")).empty());
  get_many({"a", "nobody"});
  get("/v1/users/%FF");
  const auto lines = lines_of(get("/v1/users?keys"));
  ASSERT_EQ(lines.size(), 2u);  // an absent key is no value that is kept
  for (const auto& each : lines) {
    const auto& row = each.as_object();
    EXPECT_TRUE(row.contains("key") ? row.at("key") == "a" : row.at("key_base64") == "/w==");
    EXPECT_GT(row.at("ttl_ms").to_number<int>(), 0);
    EXPECT_FALSE(row.at("near").as_bool());
  }
  EXPECT_EQ(lines_of(get("/v1/users?keys&limit=1")).size(), 1u);
  for (const auto* wrong : {"keys&limit=0", "keys&limit=1001", "keys&limit=x", "keys&prefix=a"}) {
    EXPECT_EQ(get(std::string("/v1/users?") + wrong).status, 400u) << wrong;
  }
  EXPECT_EQ(get("/v1/nothing?keys").status, 404u);
  EXPECT_EQ(post("/v1/users?purge", R"({"all": true})").status, 200u);
  EXPECT_TRUE(lines_of(get("/v1/users?keys")).empty());
}

TEST_F(DoorBatch, LinesTellVersionAndTimeLeft) {
  source->has("a", "1");
  const auto tag = field(get("/v1/users/a"), "ETag");
  const auto line = lines_of(get_many({"a"})).front();
  EXPECT_EQ("\"" + std::string(line.at("version").as_string().c_str()) + "\"", tag);
  EXPECT_GT(line.at("ttl_ms").to_number<int>(), 0);
  EXPECT_LE(line.at("ttl_ms").to_number<int>(), 60'010);  // the clock of hits is that coarse
}

TEST_F(DoorBatch, AFailureOfOneKeyIsItsOwn) {
  source->has("a", "1");
  source->fails("b", "row 7 is broken");
  const auto lines = lines_of(get_many({"a", "b", "", std::string(513, 'k')}));
  EXPECT_EQ(lines[0].at("outcome").as_string(), "ok");
  EXPECT_EQ(lines[1].at("outcome").as_string(), "source_failed");
  EXPECT_EQ(lines[1].at("source").as_string(), "row 7 is broken");
  EXPECT_EQ(lines[2].at("outcome").as_string(), "bad_key");
  EXPECT_EQ(lines[3].at("outcome").as_string(), "too_large");
}

TEST_F(DoorBatch, AValueThatIsNoTextComesInBase64) {
  source->has("a", std::string_view("\xff\0\x01", 3));
  source->has("b", "\xed\xa0\x80");
  source->has("c", "gr\xc3\xbc\xc3\x9f\x65 \"\\\n");
  const auto lines = lines_of(get_many({"a", "b", "c"}));
  EXPECT_EQ(lines[0].at("value_base64").as_string(), "/wAB");
  EXPECT_EQ(lines[1].at("value_base64").as_string(), "7aCA");
  EXPECT_EQ(lines[2].at("value").as_string(), "gr\xc3\xbc\xc3\x9f\x65 \"\\\n");
}

TEST_F(DoorBatch, KeysThatAreNoTextGoBothWaysInBase64) {
  source->has("\xff\xfe", "found");
  const auto line = lines_of(get_many({"//4="}, "keys_base64")).front();
  EXPECT_EQ(line.at("key_base64").as_string(), "//4=");
  EXPECT_EQ(line.at("value").as_string(), "found");
  EXPECT_FALSE(line.as_object().contains("key"));
}

TEST_F(DoorBatch, AKeyWithNulIsAKey) {
  source->has(std::string("a\0b", 3), "found");
  const auto lines = lines_of(post("/v1/users?get", R"({"keys":["a\u0000b"]})"));
  EXPECT_EQ(lines.front().at("value").as_string(), "found");
}

TEST_F(DoorBatch, NoKeysIsAnEmptyAnswer) {
  const auto got = get_many({});
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.body, "");
}

TEST_F(DoorBatch, ThousandKeysAreAnsweredAndOneMoreIsTooLarge) {
  std::vector<std::string> keys;
  for (int i = 0; i != 1000; ++i) keys.push_back(std::to_string(i));
  EXPECT_EQ(lines_of(get_many(keys)).size(), 1000u);
  keys.emplace_back("one more");
  const auto got = get_many(keys);
  EXPECT_EQ(got.status, 413u);
  EXPECT_EQ(code_of(got), "too_large");
}

TEST_F(DoorBatch, TheSameKeyIsAnsweredEachTimeAndLoadedOnce) {
  source->has("a", "1");
  const auto lines = lines_of(get_many(std::vector<std::string>(1000, "a")));
  ASSERT_EQ(lines.size(), 1000u);
  for (const auto& line : lines) EXPECT_EQ(line.at("value").as_string(), "1");
  EXPECT_EQ(source->loads("a"), 1);
}

TEST_F(DoorBatch, TakesAThousandOfTheLongestKeysInEscapes) {
  std::string keys;
  for (int i = 0; i != 1000; ++i) {
    keys += keys.empty() ? "\"" : ",\"";
    for (int n = 0; n != 512; ++n) keys += "\\u0001";
    keys += "\"";
  }
  EXPECT_EQ(post("/v1/users?get", "{\"keys\":[" + keys + "]}").status, 200u);
}

TEST_F(DoorBatch, WhatDoesNotFitIntoTheReplyIsTooLarge) {
  auto large = settings("large");
  large.max_entry = 1 << 20;
  engine_.add_keyspace(large, source);
  std::vector<std::string> keys;
  for (int i = 0; i != 18; ++i) {
    keys.push_back(std::to_string(i));
    source->has(keys.back(), std::string(1'000'000, 'v'));
  }
  const auto got = post("/v1/large?get", body_of(keys));
  EXPECT_LE(got.body.size(), 16u * 1024 * 1024);
  const auto lines = lines_of(got);
  ASSERT_EQ(lines.size(), 18u);
  EXPECT_EQ(lines[0].at("outcome").as_string(), "ok");
  EXPECT_EQ(lines[17].at("outcome").as_string(), "too_large");
  EXPECT_FALSE(lines[17].as_object().contains("value"));
}

class DoorBadBatch : public door_fixture, public testing::WithParamInterface<std::string> {};

TEST_P(DoorBadBatch, IsABadRequest) {
  EXPECT_EQ(code_of(post("/v1/users?get", GetParam())), "bad_request");
  EXPECT_EQ(code_of(post("/v1/users?purge", GetParam())), "bad_request");
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DoorBadBatch,
    testing::Values(
        "",
        "x",
        "[]",
        "{}",
        "\"keys\"",
        "{\"keys\":\"a\"}",
        "{\"keys\":[1]}",
        "{\"keys\":[null]}",
        "{\"keys\":[[\"a\"]]}",
        "{\"keys\":[\"a\"]",
        "{\"keys\":[\"a\"]}x",
        "{\"keis\":[\"a\"]}",
        "{\"keys\":[\"a\"],\"keys_base64\":[]}",
        "{\"keys_base64\":[\"a\"]}",
        "{\"keys_base64\":[\"a===\"]}",
        "{\"keys_base64\":[\"YR==\"]}",
        "{\"keys_base64\":[\"Y Q=\"]}",
        "{\"keys\":[\"\xff\"]}",
        "{\"keys\":[\"\\ud800\"]}",
        "{\"all\":false}",
        "{\"all\":1}",
        "[[[[[[[[[[\"a\"]]]]]]]]]]"
    )
);

TEST_F(DoorBatch, GetsKnowNoAll) {
  EXPECT_EQ(code_of(post("/v1/users?get", R"({"all":true})")), "bad_request");
}

TEST_F(DoorBatch, NeedsToBeToldWhatToDo) {
  EXPECT_EQ(code_of(post("/v1/users", R"({"keys":["a"]})")), "bad_request");
  EXPECT_EQ(code_of(post("/v1/users?got", R"({"keys":["a"]})")), "bad_request");
  EXPECT_EQ(code_of(post("/v1/users?get&purge", R"({"keys":["a"]})")), "bad_request");
  EXPECT_EQ(code_of(post("/v1/nobody?get", R"({"keys":["a"]})")), "no_keyspace");
}

TEST_F(DoorBatch, TheTimeoutHoldsForAllKeys) {
  source->has("a", "1");
  source->holds("b");
  const auto body = body_of({"a", "b"});
  const auto lines = lines_of(request("POST", "/v1/users?get", "Weir-Timeout: 50ms\r\n", body));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].at("outcome").as_string(), "ok");
  EXPECT_EQ(lines[1].at("outcome").as_string(), "deadline_exceeded");
}

TEST_F(DoorBatch, PurgesTheKeysItNames) {
  for (const auto* key : {"a", "b", "c"}) {
    source->has(key, key);
    get("/v1/users/" + std::string(key));
  }
  const auto done = post("/v1/users?purge", body_of({"a", "b", "a", "nobody"}));
  EXPECT_EQ(done.status, 200u);
  EXPECT_EQ(done.body, "{\"nodes\":[],\"bound_ms\":0}\n");
  auto users = engine_.find_keyspace("users");
  EXPECT_FALSE(users.peek("a"));
  EXPECT_FALSE(users.peek("b"));
  EXPECT_TRUE(users.peek("c"));
}

TEST_F(DoorBatch, PurgesAThousandKeys) {
  std::vector<std::string> keys;
  for (int i = 0; i != 1000; ++i) keys.push_back(std::to_string(i));
  get_many(keys);
  EXPECT_EQ(post("/v1/users?purge", body_of(keys)).status, 200u);
  auto users = engine_.find_keyspace("users");
  for (const auto& key : keys) EXPECT_FALSE(users.peek(key)) << key;
}

TEST_F(DoorBatch, PurgesEverything) {
  source->has("a", "1");
  get("/v1/users/a");
  EXPECT_EQ(post("/v1/users?purge", R"({"all":true})").status, 200u);
  EXPECT_FALSE(engine_.find_keyspace("users").peek("a"));
}

TEST_F(DoorBatch, PurgesNothingWhenOneKeyIsBad) {
  source->has("a", "1");
  get("/v1/users/a");
  EXPECT_EQ(code_of(post("/v1/users?purge", body_of({"a", ""}))), "bad_key");
  EXPECT_EQ(code_of(post("/v1/users?purge", body_of({"a", std::string(513, 'k')}))), "too_large");
  EXPECT_TRUE(engine_.find_keyspace("users").peek("a"));
}

}  // namespace
}  // namespace weir::test
