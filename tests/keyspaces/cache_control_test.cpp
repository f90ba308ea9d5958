#include "keyspaces/cache_control.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

using fields = std::vector<std::pair<std::string, std::string>>;

std::optional<milliseconds> ttl(std::string control) {
  return ttl_of({{"Cache-Control", std::move(control)}});
}

TEST(cache_control_test, says_nothing_when_the_origin_says_nothing) {
  EXPECT_EQ(ttl_of({}), std::nullopt);
  EXPECT_EQ(ttl_of({{"Age", "10"}}), std::nullopt);
  EXPECT_EQ(ttl("public"), std::nullopt);
  EXPECT_EQ(ttl(""), std::nullopt);
  EXPECT_EQ(ttl(" , ,, "), std::nullopt);
}

TEST(cache_control_test, takes_max_age_whatever_its_spelling) {
  EXPECT_EQ(ttl("max-age=60"), 60s);
  EXPECT_EQ(ttl("public, MAX-AGE = \"60\" ,must-revalidate"), 60s);
  EXPECT_EQ(ttl("max-age=0"), 0s);
  EXPECT_EQ(ttl_of({{"CACHE-CONTROL", "max-age=5"}}), 5s);
}

TEST(cache_control_test, prefers_the_life_time_for_shared_caches) {
  EXPECT_EQ(ttl("max-age=60, s-maxage=600"), 600s);
  EXPECT_EQ(ttl("s-maxage=6, max-age=60"), 6s);
}

TEST(cache_control_test, keeps_nothing_when_told_so) {
  EXPECT_EQ(ttl("no-store"), 0s);
  EXPECT_EQ(ttl("max-age=60, No-Store"), 0s);
  EXPECT_EQ(ttl("no-cache"), 0s);
  EXPECT_EQ(ttl("no-cache=\"Set-Cookie\", max-age=60"), 60s);
}

TEST(cache_control_test, takes_the_age_off_but_never_below_nothing) {
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=60"}, {"Age", "45"}}), 15s);
  EXPECT_EQ(ttl_of({{"Age", "61"}, {"Cache-Control", "max-age=60"}}), 0s);
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=60"}, {"Age", "soon"}}), 60s);
}

TEST(cache_control_test, does_not_trust_what_it_cannot_read) {
  for (const char* value :
       {"max-age=", "max-age", "max-age=soon", "max-age=-5", "max-age=1.5", "max-age=60s"}) {
    EXPECT_EQ(ttl(value), 0s) << value;
  }
}

TEST(cache_control_test, bounds_what_is_too_large_and_takes_the_shortest_of_many) {
  EXPECT_EQ(ttl("max-age=99999999999999999999999"), std::chrono::seconds(1LL << 31));
  EXPECT_EQ(ttl("max-age=9999999999"), std::chrono::seconds(1LL << 31));
  EXPECT_EQ(ttl_of({{"Cache-Control", "max-age=9"}, {"Cache-Control", "max-age=3"}}), 3s);
}

}  // namespace
}  // namespace weir
