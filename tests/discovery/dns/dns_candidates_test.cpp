#include "discovery/dns/dns_candidates.hpp"

#include "tests/support/enum_names.hpp"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace weir {
namespace {

using namespace std::chrono_literals;
using names = std::vector<std::string>;

dns_finding answer(names addresses, std::chrono::seconds ttl = 5s) {
  return {.outcome = dns_outcome::answered, .addresses = std::move(addresses), .ttl = ttl};
}

dns_finding failure(dns_outcome outcome) {
  return {.outcome = outcome};
}

const std::vector<dns_outcome> failures{
    dns_outcome::no_such_name,
    dns_outcome::empty,
    dns_outcome::failed,
    dns_outcome::timed_out,
    dns_outcome::malformed,
    dns_outcome::too_many};

class DnsCandidatesTest : public testing::Test {
 protected:
  dns_candidates::step take(const dns_finding& found) {
    auto step = known_.take(found, now_);
    wait_ = std::chrono::duration_cast<milliseconds>(step.next - now_);
    now_ = step.next;
    if (step.tell && *step.tell) {
      told_.clear();
      for (const auto& each : step.tell->value()) told_.push_back(each.address);
    }
    return step;
  }

  dns_candidates known_{dns_rules()};
  time_point now_{};
  milliseconds wait_{0};
  names told_;
};

TEST_F(DnsCandidatesTest, TellsTheFirstAnswerAndThenOnlyChanges) {
  EXPECT_TRUE(take(answer({"b:1", "a:1"})).tell);
  EXPECT_EQ(told_, (names{"a:1", "b:1"}));
  EXPECT_FALSE(take(answer({"a:1", "b:1", "a:1"})).tell);
  EXPECT_TRUE(take(answer({"a:1", "b:1", "c:1"})).tell);
  EXPECT_EQ(told_, (names{"a:1", "b:1", "c:1"}));
}

TEST_F(DnsCandidatesTest, DropsACandidateAfterThreeAnswersInARowWithoutIt) {
  take(answer({"a:1", "b:1"}));
  EXPECT_FALSE(take(answer({"a:1"})).tell);
  EXPECT_FALSE(take(answer({"a:1"})).tell);
  EXPECT_TRUE(take(answer({"a:1"})).tell);
  EXPECT_EQ(told_, names{"a:1"});
}

TEST_F(DnsCandidatesTest, AFlappingCandidateStays) {
  take(answer({"a:1", "b:1"}));
  for (int i = 0; i != 20; ++i) {
    EXPECT_FALSE(take(answer({"a:1"})).tell);
    EXPECT_FALSE(take(answer({"a:1"})).tell);
    EXPECT_FALSE(take(answer({"b:1"})).tell);
  }
}

TEST_F(DnsCandidatesTest, NoFailureDropsAnybodyHoweverOftenItComes) {
  take(answer({"a:1", "b:1"}));
  for (const auto each : failures) {
    for (int i = 0; i != 10; ++i) take(failure(each));
    EXPECT_EQ(known_.count(each), 10u);
  }
  take(answer({"a:1"}));
  EXPECT_EQ(told_, (names{"a:1", "b:1"}));
}

TEST_F(DnsCandidatesTest, AFailureBeginsTheCountAgain) {
  for (const auto each : failures) {
    take(answer({"a:1", "b:1"}));
    take(answer({"a:1"}));
    take(answer({"a:1"}));
    take(failure(each));
    take(answer({"a:1"}));
    take(answer({"a:1"}));
    EXPECT_EQ(told_, (names{"a:1", "b:1"}));
  }
}

TEST_F(DnsCandidatesTest, TellsAFailureOnceAndItsEnd) {
  take(answer({"a:1"}));
  const auto first = take(failure(dns_outcome::timed_out));
  ASSERT_TRUE(first.tell);
  EXPECT_EQ(first.tell->error(), make_error_code(dns_outcome::timed_out));
  EXPECT_FALSE(take(failure(dns_outcome::timed_out)).tell);
  const auto other = take(failure(dns_outcome::no_such_name));
  ASSERT_TRUE(other.tell);
  EXPECT_THAT(other.tell->error().message(), testing::HasSubstr("no such name"));
  const auto end = take(answer({"a:1"}));
  ASSERT_TRUE(end.tell);
  EXPECT_TRUE(*end.tell);
}

TEST_F(DnsCandidatesTest, AnEmptyAnswerIsAFailureAlsoAtTheStart) {
  const auto step = take(answer({}));
  ASSERT_TRUE(step.tell);
  EXPECT_EQ(step.tell->error(), make_error_code(dns_outcome::empty));
  EXPECT_EQ(known_.count(dns_outcome::empty), 1u);
}

TEST_F(DnsCandidatesTest, MoreThan256AddressesChangeNothing) {
  take(answer({"a:1"}));
  names many;
  for (int i = 0; i != 257; ++i) many.push_back("m" + std::to_string(i) + ":1");
  const auto step = take(answer(many));
  ASSERT_TRUE(step.tell);
  EXPECT_EQ(step.tell->error(), make_error_code(dns_outcome::too_many));
  many.pop_back();
  take(answer(many));
  EXPECT_EQ(told_.size(), 257u);
}

TEST_F(DnsCandidatesTest, PollsAfterTheTtlBetweenOneSecondAndTheInterval) {
  take(answer({"a:1"}, 0s));
  EXPECT_EQ(wait_, 1s);
  take(answer({"a:1"}, 3s));
  EXPECT_EQ(wait_, 3s);
  take(answer({"a:1"}, std::chrono::seconds(0x7fffffff)));
  EXPECT_EQ(wait_, 5s);
  take(failure(dns_outcome::failed));
  EXPECT_EQ(wait_, 5s);
}

TEST_F(DnsCandidatesTest, PollsEverySecondUntilSomebodyIsKnown) {
  take(failure(dns_outcome::no_such_name));
  EXPECT_EQ(wait_, 1s);
}

TEST_F(DnsCandidatesTest, WhoWasNamedInAnyOfTheLastThreeAnswersIsKnown) {
  std::mt19937 random(7);
  std::vector<std::set<std::string>> answers;
  for (int i = 0; i != 2'000; ++i) {
    if (random() % 4 == 0) {
      take(failure(failures[random() % failures.size()]));
      continue;
    }
    std::set<std::string> named;
    for (unsigned who = 0; who != 6; ++who) {
      if (random() % 2 == 0) named.insert(std::to_string(who) + ":1");
    }
    take(answer({named.begin(), named.end()}));
    if (named.empty()) continue;
    answers.push_back(named);
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, answers.size()); ++back) {
      for (const auto& each : answers[answers.size() - back]) {
        EXPECT_THAT(told_, testing::Contains(each));
      }
    }
  }
}

TEST(DnsOutcomeTest, EveryOneHasANameAndAMessage) {
  for (std::size_t i = 0; i != dns_outcomes; ++i) {
    const auto each = static_cast<dns_outcome>(i);
    EXPECT_FALSE(name(each).empty());
    EXPECT_THAT(make_error_code(each).message(), testing::HasSubstr("DNS"));
  }
}

TEST(DnsOutcomeTest, EachHasAName) {
  test::expect_named<dns_outcome>(dns_outcomes);
}

}  // namespace
}  // namespace weir
