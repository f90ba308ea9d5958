#include "engine/membership/settings_drift.hpp"

#include <gmock/gmock.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr time_point begin_of_drift{1'000s};

keyspace_settings pages() {
  return {.name = "pages", .ttl = 5min, .negative_ttl = 5s, .source = "http"};
}

keyspace_settings named(const std::string& name) {
  auto made = pages();
  made.name = name;
  return made;
}

/// "pages.ttl 5m 10s"
std::vector<std::string> texts(const std::vector<setting_difference>& all) {
  std::vector<std::string> out;
  for (const auto& each : all)
    out.push_back(each.keyspace + '.' + each.field + ' ' + each.here + ' ' + each.there);
  return out;
}

TEST(SettingsDriftTest, EveryFieldIsComparedAndNamedWithBothValues) {
  auto other = pages();
  other.consistency = consistency::available;
  other.writes = writes::allow;
  other.has_near = true;
  other.ttl = 10s;
  other.negative_ttl = 0s;
  other.source = "file";
  EXPECT_THAT(
      texts(differences_of({pages()}, {other})),
      ElementsAre(
          "pages.consistency strict available",
          "pages.near off on",
          "pages.negative_ttl 5s 0",
          "pages.source http file",
          "pages.ttl 5m 10s",
          "pages.writes deny allow"
      )
  );
  EXPECT_NE(digest_of({pages()}), digest_of({other}));
}

TEST(SettingsDriftTest, AKeyspaceThatOnlyOneSideHasIsADifference) {
  EXPECT_THAT(
      texts(differences_of({named("a"), named("c")}, {named("b"), named("c")})),
      ElementsAre("a.keyspace present absent", "b.keyspace absent present")
  );
}

TEST(SettingsDriftTest, OfAFullListOnlyTheNamesUpToItsLastAreCompared) {
  keyspace_settings_list full;
  for (std::size_t i = 0; i != max_compared_keyspaces; ++i)
    full.push_back(named("k" + std::to_string(1000 + i)));
  auto more = full;
  more.push_back(named("z"));
  EXPECT_THAT(differences_of(full, more), IsEmpty());
}

/// Two nodes that talk to each other.
class SettingsDriftTalkTest : public testing::Test {
 protected:
  void beat() {
    ping_reply pong;
    there.tell(here.known_of("n2"), pong);
    lists += pong.settings != nullptr;
    here.take("n2", pong, now);
  }

  std::vector<std::string> news() {
    std::vector<std::string> out;
    for (const auto& each : here.news({"n2"}, now)) {
      auto text = each.name + ' ' + each.peer;
      for (const auto& [field, value] : each.fields) text += ' ' + field + '=' + value;
      out.push_back(text);
    }
    return out;
  }

  settings_drift here, there;
  time_point now = begin_of_drift;
  int lists = 0;
};

TEST_F(SettingsDriftTalkTest, EqualSettingsCostNothingButADigest) {
  here.set_own({pages()});
  there.set_own({pages()});
  EXPECT_EQ(here.state_of("n2"), config_state::unknown);
  beat();
  beat();
  EXPECT_EQ(here.state_of("n2"), config_state::same);
  EXPECT_EQ(lists, 0);
}

TEST_F(SettingsDriftTalkTest, ADifferenceIsToldOnceWhenItHasLasted) {
  auto other = pages();
  other.writes = writes::allow;
  here.set_own({pages()});
  there.set_own({other});
  beat();
  EXPECT_EQ(here.state_of("n2"), config_state::differs);
  EXPECT_THAT(news(), IsEmpty()) << "a reload may be on its way to the others";
  now += 3s;
  EXPECT_THAT(
      news(), ElementsAre("config.differs n2 keyspace=pages field=writes here=deny there=allow")
  );
  now += 1h;
  beat();
  EXPECT_THAT(news(), IsEmpty());
  EXPECT_EQ(lists, 1) << "the list travels once";
}

TEST_F(SettingsDriftTalkTest, ItsEndIsToldWhicheverSideChanged) {
  auto other = pages();
  other.ttl = 10s;
  here.set_own({pages()});
  there.set_own({other});
  beat();
  now += 3s;
  EXPECT_EQ(news().size(), 1u);
  here.set_own({other});
  EXPECT_THAT(news(), ElementsAre("config.agrees n2"));
  EXPECT_EQ(here.state_of("n2"), config_state::same);
}

TEST_F(SettingsDriftTalkTest, ManyDifferencesAreAFewLines) {
  keyspace_settings_list many;
  for (int i = 0; i != 100; ++i) many.push_back(named("k" + std::to_string(100 + i)));
  here.set_own({});
  there.set_own(many);
  beat();
  now += 3s;
  EXPECT_EQ(news().size(), 17u);
  EXPECT_EQ(here.differences_to("n2").size(), 100u);
}

TEST_F(SettingsDriftTalkTest, WhoIsNoPeerAnyMoreIsForgotten) {
  beat();
  here.news({}, now);
  EXPECT_EQ(here.state_of("n2"), config_state::unknown);
}

}  // namespace
}  // namespace weir
