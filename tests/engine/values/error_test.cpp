#include "tests/engine/keyspace/cache_fixture.hpp"

#include <boost/asio/error.hpp>

#include <type_traits>

namespace weir::test {
namespace {

static_assert(std::is_nothrow_move_constructible_v<error>);
static_assert(std::is_convertible_v<errc, error>);
static_assert(std::is_convertible_v<boost::asio::error::basic_errors, error>);

class ErrorTest : public CacheTest {
 protected:
  void source_throws(const std::string& text) {
    source_->answer_with([text](std::string_view) -> result<loaded> {
      throw std::runtime_error(text);
    });
  }
};

TEST_F(ErrorTest, ComparesWithCodesAndEnumerators) {
  const error why(errc::overloaded, {.detail = "loads.queue 1 is full"});
  EXPECT_EQ(why, errc::overloaded);
  EXPECT_EQ(why, make_error_code(errc::overloaded));
  EXPECT_NE(why, errc::not_found);
  const error_code without_words = why;
  EXPECT_EQ(without_words, errc::overloaded);
  EXPECT_FALSE(error());
}

TEST_F(ErrorTest, CarriesKeyspaceKeyAndTheTextOfTheSourcesException) {
  source_throws("database exploded at row 7");
  const auto found = users_.get("42");
  EXPECT_EQ(found.error(), errc::source_failed);
  EXPECT_EQ(found.error().keyspace(), "users");
  EXPECT_EQ(found.error().key(), "42");
  EXPECT_EQ(found.error().remark(), "database exploded at row 7");
}

TEST_F(ErrorTest, TheExceptionOfAFailedResultSaysWhereAndWhy) {
  source_throws("database exploded at row 7");
  try {
    users_.get("42").value();
    FAIL() << "it threw nothing";
  } catch (const boost::system::system_error& thrown) {
    EXPECT_EQ(thrown.code(), errc::source_failed);
    EXPECT_STREQ(
        thrown.what(),
        "keyspace \"users\", key \"42\": the source was asked and failed: database exploded at "
        "row 7 [weir:11]"
    );
  }
}

TEST_F(ErrorTest, AKeyThatIsLongOrNotPrintableIsLeftOut) {
  source_throws("x");
  const auto shown = [&](std::string key) { return users_.get(key).error().what(); };
  EXPECT_EQ(shown("a\nb"), "keyspace \"users\": the source was asked and failed: x");
  EXPECT_EQ(shown(std::string(65, 'a')), "keyspace \"users\": the source was asked and failed: x");
}

TEST_F(ErrorTest, KeepsTheWordsOfAForeignErrorCode) {
  source_->answer_with([](std::string_view) -> result<loaded> {
    return error_code(boost::asio::error::connection_refused);
  });
  const auto why = users_.get("1").error();
  EXPECT_EQ(why, errc::source_failed);
  EXPECT_EQ(why.remark(), "Connection refused");
}

TEST_F(ErrorTest, KeepsTheWordsOfASourceThatReturnsThem) {
  source_->answer_with([](std::string_view) -> result<loaded> {
    return error(errc::source_failed, {.remark = "shard 3 is read only"});
  });
  EXPECT_EQ(users_.get("1").error().remark(), "shard 3 is read only");
  EXPECT_EQ(users_.get_many({"1"})[0].error().remark(), "shard 3 is read only");
}

TEST_F(ErrorTest, TooLargeSaysBothNumbers) {
  use({.name = "users", .max_entry = 100});
  source_->answer_with(std::string(101, 'x'));
  const auto why = users_.get("1").error();
  EXPECT_EQ(why, errc::too_large);
  EXPECT_EQ(why.detail(), "the value has 101 bytes, max_entry is 100");
  EXPECT_EQ(users_.stats().loads_too_large, 1u);
  EXPECT_EQ(users_.stats().loads_failed, 0u);
}

TEST_F(ErrorTest, UnavailableHasAnotherTextForReadsThanForChanges) {
  EXPECT_EQ(error(errc::unavailable).message(), "no node could answer, or this one is stopping");
  cache_.remove_keyspace("users").value();
  EXPECT_EQ(users_.put("1", bytes("x")).error(), errc::no_keyspace);
}

TEST_F(ErrorTest, AbsenceIsAnAnswerWithoutWords) {
  source_->answer_with([](std::string_view) { return loaded{.found = false}; });
  EXPECT_FALSE(users_.get("1").error().has_context());
}

TEST_F(ErrorTest, TheSourceIsFailingUntilItAnswers) {
  EXPECT_FALSE(users_.source().is_failing);
  source_throws("connection lost");
  get("1");
  get("2");
  auto source = users_.source();
  EXPECT_TRUE(source.is_failing);
  EXPECT_EQ(source.failures, 2u);
  EXPECT_EQ(source.outcome, "source_failed");
  EXPECT_EQ(source.words, "connection lost");
  EXPECT_EQ(source.type, "callback");
  source_->answer_with("well again");
  get("3");
  source = users_.source();
  EXPECT_FALSE(source.is_failing);
  EXPECT_EQ(source.words, "connection lost");
  EXPECT_TRUE(source.last_failure);
}

}  // namespace
}  // namespace weir::test
