#include "engine/entries/stored_entry.hpp"
#include "engine/ring/routing.hpp"
#include "tests/support/hand_environment.hpp"

#include <gtest/gtest.h>

#include <set>

namespace weir {
namespace {

/// The routing of node a, beside others with or without slots.
routing routed(std::vector<member> members) {
  routing made;
  made.members = view(std::move(members));
  made.ring = std::make_shared<ring>(made.members);
  made.self = static_cast<std::uint16_t>(made.members.find("a") - made.members.members().data());
  return made;
}

class SlotTermsTest : public testing::Test {
 protected:
  void begin(const routing& next) { terms_.begin_gained(next, env_, true); }

  /// A slot that is b's where both have some.
  std::uint16_t of_b() const {
    std::uint16_t slot = 0;
    while (both_.ring->owner(slot).id != "b") ++slot;
    return slot;
  }

  std::uint16_t of_a() const {
    std::uint16_t slot = 0;
    while (both_.ring->owner(slot).id != "a") ++slot;
    return slot;
  }

  test::hand_environment env_;
  const routing alone_ = routed({{.id = "a"}});
  const routing both_ = routed({{.id = "a"}, {.id = "b"}});
  slot_terms terms_;
};

TEST_F(SlotTermsTest, NoSlotHasATermAtFirst) {
  EXPECT_EQ(terms_.epoch_of(0), 0u);
  EXPECT_EQ(terms_.epoch_of(slot_count - 1), 0u);
  EXPECT_EQ(terms_.ended_epoch_of(0), 0u);
}

TEST_F(SlotTermsTest, EachSlotThatComesBeginsATermOfItsOwn) {
  begin(alone_);
  std::set<std::uint64_t> epochs;
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) epochs.insert(terms_.epoch_of(slot));
  EXPECT_EQ(epochs.size(), slot_count);
  EXPECT_FALSE(epochs.contains(0));
  EXPECT_FALSE(epochs.contains(past_epoch));
}

TEST_F(SlotTermsTest, ASlotOfAnotherNodeHasNoTerm) {
  begin(both_);
  EXPECT_EQ(terms_.epoch_of(of_b()), 0u);
  EXPECT_NE(terms_.epoch_of(of_a()), 0u);
}

TEST_F(SlotTermsTest, ASlotThatStaysKeepsItsTerm) {
  begin(alone_);
  const auto epoch = terms_.epoch_of(of_a());
  terms_.end_lost(both_);
  begin(both_);
  EXPECT_EQ(terms_.epoch_of(of_a()), epoch);
  EXPECT_EQ(terms_.ended_epoch_of(of_a()), 0u);
}

TEST_F(SlotTermsTest, ASlotThatGoesEndsItsTermAndItsLastEpochIsRemembered) {
  begin(alone_);
  const auto epoch = terms_.epoch_of(of_b());
  terms_.end_lost(both_);
  EXPECT_EQ(terms_.epoch_of(of_b()), 0u);
  EXPECT_EQ(terms_.ended_epoch_of(of_b()), epoch);
  terms_.end_lost(both_);
  EXPECT_EQ(terms_.ended_epoch_of(of_b()), epoch) << "a second end changes nothing";
}

TEST_F(SlotTermsTest, ASlotThatComesBackHasANewEpoch) {
  begin(alone_);
  const auto before = terms_.epoch_of(of_b());
  terms_.end_lost(both_);
  begin(alone_);
  EXPECT_NE(terms_.epoch_of(of_b()), 0u);
  EXPECT_NE(terms_.epoch_of(of_b()), before);
}

TEST_F(SlotTermsTest, WithoutNewEpochsTheOldOneComesBack) {
  terms_.begin_gained(alone_, env_, false);
  const auto before = terms_.epoch_of(of_b());
  terms_.end_lost(both_);
  terms_.begin_gained(alone_, env_, false);
  EXPECT_EQ(terms_.epoch_of(of_b()), before);
}

}  // namespace
}  // namespace weir
