#include "discovery/nats/nats_members.hpp"

#include "tests/support/enum_names.hpp"

#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using names = std::vector<std::string>;
using kind = nats_presence::kind;

constexpr std::uint64_t noon = 1'700'000'000'000;

class NatsMembersTest : public testing::Test {
 protected:
  static identity self() {
    return {.cluster = "demo", .id = "n1", .incarnation = 1, .address = "h1:1"};
  }

  static nats_presence from(int number, std::uint64_t incarnation = 7) {
    const auto text = std::to_string(number);
    return {
        .cluster = "demo",
        .id = "n" + text,
        .address = "h" + text + ":1",
        .incarnation = incarnation,
    };
  }

  void use(nats_rules rules) { known_ = std::make_unique<nats_members>(rules, self()); }

  std::uint64_t wall() const {
    return noon + static_cast<std::uint64_t>(now_.time_since_epoch() / 1ms);
  }

  void keep(const nats_members::step& step) {
    if (step.next) next_ = *step.next;
    if (!step.tell) return;
    ++told_times_;
    told_.clear();
    if (!*step.tell) {
      told_.push_back(step.tell->error().message());
      error_ = step.tell->error();
      return;
    }
    error_ = {};
    for (const auto& each : step.tell->value()) told_.push_back(each.address);
  }

  void up() { keep(known_->up(now_)); }

  void take(nats_presence what) {
    if (what.at == 0) what.at = wall();
    keep(known_->take(nats_outcome::heard, what, wall(), now_));
  }

  void hear(int number, std::uint64_t incarnation = 7) { take(from(number, incarnation)); }

  void goodbye(int number) {
    auto what = from(number);
    what.what = kind::gone;
    what.at = wall() + 1;
    take(what);
  }

  void get(nats_outcome what) { keep(known_->take(what, {}, wall(), now_)); }

  /// The next heartbeat is due; before it these nodes are heard.
  void beat(const std::vector<int>& heard) {
    now_ = next_;
    keep(known_->beat(now_));
    for (const int each : heard) {
      now_ += 1ms;
      hear(each, each == 1 ? 1 : 7);
    }
  }

  void beat(const std::vector<int>& heard, int times) {
    for (int i = 0; i != times; ++i) beat(heard);
  }

  /// A connection until its first answer.
  void settle(const std::vector<int>& heard) {
    up();
    beat(heard, 4);
  }

  std::unique_ptr<nats_members> known_ = std::make_unique<nats_members>(nats_rules(), self());
  time_point now_{1h};
  time_point next_{};
  names told_;
  int told_times_ = 0;
  error_code error_;
};

TEST_F(NatsMembersTest, AnswersOneAndAHalfHeartbeatsAfterTheConnection) {
  const auto begin = now_;
  up();
  EXPECT_EQ(next_, now_);
  beat({1, 2});
  EXPECT_EQ(next_, begin + 500ms);
  beat({3});
  beat({1});
  EXPECT_EQ(told_times_, 0);
  beat({});
  EXPECT_EQ(now_, begin + 1'500ms);
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1", "h3:1"));
  EXPECT_EQ(next_, now_ + 1s);
}

TEST_F(NatsMembersTest, ALoneNodeIsNamedAloneOnceItHasHeardItself) {
  settle({});
  EXPECT_EQ(error_, make_error_code(nats_outcome::deaf));
  beat({}, 10);
  EXPECT_EQ(told_times_, 1);
  EXPECT_EQ(known_->counted(nats_outcome::deaf), 1u);
  beat({1});
  EXPECT_THAT(told_, ElementsAre("h1:1"));
}

TEST_F(NatsMembersTest, TellsChangesOnly) {
  settle({1, 2});
  beat({1, 2}, 10);
  EXPECT_EQ(told_times_, 1);
  hear(3);
  EXPECT_EQ(told_times_, 2);
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1", "h3:1"));
}

TEST_F(NatsMembersTest, DropsAMemberAfterFiveHeartbeatsWithoutIt) {
  settle({1, 2, 3});
  beat({1, 2}, 1);  // 3 was heard in the one that ends here
  beat({1, 2}, 4);
  EXPECT_EQ(told_times_, 1);
  beat({1, 2});
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
}

TEST_F(NatsMembersTest, OneHeartbeatInFiveKeepsAMember) {
  settle({1, 2, 3});
  for (int i = 0; i != 20; ++i) {
    beat({1, 2}, 4);
    beat({1, 2, 3});
  }
  EXPECT_EQ(told_times_, 1);
}

TEST_F(NatsMembersTest, NobodyGoesWhileNobodyElseIsHeard) {
  settle({1, 2, 3});
  beat({1}, 100);
  EXPECT_EQ(told_times_, 1);
  beat({1, 3});
  beat({1, 3}, 4);
  EXPECT_EQ(told_times_, 1);
  beat({1, 3}, 2);
  EXPECT_THAT(told_, ElementsAre("h1:1", "h3:1"));
}

TEST_F(NatsMembersTest, AServerThatIsGoneDropsNobodyAndTheCountBeginsAgain) {
  settle({1, 2, 3});
  beat({1, 2}, 5);
  keep(known_->down());
  now_ += 1h;
  keep(known_->failed(nats_outcome::failed));
  EXPECT_EQ(error_, make_error_code(nats_outcome::failed));
  keep(known_->failed(nats_outcome::failed));
  EXPECT_EQ(told_times_, 2);
  up();
  EXPECT_EQ(told_times_, 2);
  beat({1, 2});
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1", "h3:1"));
  beat({1, 2}, 7);
  EXPECT_EQ(told_times_, 3);
  beat({1, 2});
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
}

TEST_F(NatsMembersTest, ANodeThatWasLateItselfDropsNobody) {
  settle({1, 2, 3});
  beat({1, 2}, 5);
  next_ += 60s;
  beat({1, 2});
  beat({1, 2}, 4);
  EXPECT_EQ(told_times_, 1);
  beat({1, 2});
  EXPECT_EQ(told_times_, 2);
}

TEST_F(NatsMembersTest, AFailureBeforeTheFirstAnswerIsTold) {
  keep(known_->failed(nats_outcome::refused));
  EXPECT_EQ(error_, make_error_code(nats_outcome::refused));
  settle({1, 2});
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
}

TEST_F(NatsMembersTest, WhoSaysGoodbyeGoesOnTheThirdHeartbeat) {
  settle({1, 2, 3});
  goodbye(3);
  beat({1, 2}, 2);
  EXPECT_EQ(told_times_, 1);
  beat({1, 2});
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
  EXPECT_EQ(known_->counted(nats_outcome::left), 1u);
}

TEST_F(NatsMembersTest, AForgedGoodbyeIsUndoneByTheNextHeartbeat) {
  settle({1, 2, 3});
  for (int i = 0; i != 20; ++i) {
    goodbye(3);
    beat({1, 2, 3});
  }
  goodbye(9);
  EXPECT_EQ(told_times_, 1);
}

TEST_F(NatsMembersTest, ARestartAtTheSameAddressChangesNothing) {
  settle({1, 2});
  for (int i = 0; i != 10; ++i) {
    beat({1});
    hear(2, 8);
  }
  EXPECT_EQ(told_times_, 1);
}

TEST_F(NatsMembersTest, NobodyTakesThePlaceOfAnother) {
  settle({1, 2});
  auto thief = from(2, 99);
  thief.address = "evil:1";
  take(thief);
  EXPECT_THAT(told_, ElementsAre("evil:1", "h1:1", "h2:1"));
  beat({1, 2}, 7);
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
}

TEST_F(NatsMembersTest, WhoClaimsTheOwnIdIsCountedOnly) {
  settle({1, 2});
  auto twin = from(1, 99);
  twin.address = "other:1";
  take(twin);
  EXPECT_EQ(told_times_, 1);
  EXPECT_EQ(known_->counted(nats_outcome::duplicate), 1u);
}

TEST_F(NatsMembersTest, MoreMembersThanMayBeAreNotHeard) {
  up();
  for (int i = 2; i != 400; ++i) hear(i);
  beat({1}, 4);
  EXPECT_EQ(told_.size(), 257u);
  EXPECT_EQ(known_->counted(nats_outcome::too_many), 398u - 256u);
}

TEST_F(NatsMembersTest, RefusedMessagesChangeNothing) {
  settle({1, 2, 3});
  for (const auto each :
       {nats_outcome::malformed,
        nats_outcome::is_unsigned,
        nats_outcome::forged,
        nats_outcome::other_cluster}) {
    for (int i = 0; i != 100; ++i) get(each);
    EXPECT_EQ(known_->counted(each), 100u);
  }
  beat({1, 2, 3}, 10);
  EXPECT_EQ(told_times_, 1);
}

TEST_F(NatsMembersTest, ANodeThatHearsOnlyRefusedMessagesIsNotAlone) {
  up();
  for (int i = 0; i != 20; ++i) {
    beat({1});
    get(nats_outcome::forged);
  }
  EXPECT_EQ(error_, make_error_code(nats_outcome::forged));
  EXPECT_EQ(told_times_, 1);
  beat({1}, 3);
  EXPECT_TRUE(error_);
  beat({1}, 2);
  EXPECT_THAT(told_, ElementsAre("h1:1"));
}

TEST_F(NatsMembersTest, ButAMessageOfAnotherClusterIsNoReasonToWait) {
  up();
  for (int i = 0; i != 4; ++i) {
    beat({1});
    get(nats_outcome::other_cluster);
    get(nats_outcome::malformed);
  }
  EXPECT_THAT(told_, ElementsAre("h1:1"));
}

class SignedNatsMembersTest : public NatsMembersTest {
 protected:
  void SetUp() override { use({.is_signed = true}); }
};

TEST_F(SignedNatsMembersTest, TimesFarFromTheOwnAreStale) {
  settle({1, 2});
  for (const std::int64_t away : {-30'001, 30'001, -1'000'000'000}) {
    auto old = from(3);
    old.at = static_cast<std::uint64_t>(static_cast<std::int64_t>(wall()) + away);
    take(old);
  }
  auto far = from(3);
  far.at = ~std::uint64_t{0};
  take(far);
  EXPECT_EQ(told_times_, 1);
  EXPECT_EQ(known_->counted(nats_outcome::stale), 4u);
  auto late = from(3);
  late.at = wall() - 29'999;
  take(late);
  EXPECT_EQ(told_times_, 2);
}

TEST_F(SignedNatsMembersTest, WhatWasHeardBeforeIsNotHeardAgain) {
  settle({1, 2, 3});
  auto again = from(3);
  again.at = wall() + 1;
  take(again);
  const auto before = known_->counted(nats_outcome::heard);
  take(again);
  EXPECT_EQ(known_->counted(nats_outcome::replayed), 1u);
  EXPECT_EQ(known_->counted(nats_outcome::heard), before);
  for (int i = 0; i != 7; ++i) {
    beat({1, 2});
    take(again);
  }
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
  take(again);
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
}

TEST_F(SignedNatsMembersTest, AnOldGoodbyeIsNotHeardAgain) {
  settle({1, 2, 3});
  auto gone = from(3);
  gone.what = kind::gone;
  gone.at = wall();
  beat({1, 2, 3});
  take(gone);
  EXPECT_EQ(known_->counted(nats_outcome::left), 0u);
  EXPECT_EQ(known_->counted(nats_outcome::replayed), 1u);
}

TEST_F(SignedNatsMembersTest, ManyLivesInARowAreForgotten) {
  settle({1, 2});
  for (std::uint64_t life = 100; life != 5'000; ++life) {
    hear(3, life);
    if (life % 200 == 0) beat({1, 2}, 7);
  }
  beat({1, 2}, 7);
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1"));
  hear(4);
  EXPECT_THAT(told_, ElementsAre("h1:1", "h2:1", "h4:1"));
}

/// Whatever comes in whatever order: the node itself is always named, never too many are, and who
/// is heard in every heartbeat stays.
TEST_F(SignedNatsMembersTest, HoldsUnderRandomEvents) {
  std::mt19937 random(1);
  settle({1, 2});
  for (int i = 0; i != 20'000; ++i) {
    auto any = from(static_cast<int>(3 + random() % 400), random() % 3);
    any.at = wall() + random() % 70'000 - 35'000;
    if (random() % 5 == 0) any.what = kind::gone;
    switch (random() % 8) {
      case 0:
        beat({1, 2});
        break;
      case 1:
        if (random() % 50 == 0) {
          keep(known_->down());
          keep(known_->failed(nats_outcome::failed));
          up();
          beat({1, 2});
        }
        break;
      case 2:
        get(static_cast<nats_outcome>(4 + random() % (nats_outcomes - 4)));
        break;
      default:
        take(any);
    }
    if (error_) continue;
    ASSERT_LE(told_.size(), 257u);
    ASSERT_THAT(told_, testing::IsSupersetOf({"h1:1", "h2:1"}));
  }
}

TEST(NatsOutcomeTest, EachHasAName) {
  test::expect_named<nats_outcome>(nats_outcomes);
}

}  // namespace
}  // namespace weir
