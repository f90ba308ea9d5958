#include "doors/http/door_conditions.hpp"
#include "doors/http/door_fields.hpp"
#include "doors/http/door_route.hpp"

#include <weir/transport/json_writer.hpp>
#include <weir/transport/text.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

using std::chrono::milliseconds;

std::string cache_status(entry answer) {
  std::string out;
  door_fields("n1").append_cache_status(out, answer);
  return out;
}

std::string item(std::string_view id) {
  std::string out;
  append_item(out, id);
  return out;
}

TEST(DoorFields, ANearHitIsTheHitOfThisNode) {
  EXPECT_EQ(
      cache_status({.ttl = milliseconds(1'500), .from = {.from = served_from::near}}),
      "n1; hit; ttl=1; detail=near"
  );
}

TEST(DoorFields, AStaleAnswerShowsItsNegativeTtl) {
  EXPECT_EQ(
      cache_status({.ttl = milliseconds(-1'500), .from = {.detail = served_detail::stale}}),
      "n1; hit; ttl=-2; detail=stale"
  );
}

TEST(DoorFields, WhoJoinedAFetchOfAHitIsCollapsedHere) {
  EXPECT_EQ(
      cache_status({.ttl = milliseconds(9'000), .from = {.collapsed = true, .node = "n2"}}),
      "n2; hit; ttl=9, n1; fwd=miss; collapsed"
  );
}

TEST(DoorFields, AnAnswerThatNamesThisNodeIsLocal) {
  EXPECT_EQ(cache_status({.from = {.node = "n1"}}), "n1; hit; ttl=0");
}

TEST(DoorFields, AnUnleasedLoadSaysSo) {
  EXPECT_EQ(
      cache_status({.from = {.from = served_from::load, .detail = served_detail::unleased}}),
      "n1; fwd=miss; detail=unleased"
  );
}

TEST(DoorFields, NodeIdsAreTokensWhereTheyCanBe) {
  EXPECT_EQ(item("pod-3.weir"), "pod-3.weir");
  EXPECT_EQ(item("3"), "\"3\"");
  EXPECT_EQ(item(""), "\"\"");
  EXPECT_EQ(item("a b"), "\"a b\"");
  EXPECT_EQ(item("a\"b\\"), "\"a\\\"b\\\\\"");
  EXPECT_EQ(item("a\r\n\xff"), "\"a???\"");
}

TEST(DoorText, DurationsNeedUnits) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(604'800'000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
  for (const auto* bad :
       {"",
        "5",
        "s",
        "-1s",
        "+1s",
        "1.5s",
        "1e9",
        "NaN",
        "5 s",
        "5S",
        "s5",
        "1m1h",
        "1m1m",
        "99999999999999999999s",
        "9223372036854775807s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(DoorText, Base64GoesBothWays) {
  for (const std::string data : {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xff\xfe\xfd"}) {
    std::string text;
    append_base64(text, data);
    EXPECT_EQ(decode_base64(text), data);
  }
  std::string text;
  append_base64(text, "foobar");
  EXPECT_EQ(text, "Zm9vYmFy");
}

TEST(DoorText, Base64IsStrict) {
  for (const auto* bad :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "Zg==Zg==", "Zm 9", "Zm-_"}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

TEST(DoorText, Utf8IsStrict) {
  EXPECT_TRUE(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const auto* bad :
       {"\x80",
        "\xc3",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "a\xff",
        "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(DoorJson, SetsCommasBetweenMembersAndElements) {
  json_writer json;
  json.begin_object().member("a", 1).member("b", "x").name("c").begin_array();
  json.value(true).value(-2).begin_object().end_object().end_array();
  json.member("d", 0.5).end_object();
  EXPECT_EQ(json.text(), R"({"a":1,"b":"x","c":[true,-2,{}],"d":0.5})");
}

TEST(DoorRoute, AKeyIsAllBehindTheKeyspace) {
  const auto route = find_route("/v1/users/a/b//c");
  EXPECT_EQ(route.page, door_page::key);
  EXPECT_EQ(route.keyspace, "users");
  EXPECT_EQ(route.key, "a/b//c");
  EXPECT_EQ(find_route("/v1/users").page, door_page::keyspace);
  EXPECT_EQ(find_route("/v1").page, door_page::unknown);
}

TEST(DoorRoute, ParametersAreKnownByTheirWholeName) {
  EXPECT_EQ(unknown_parameter("explain&fresh=1", "explain fresh"), "");
  EXPECT_EQ(unknown_parameter("exp", "explain fresh"), "exp");
  EXPECT_EQ(unknown_parameter("&&a=b", "explain"), "a");
  EXPECT_EQ(unknown_parameter("=b", "explain"), "=b");
}

}  // namespace
}  // namespace weir
