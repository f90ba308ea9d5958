// Values of one type over bytes: codecs, a veto, what heals itself, and who is told.

#include "tests/support/waiting.hpp"

#include <weir/engine/cache.hpp>
#include <weir/engine/json_codec.hpp>
#include <weir/engine/typed.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>

namespace weir {
namespace {

using testing::HasSubstr;

struct person {
  std::string name;
  int age = 0;

  friend bool operator==(const person&, const person&) = default;
};

void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const person& of) {
  out = {{"name", of.name}, {"age", of.age}};
}

person tag_invoke(boost::json::value_to_tag<person>, const boost::json::value& from) {
  return {
      boost::json::value_to<std::string>(from.at("name")),
      boost::json::value_to<int>(from.at("age"))};
}

/// A codec of one's own: a number in ten lines.
struct number_codec {
  result<bytes> encode(int value) const { return bytes(std::to_string(value)); }

  result<int> decode(std::string_view text) const { return std::stoi(std::string(text)); }
};

class TypedTest : public ::testing::Test {
 protected:
  using kind = typed_event::kind;

  keyspace open(std::string name, bool writable = true) {
    return cache_.add_keyspace(
        {.name = std::move(name), .writes = writable ? writes::allow : writes::deny},
        [this](std::string_view key) -> result<bytes> {
          ++loads_;
          const std::lock_guard lock(mutex_);
          const auto found = rows_.find(std::string(key));
          if (found == rows_.end()) return errc::not_found;
          return bytes(found->second);
        }
    );
  }

  void set(const std::string& key, std::string value) {
    const std::lock_guard lock(mutex_);
    rows_[key] = std::move(value);
  }

  template <class Value>
  typed_options<Value> told() {
    typed_options<Value> options;
    options.on_event = [this](const typed_event& event) { events_.push_back(event); };
    return options;
  }

  std::vector<kind> kinds() const {
    std::vector<kind> out;
    for (const auto& each : events_) out.push_back(each.what);
    return out;
  }

  std::mutex mutex_;
  std::map<std::string, std::string> rows_;
  std::atomic<int> loads_{0};
  std::vector<typed_event> events_;
  asio::io_context loop_;  // outlives the threads of the cache, which wake it
  cache cache_;
};

TEST_F(TypedTest, GivesValuesOfItsType) {
  typed<person, json_codec> people(open("people"));
  set("ada", R"({"name":"Ada","age":36})");
  EXPECT_EQ(people.get("ada").value(), (person{"Ada", 36}));
  EXPECT_EQ(people.get("bob").error(), errc::not_found);
  const auto absent = people.find("bob");
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent->value);
  EXPECT_TRUE(absent->version);
  const auto put =
      people.put("bob", {"Bob", 7}, {.condition = precondition::if_unchanged(absent->version)});
  ASSERT_TRUE(put);
  EXPECT_EQ(people.get("bob").value(), (person{"Bob", 7}));
  EXPECT_EQ(
      people.put("bob", {"Bob", 8}, {.condition = precondition::if_unchanged(absent->version)})
          .error(),
      errc::conflict
  );
}

TEST_F(TypedTest, WhatCannotBeDecodedIsDroppedAndTold) {
  typed<person, json_codec> people(open("people"), {}, told<person>());
  set("ada", "{\"name\":");
  const auto failed = people.get("ada");
  EXPECT_EQ(failed.error(), errc::source_failed);
  EXPECT_THAT(failed.error().what(), HasSubstr("keyspace \"people\", key \"ada\""));
  EXPECT_THAT(failed.error().what(), HasSubstr("cannot be decoded and was dropped"));
  ASSERT_EQ(kinds(), (std::vector{kind::unreadable}));
  EXPECT_EQ(events_[0].key, "ada");
  EXPECT_EQ(events_[0].keyspace, "people");
  set("ada", R"({"name":"Ada","age":36})");
  EXPECT_EQ(people.get("ada").value().age, 36);
  EXPECT_EQ(loads_, 2);
}

TEST_F(TypedTest, AnotherShapeIsNoValue) {
  typed<person, json_codec> people(open("people"), {}, told<person>());
  set("ada", R"({"name":"Ada"})");
  EXPECT_EQ(people.get("ada").error(), errc::source_failed);
  EXPECT_EQ(kinds(), (std::vector{kind::unreadable}));
}

TEST_F(TypedTest, AnExceptionOfTheCodecIsWhyItCannotBeDecoded) {
  typed<int, number_codec> numbers(open("numbers"), {}, told<int>());
  set("one", "not a number");
  EXPECT_EQ(numbers.get("one").error(), errc::source_failed);
  EXPECT_EQ(events_.at(0).why.remark(), "stoi");
}

TEST_F(TypedTest, ANewerValueIsNotDroppedForAnOlderOneThatCannotBeDecoded) {
  auto bytes_of = open("numbers");

  struct slow_codec : number_codec {
    std::function<void()> before_failing;

    result<int> decode(std::string_view text) const {
      if (text == "bad") before_failing();
      return number_codec::decode(text);
    }
  };

  slow_codec codec;
  codec.before_failing = [&] { ASSERT_TRUE(bytes_of.put("one", "1")); };
  typed<int, slow_codec> numbers(bytes_of, codec, told<int>());
  set("one", "bad");
  EXPECT_EQ(numbers.get("one").error(), errc::source_failed);
  EXPECT_EQ(numbers.get("one").value(), 1);  // in the cache alone: a drop would have lost it
  EXPECT_EQ(kinds(), (std::vector{kind::unreadable}));
}

TEST_F(TypedTest, WhatIsTooLargeIsNeitherDecodedNorPut) {
  auto options = told<std::string>();
  options.max_size = 4;
  typed<std::string, string_codec> texts(open("texts"), {}, options);
  set("long", "12345");
  EXPECT_EQ(texts.get("long").error(), errc::source_failed);
  EXPECT_EQ(events_.at(0).why, errc::too_large);
  EXPECT_EQ(texts.put("short", "12345").error(), errc::too_large);
  EXPECT_EQ(texts.put("short", "1234").value().unconfirmed.size(), 0u);
  EXPECT_EQ(kinds(), (std::vector{kind::unreadable, kind::put_refused}));
}

TEST_F(TypedTest, AVetoLoadsOnceMoreAndThenCountsAsAbsent) {
  auto options = told<int>();
  options.guard = [](std::string_view, int value) { return value < 10; };
  typed<int, number_codec> numbers(open("numbers"), {}, options);
  set("one", "11");
  EXPECT_EQ(numbers.get("one").error(), errc::not_found);
  EXPECT_EQ(loads_, 2);
  EXPECT_EQ(kinds(), (std::vector{kind::refused_by_guard, kind::refused_by_guard}));
  set("one", "9");
  EXPECT_EQ(numbers.get("one").value(), 9);
}

TEST_F(TypedTest, AVetoOfWhatIsKeptGivesWhatTheSourceHasNow) {
  std::atomic<int> least{0};
  auto options = told<int>();
  options.guard = [&](std::string_view, int value) { return value >= least; };
  typed<int, number_codec> numbers(open("numbers"), {}, options);
  set("one", "1");
  EXPECT_EQ(numbers.get("one").value(), 1);
  set("one", "2");
  least = 2;
  EXPECT_EQ(numbers.get("one").value(), 2);
}

TEST_F(TypedTest, AGuardThatThrowsIsAVeto) {
  auto options = told<int>();
  options.guard = [](std::string_view, int) -> bool { throw std::runtime_error("no"); };
  typed<int, number_codec> numbers(open("numbers"), {}, options);
  set("one", "1");
  EXPECT_EQ(numbers.get("one").error(), errc::not_found);
}

TEST_F(TypedTest, InABatchEachMemberIsForItself) {
  auto options = told<int>();
  options.guard = [](std::string_view, int value) { return value != 13; };
  typed<int, number_codec> numbers(open("numbers"), {}, options);
  set("one", "1");
  set("bad", "bad");
  set("veto", "13");
  const auto all = numbers.get_many({"one", "bad", "none", "veto", "one"});
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0]->value, 1);
  EXPECT_EQ(all[1].error(), errc::source_failed);
  EXPECT_FALSE(all[2]->value);
  EXPECT_FALSE(all[3]->value);
  EXPECT_EQ(all[4]->value, 1);
  EXPECT_TRUE(numbers.get_many({}).empty());
}

TEST_F(TypedTest, UpdatesReadAndWriteItsType) {
  typed<int, number_codec> numbers(open("numbers"));
  const auto next = [](const int* before) -> std::optional<int> {
    return before == nullptr ? 1 : *before + 1;
  };
  EXPECT_TRUE(numbers.update("n", next));
  EXPECT_TRUE(numbers.update("n", next));
  EXPECT_EQ(numbers.get("n").value(), 2);
  const auto declined = numbers.update("n", [](const int*) { return std::optional<int>(); });
  EXPECT_EQ(declined.value().what, update_decision::kind::decline);
  set("bad", "bad");
  EXPECT_EQ(numbers.update("bad", next).error(), errc::source_failed);
}

TEST_F(TypedTest, TheAwaitableTwinsDoTheSame) {
  typed<int, number_codec> numbers(open("numbers"), {}, told<int>());
  set("one", "1");
  set("bad", "bad");
  const auto wait = [&](auto work) {
    auto done = asio::co_spawn(loop_, std::move(work), asio::use_future);
    loop_.restart();
    loop_.run();
    return done.get();
  };
  EXPECT_EQ(wait(numbers.async_get("one")).value(), 1);
  EXPECT_EQ(wait(numbers.async_get("bad")).error(), errc::source_failed);
  EXPECT_EQ(wait(numbers.async_get("none")).error(), errc::not_found);
  EXPECT_TRUE(wait(numbers.async_put("two", 2)));
  const auto next = [](const int* before) -> std::optional<int> { return *before + 1; };
  EXPECT_TRUE(wait(numbers.async_update("two", next)));
  EXPECT_EQ(wait(numbers.async_get("two")).value(), 3);
}

TEST_F(TypedTest, ARefusedPutAndAFailedInvalidationAreTold) {
  typed<int, number_codec> numbers(open("fixed", false), {}, told<int>());
  EXPECT_EQ(numbers.put("one", 1).error(), errc::method_not_allowed);
  EXPECT_TRUE(numbers.invalidate("one"));
  EXPECT_EQ(numbers.invalidate("").error(), errc::bad_key);
  EXPECT_EQ(kinds(), (std::vector{kind::put_refused, kind::invalidation_failed}));
}

TEST_F(TypedTest, AnInvalidationOfAnOlderVersionDropsNothing) {
  auto numbers = open("numbers");
  ASSERT_TRUE(numbers.put("one", "1"));
  const auto old = numbers.find("one")->entry.version;
  ASSERT_TRUE(numbers.put("one", "2"));
  const change_options that{.condition = precondition::if_unchanged(old)};
  EXPECT_EQ(numbers.invalidate("one", that).error(), errc::conflict);
  EXPECT_EQ(numbers.get("one")->text(), "2");
  const change_options now{
      .condition = precondition::if_unchanged(numbers.find("one")->entry.version)};
  EXPECT_TRUE(numbers.invalidate("one", now));
  EXPECT_EQ(numbers.get("one").error(), errc::not_found);
}

TEST_F(TypedTest, ADisabledKeyspaceHasNothingAndDoesNothing) {
  auto numbers = open("numbers");
  set("one", "1");
  EXPECT_EQ(numbers.get("one")->text(), "1");
  auto options = numbers.options();
  options.disabled = true;
  const auto off = cache_.update_keyspace(options);
  EXPECT_EQ(off.dropped, 1u);
  EXPECT_EQ(numbers.get("one").error(), errc::not_found);
  EXPECT_FALSE(numbers.get_many({"one", "two"}).at(1)->found);
  EXPECT_TRUE(numbers.put("one", "2"));
  EXPECT_TRUE(numbers.invalidate("one"));
  EXPECT_TRUE(numbers.clear());
  EXPECT_EQ(numbers.get("one").error(), errc::not_found);
  EXPECT_EQ(loads_, 1);
  options.disabled = false;
  cache_.update_keyspace(options);
  EXPECT_EQ(numbers.get("one")->text(), "1");
}

// ---- a listener that takes its time

typed_event numbered(int number) {
  return {typed_event::kind::put_refused, "k", std::to_string(number), {}};
}

TEST(EventLineTest, HandsOverInOrderOnAThreadOfItsOwn) {
  std::promise<void> done;
  std::vector<std::string> seen;
  event_line line([&](const typed_event& event) {
    seen.push_back(event.key);
    if (seen.size() == 3) done.set_value();
  });
  for (int i = 0; i != 3; ++i) line(numbered(i));
  done.get_future().get();
  EXPECT_EQ(seen, (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(line.dropped(), 0u);
}

TEST(EventLineTest, CountsWhatItHasNoPlaceFor) {
  std::promise<void> entered, go;
  std::atomic<int> seen{0};
  event_line line(
      [&](const typed_event&) {
        if (seen++ == 0) {
          entered.set_value();
          go.get_future().get();
        }
      },
      2
  );
  line(numbered(0));
  entered.get_future().get();
  for (int i = 1; i != 6; ++i) line(numbered(i));
  EXPECT_EQ(line.dropped(), 3u);
  go.set_value();
  line.close();
  EXPECT_GE(seen, 1);
}

TEST(EventLineTest, CloseWaitsForTheOneInProgressAndDropsTheRest) {
  std::promise<void> entered, go;
  std::atomic<bool> has_ended{false};
  event_line line([&](const typed_event&) {
    entered.set_value();
    go.get_future().get();
    has_ended = true;
  });
  line(numbered(0));
  entered.get_future().get();
  line(numbered(1));
  auto closing = std::async(std::launch::async, [&] {
    line.close();
    return has_ended.load();
  });
  EXPECT_TRUE(test::eventually([&] { return line.dropped() == 1; }));  // close() has begun
  go.set_value();
  EXPECT_TRUE(closing.get());
  line(numbered(2));
  line.close();
  EXPECT_EQ(line.dropped(), 2u);
}

TEST(EventLineTest, RefusesAnEmptyListener) {
  EXPECT_THROW(event_line line({}), std::invalid_argument);
}

}  // namespace
}  // namespace weir
