#include "engine/agreement/hints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

change_record record(const std::string& key, std::uint64_t seq, std::uint64_t epoch = 1) {
  return {.keyspace = "users", .key = key, .version = {epoch, seq}, .value = "pushed"};
}

std::vector<std::string> keys(const hint_store::slice& of) {
  std::vector<std::string> out;
  for (const auto& each : of.records) out.push_back(each.key);
  return out;
}

class HintStoreTest : public testing::Test {
 protected:
  void keep(const std::string& whose, const std::vector<change_record>& records) {
    store_.keep(whose, records, false);
  }

  hint_store store_{7, 4, 4'000};
};

TEST_F(HintStoreTest, WhoMissedNothingIsToldNothing) {
  const auto got = store_.take("n2");
  EXPECT_EQ(got.number, 0u);
  EXPECT_FALSE(got.must_flush);
  EXPECT_THAT(got.records, IsEmpty());
  store_.applied("n2", 5);
  store_.forget("n2");
  EXPECT_EQ(store_.size(), 0u);
}

TEST_F(HintStoreTest, KeepsTheOrderButNotTheValues) {
  keep("n2", {record("b", 1), record("a", 2)});
  const auto got = store_.take("n2");
  EXPECT_THAT(keys(got), ElementsAre("b", "a"));
  EXPECT_EQ(got.records[0].value.size(), 0u);
  EXPECT_FALSE(got.has_more);
  EXPECT_THAT(store_.take("n3").records, IsEmpty());
}

TEST_F(HintStoreTest, AKeyIsKeptOnceWithItsLatestVersion) {
  keep("n2", {record("a", 5), record("b", 1), record("a", 3)});
  const auto got = store_.take("n2");
  EXPECT_THAT(keys(got), ElementsAre("b", "a"));
  EXPECT_EQ(got.records[1].version, (version{1, 5}));
}

TEST_F(HintStoreTest, OfTwoOwnersNeitherVersionIsKept) {
  keep("n2", {record("a", 5, 1), record("a", 3, 2)});
  EXPECT_EQ(store_.take("n2").records.at(0).version, version{});
}

TEST_F(HintStoreTest, WhatWasAppliedGoesAndLaterOnesStay) {
  keep("n2", {record("a", 1)});
  const auto first = store_.take("n2");
  keep("n2", {record("b", 2)});
  store_.applied("n2", first.number);
  EXPECT_THAT(keys(store_.take("n2")), ElementsAre("b"));
  store_.applied("n2", store_.take("n2").number);
  EXPECT_EQ(store_.size(), 0u);
  EXPECT_EQ(store_.bytes(), 0u);
}

TEST_F(HintStoreTest, AKeyMissedAgainAfterTheAnswerLeftIsNotTakenForApplied) {
  keep("n2", {record("a", 1)});
  const auto sent = store_.take("n2").number;
  keep("n2", {record("a", 2)});
  store_.applied("n2", sent);
  EXPECT_THAT(keys(store_.take("n2")), ElementsAre("a"));
}

TEST_F(HintStoreTest, NumbersOfAnEarlierLifeConfirmNothing) {
  hint_store earlier(8);
  earlier.keep("n2", {record("a", 1)}, false);
  keep("n2", {record("a", 1)});
  store_.applied("n2", earlier.take("n2").number);
  EXPECT_EQ(store_.size(), 1u);
}

TEST_F(HintStoreTest, MoreThanItHoldsBecomesDropEverything) {
  keep("n2", {record("a", 1), record("b", 2), record("c", 3), record("d", 4)});
  EXPECT_FALSE(store_.take("n2").must_flush);
  keep("n2", {record("e", 5)});
  const auto got = store_.take("n2");
  EXPECT_TRUE(got.must_flush);
  EXPECT_THAT(got.records, IsEmpty());
  keep("n2", {record("f", 6)});
  EXPECT_TRUE(store_.take("n2").must_flush);
  EXPECT_THAT(keys(store_.take("n2")), ElementsAre("f"));
  store_.applied("n2", got.number);
  EXPECT_FALSE(store_.take("n2").must_flush);
  EXPECT_THAT(keys(store_.take("n2")), ElementsAre("f")) << "came after the order";
}

TEST_F(HintStoreTest, AnOrderToDropEverythingTakesWhatStoodBeforeIt) {
  keep("n2", {record("a", 1)});
  store_.keep("n2", {record("b", 2)}, true);
  const auto got = store_.take("n2");
  EXPECT_TRUE(got.must_flush);
  EXPECT_THAT(got.records, IsEmpty());
}

TEST_F(HintStoreTest, OverItsBytesWhoMissedMostLosesMost) {
  const std::string wide(1'000, 'k');
  keep("n2", {record("a", 1)});
  keep("n3", {record(wide + "1", 2)});
  EXPECT_FALSE(store_.take("n3").must_flush);
  keep("n3", {record(wide + "2", 3)});
  EXPECT_TRUE(store_.take("n3").must_flush);
  EXPECT_FALSE(store_.take("n2").must_flush);
  EXPECT_THAT(keys(store_.take("n2")), ElementsAre("a"));
  EXPECT_LE(store_.bytes(), 4'000u);
}

TEST_F(HintStoreTest, ForgettingGivesTheBytesBack) {
  keep("n2", {record("a", 1)});
  EXPECT_GT(store_.bytes(), 0u);
  store_.forget("n2");
  EXPECT_EQ(store_.bytes(), 0u);
  EXPECT_EQ(store_.size(), 0u);
}

TEST(HintStoreLimitsTest, OneAnswerHas1024AndSaysThatThereAreMore) {
  hint_store store(1);
  std::vector<change_record> many;
  for (std::size_t i = 0; i != most_hints_at_once; ++i)
    many.push_back(record(std::to_string(i), i));
  store.keep("n2", many, false);
  EXPECT_FALSE(store.take("n2").has_more);
  store.keep("n2", {record("one more", 9)}, false);
  const auto first = store.take("n2");
  EXPECT_TRUE(first.has_more);
  EXPECT_EQ(first.records.size(), most_hints_at_once);
  store.applied("n2", first.number);
  EXPECT_THAT(keys(store.take("n2")), ElementsAre("one more"));
}

}  // namespace
}  // namespace weir
