#include "doors/http/door_fields.hpp"

#include "doors/http/door_route.hpp"

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
