#include "keyspaces/http/cache_control.hpp"

#include "keyspaces/http/http_date.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr sys_seconds now = sys_days(std::chrono::year(2024) / 2 / 29) + 12h;
constexpr const char* at_now = "Thu, 29 Feb 2024 12:00:00 GMT";
constexpr const char* minute_ago = "Thu, 29 Feb 2024 11:59:00 GMT";
constexpr const char* in_a_minute = "Thu, 29 Feb 2024 12:01:00 GMT";

std::optional<milliseconds> ttl_of(const http_fields& fields) {
  return freshness_of(fields, now).ttl();
}

std::optional<milliseconds> ttl(std::string control) {
  return ttl_of({{"Cache-Control", std::move(control)}});
}

TEST(CacheControlTest, says_nothing_when_the_origin_says_nothing) {
  EXPECT_EQ(ttl_of({}), std::nullopt);
  EXPECT_EQ(ttl_of({{"Age", "10"}}), std::nullopt);
  EXPECT_EQ(ttl_of({{"Date", minute_ago}, {"Last-Modified", minute_ago}}), std::nullopt);
  EXPECT_EQ(ttl("public"), std::nullopt);
  EXPECT_EQ(ttl("must-revalidate, proxy-revalidate, no-transform, immutable"), std::nullopt);
  EXPECT_EQ(ttl(""), std::nullopt);
  EXPECT_EQ(ttl(" , ,, "), std::nullopt);
}

TEST(CacheControlTest, takes_max_age_whatever_its_spelling) {
  EXPECT_EQ(ttl("max-age=60"), 60s);
  EXPECT_EQ(ttl("public, MAX-AGE = \"60\" ,must-revalidate"), 60s);
  EXPECT_EQ(ttl("max-age=0"), 0s);
  EXPECT_EQ(ttl_of({{"CACHE-CONTROL", "max-age=5"}}), 5s);
}

TEST(CacheControlTest, prefers_the_life_time_for_shared_caches) {
  EXPECT_EQ(ttl("max-age=60, s-maxage=600"), 600s);
  EXPECT_EQ(ttl("s-maxage=6, max-age=60"), 6s);
}

TEST(CacheControlTest, keeps_nothing_when_told_so) {
  EXPECT_EQ(ttl("no-store"), 0s);
  EXPECT_EQ(ttl("max-age=60, No-Store"), 0s);
  EXPECT_EQ(ttl("no-cache"), 0s);
  EXPECT_EQ(ttl("must-understand, no-store, max-age=60"), 0s);
}

TEST(CacheControlTest, a_shared_cache_does_not_keep_what_is_private) {
  EXPECT_EQ(ttl("private"), 0s);
  EXPECT_EQ(ttl("private, max-age=60"), 0s);
  EXPECT_EQ(ttl("s-maxage=60, PRIVATE"), 0s);
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=9"}, {"Cache-Control", "private"}}), 0s);
}

TEST(CacheControlTest, a_list_of_fields_concerns_those_that_are_kept_only) {
  EXPECT_EQ(ttl("no-cache=\"Set-Cookie\", max-age=60"), 60s);
  EXPECT_EQ(ttl("private=\"x-user, max-age=5\", max-age=60"), 60s);
  EXPECT_EQ(ttl("private=\"x-user, no-store\""), std::nullopt);
  EXPECT_EQ(ttl("private=\"x, Content-Type\", max-age=60"), 0s);
  EXPECT_EQ(ttl("no-cache=\"ETag\", max-age=60"), 0s);
}

TEST(CacheControlTest, a_list_that_cannot_be_read_forbids_all) {
  EXPECT_EQ(ttl("private=x-user, max-age=60"), 0s);
  EXPECT_EQ(ttl("private=\"x-user, max-age=60"), 0s);
  EXPECT_EQ(ttl("no-cache=, max-age=60"), 0s);
  EXPECT_EQ(ttl("private=\"a\\\", max-age=60"), 0s);
}

TEST(CacheControlTest, takes_the_age_off_but_never_below_nothing) {
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=60"}, {"Age", "45"}}), 15s);
  EXPECT_EQ(ttl_of({{"Age", "61"}, {"Cache-Control", "max-age=60"}}), 0s);
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=60"}, {"Age", "soon"}}), 60s);
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=60"}, {"Age", "-1"}}), 60s);
}

TEST(CacheControlTest, does_not_trust_what_it_cannot_read) {
  for (const char* value :
       {"max-age=", "max-age", "max-age=soon", "max-age=-5", "max-age=1.5", "max-age=60s"}) {
    EXPECT_EQ(ttl(value), 0s) << value;
  }
}

TEST(CacheControlTest, bounds_what_is_too_large_and_takes_the_shortest_of_many) {
  EXPECT_EQ(ttl("max-age=99999999999999999999999"), std::chrono::seconds(1LL << 31));
  EXPECT_EQ(ttl("max-age=9999999999"), std::chrono::seconds(1LL << 31));
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=9"}, {"Cache-Control", "max-age=3"}}), 3s);
}

TEST(CacheControlTest, a_date_of_expiry_counts_from_the_date_of_the_answer) {
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}, {"Date", at_now}}), 60s);
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}, {"Date", minute_ago}}), 120s);
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}}), 60s);
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}, {"Date", "yesterday"}}), 60s);
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}, {"Date", at_now}, {"Age", "20"}}), 40s);
}

TEST(CacheControlTest, a_date_of_expiry_that_is_past_or_no_date_keeps_nothing) {
  EXPECT_EQ(ttl_of({{"Expires", minute_ago}, {"Date", at_now}}), 0s);
  EXPECT_EQ(ttl_of({{"Expires", at_now}, {"Date", at_now}}), 0s);
  EXPECT_EQ(ttl_of({{"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"}}), 0s);
  EXPECT_EQ(ttl_of({{"Expires", "0"}}), 0s);
  EXPECT_EQ(ttl_of({{"Expires", "-1"}}), 0s);
  EXPECT_EQ(ttl_of({{"Expires", ""}}), 0s);
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}, {"Expires", "0"}}), 0s);
}

TEST(CacheControlTest, a_lifetime_goes_before_a_date_of_expiry) {
  EXPECT_EQ(ttl_of({{"Expires", "0"}, {"Cache-Control", "max-age=60"}}), 60s);
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}, {"Cache-Control", "s-maxage=5"}}), 5s);
  EXPECT_EQ(ttl_of({{"Expires", in_a_minute}, {"Cache-Control", "private"}}), 0s);
}

TEST(CacheControlTest, the_date_tells_the_age_of_what_came_through_caches_without_one) {
  const http_fields direct{{"Cache-Control", "max-age=90"}, {"Date", minute_ago}};
  EXPECT_EQ(ttl_of(direct), 90s);  // the origin's clock may be wrong
  auto relayed = direct;
  relayed.emplace_back("Via", "1.0 old");
  EXPECT_EQ(ttl_of(relayed), 30s);
  relayed.emplace_back("Age", "10");
  EXPECT_EQ(ttl_of(relayed), 80s);
}

TEST(CacheControlTest, what_varies_by_everything_is_not_kept) {
  EXPECT_EQ(ttl_of({{"Vary", "*"}, {"Cache-Control", "max-age=60"}}), 0s);
  EXPECT_EQ(ttl_of({{"Vary", "accept, *"}}), 0s);
  EXPECT_EQ(ttl_of({{"Vary", "accept-encoding, cookie"}, {"Cache-Control", "max-age=60"}}), 60s);
}

TEST(HttpDateTest, reads_the_three_forms) {
  const sys_seconds expected = sys_days(std::chrono::year(1994) / 11 / 6) + 8h + 49min + 37s;
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), expected);
  EXPECT_EQ(
      parse_http_date("Sat Nov 26 08:49:37 1994"),
      sys_seconds(sys_days(std::chrono::year(1994) / 11 / 26) + 8h + 49min + 37s)
  );
  EXPECT_EQ(parse_http_date(at_now), now);
}

TEST(HttpDateTest, refuses_everything_else) {
  for (const char* text :
       {"",
        "0",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z"}) {
    EXPECT_EQ(parse_http_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weir
