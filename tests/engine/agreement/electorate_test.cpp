#include "engine/agreement/electorate.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace weir {
namespace {

constexpr time_point start{};
constexpr std::uint64_t life = 1;

/// n0's view of a cluster whose members are all there and know what it knows.
class ElectorateTest : public ::testing::Test {
 protected:
  void meet(const std::set<std::string, std::less<>>& others) {
    who_.set_named({.ids = others});
    for (const auto& id : others) who_.add({id, life});
    who_.begin();
    for (const auto& id : others) who_.heard(id, who_.digest());
    who_.settle([](const std::string&) { return true; });
    settle();
  }

  void leaves(const std::string& id) {
    who_.remove(id);
    for (const auto& each : who_.everyone()) who_.heard(each, who_.digest());
    settle();
  }

  void settle() {
    who_.retire(start, true);
    who_.retire(start + 2 * lease_ended_everywhere, true);
    ASSERT_EQ(who_.view_count(), 1u);
  }

  bool blocks(const std::string& missing, const std::set<std::string>& voters) const {
    return who_.can_block(missing, [&](const std::string& id) { return voters.contains(id); });
  }

  bool has_majority(const std::set<std::string>& granting) const {
    return who_.majority_time([&](const std::string& id) {
      return granting.contains(id) ? start : time_point::min();
    }) == start;
  }

  electorate who_{{"n0", life}};
};

TEST_F(ElectorateTest, BeginsOnceAMajorityOfThoseNamedWasHeard) {
  who_.begin();
  EXPECT_TRUE(who_.has_begun());  // nobody else is named

  electorate other{{"n0", life}};
  other.set_named({.strangers = {{"a:1", {}}, {"a:2", {}}}});
  other.begin();
  EXPECT_FALSE(other.has_begun());
  other.set_named({.ids = {"n1"}, .strangers = {{"a:2", {}}}});
  other.add({"n1", life});
  EXPECT_FALSE(other.has_begun());
  other.heard("n1", 7);
  EXPECT_FALSE(other.has_begun());  // the third may answer at any moment
  other.wait_no_longer();
  EXPECT_TRUE(other.has_begun());
}

TEST_F(ElectorateTest, AMemberThatLeftCountsAsHalfOfThoseNamedAsLongAsDiscoveryNamesIt) {
  meet({"n1", "n2"});
  leaves("n1");
  // n1 and n2 may have started anew, and count each other.
  EXPECT_FALSE(blocks("n2", {"n0"}));
  EXPECT_FALSE(has_majority({"n0"}));
  EXPECT_TRUE(has_majority({"n0", "n2"}));
  who_.set_named({.ids = {"n2"}});
  EXPECT_TRUE(blocks("n2", {"n0"}));
}

TEST_F(ElectorateTest, TheOtherOfTwoGoesOnAlone) {
  meet({"n1"});
  EXPECT_FALSE(who_.is_alone());
  leaves("n1");
  EXPECT_TRUE(who_.is_alone());  // n1 has no majority of two without it
  EXPECT_TRUE(who_.is_half_here());
}

TEST_F(ElectorateTest, TheLastOfThreeDoesNot) {
  meet({"n1", "n2"});
  leaves("n1");
  leaves("n2");
  EXPECT_FALSE(who_.is_alone());
  EXPECT_FALSE(who_.is_half_here());
  EXPECT_FALSE(has_majority({"n0"}));
  who_.forget("n1");
  EXPECT_TRUE(who_.is_alone());
}

TEST_F(ElectorateTest, MembersThatDiscoveryDoesNotNameAreNoHalfOfIt) {
  meet({"n1", "n2"});
  for (const auto* id : {"n3", "n4", "n5"}) {
    who_.add({id, life});
    for (const auto& each : who_.everyone()) who_.heard(each, who_.digest());
    settle();
  }
  EXPECT_FALSE(has_majority({"n0", "n3", "n4", "n5"}));
  EXPECT_TRUE(has_majority({"n0", "n1", "n3", "n4"}));
}

TEST_F(ElectorateTest, StrangersCountAgainstEveryMajorityOfANodeThatStarts) {
  who_.set_named({.ids = {"n1"}, .strangers = {{"a:2", {}}, {"a:3", {}}}});
  who_.add({"n1", life});
  who_.begin();
  who_.wait_no_longer();
  who_.heard("n1", who_.digest());
  EXPECT_FALSE(who_.has_begun());
  EXPECT_FALSE(has_majority({"n0", "n1"}));
  who_.set_named({.ids = {"n1", "n2"}, .strangers = {{"a:3", {}}}});
  who_.add({"n2", life});
  who_.heard("n2", who_.digest());
  EXPECT_TRUE(who_.has_begun());
  EXPECT_TRUE(has_majority({"n0", "n1", "n2"}));
  EXPECT_FALSE(has_majority({"n0", "n1"}));
}

TEST_F(ElectorateTest, ASettledNodeNeedsHalfOfThoseNamedAndNoStranger) {
  meet({"n1", "n2"});
  ASSERT_TRUE(who_.is_settled());
  named_nodes six{.ids = {"n1", "n2"}, .strangers = {{"a:3", {}}, {"a:4", {}}, {"a:5", {}}}};
  who_.set_named(six);
  EXPECT_TRUE(has_majority({"n0", "n1", "n2"}));
  EXPECT_FALSE(has_majority({"n0", "n1"}));
  six.strangers["a:6"] = {};
  who_.set_named(six);
  EXPECT_FALSE(has_majority({"n0", "n1", "n2"}));
  six.strangers["a:6"].is_idle = true;
  who_.set_named(six);
  EXPECT_TRUE(has_majority({"n0", "n1", "n2"}));
}

TEST_F(ElectorateTest, OneThatWasMetButIsNotInContactKeepsItFromSettling) {
  who_.set_named({.ids = {"n1", "n2"}});
  for (const auto* id : {"n1", "n2"}) who_.add({id, life});
  who_.begin();
  for (const auto* id : {"n1", "n2"}) who_.heard(id, who_.digest());
  who_.settle([](const std::string& id) { return id != "n2"; });
  EXPECT_FALSE(who_.is_settled());
  who_.settle([](const std::string&) { return true; });
  EXPECT_TRUE(who_.is_settled());
}

TEST_F(ElectorateTest, WhoJoinsARingThatWorksNeedsAMajorityOfItAndNotOfTheStrangers) {
  electorate ring{{"n1", life}};
  for (const auto* id : {"n2", "n3"}) ring.add({id, life});
  ring.begin();
  for (const auto* id : {"n2", "n3"}) ring.heard(id, ring.digest());
  who_.set_named({.ids = {"n1", "n2", "n3"}, .strangers = {{"a:4", {}}, {"a:5", {}}}});
  who_.add({"n1", life});
  who_.add({"n4", life});  // a newcomer, too
  who_.begin();
  who_.join(*ring.state());
  who_.met_settled(ring.digest());
  EXPECT_FALSE(who_.everyone().contains("n4"));
  for (const auto* id : {"n1", "n2", "n3"}) who_.heard(id, who_.digest());
  EXPECT_TRUE(who_.is_settled());
  EXPECT_FALSE(has_majority({"n0", "n1"}));
}

TEST_F(ElectorateTest, WhoIsNotVouchedForCountsOnceEverybodyAnswers) {
  who_.set_named({.ids = {"n1", "n2"}, .unvouched = {"n0", "n1", "n2"}});
  for (const auto* id : {"n1", "n2"}) who_.add({id, life});
  who_.begin();
  who_.heard("n1", who_.digest());
  EXPECT_FALSE(who_.has_begun());
  EXPECT_FALSE(has_majority({"n0", "n1"}));
  who_.heard("n2", who_.digest());
  EXPECT_TRUE(who_.has_begun());
  EXPECT_TRUE(has_majority({"n0", "n1", "n2"}));
}

TEST_F(ElectorateTest, WhoKnowsTheSameMembersIsToldOfOlderViewsToo) {
  meet({"n1", "n2"});
  who_.remove("n2");  // n1 has not heard of it
  electorate other{{"n1", life}};
  other.add({"n0", life});
  ASSERT_EQ(other.digest(), who_.digest());
  const auto before = other.changes();
  EXPECT_TRUE(other.join(*who_.state()));
  EXPECT_NE(other.changes(), before);
  EXPECT_TRUE(other.everyone().contains("n2"));
}

}  // namespace
}  // namespace weir
