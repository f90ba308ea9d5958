#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string of_size(std::size_t size) {
  return std::string(size, 'n');
}

/// What check() says of `given`; empty = nothing.
template <class Options>
std::string refusal(const Options& given) {
  try {
    check(given);
  } catch (const std::invalid_argument& refused) {
    return refused.what();
  }
  return {};
}

std::string refused_with(void (*change)(keyspace_options&)) {
  keyspace_options options{.name = "users"};
  change(options);
  return refusal(options);
}

TEST(LimitsTest, ANameHas1To64OfItsCharacters) {
  EXPECT_FALSE(is_name(""));
  EXPECT_TRUE(is_name("n"));
  EXPECT_TRUE(is_name(of_size(64)));
  EXPECT_FALSE(is_name(of_size(65)));
  EXPECT_TRUE(is_name("AZaz09._-"));
  for (const auto* odd : {" ", "/", ":", "@", "[", "`", "{", "\xc3\xbc", "n\n"})
    EXPECT_FALSE(is_name(odd)) << odd;
  EXPECT_FALSE(is_name(std::string_view("n\0", 2)));
}

TEST(LimitsTest, AKeyspaceNameHas1To64OfFewerCharacters) {
  EXPECT_FALSE(is_keyspace_name(""));
  EXPECT_TRUE(is_keyspace_name("u"));
  EXPECT_TRUE(is_keyspace_name(of_size(64)));
  EXPECT_FALSE(is_keyspace_name(of_size(65)));
  EXPECT_TRUE(is_keyspace_name("az09_-"));
  for (const auto* odd : {"A", "a.b", " ", "/", ":", "`", "{", "\xc3\xbc"})
    EXPECT_FALSE(is_keyspace_name(odd)) << odd;
}

TEST(LimitsTest, AnIdentityAtItsLimitsIsFine) {
  const identity most{
      .cluster = of_size(max_name),
      .id = of_size(max_name),
      .weight = max_weight,
      .ring = {.vnodes = max_vnodes, .bounded_load = max_bounded_load}};
  EXPECT_THAT(fault_of(most), IsEmpty());
  const identity least{.id = "n", .ring = {.vnodes = 1, .bounded_load = 1}};
  EXPECT_THAT(fault_of(least), IsEmpty());
}

TEST(LimitsTest, AnIdentityOverALimitIsRefusedWithTheRange) {
  const auto text = [](void (*change)(identity&)) {
    identity who{.cluster = "test", .id = "n1"};
    change(who);
    return refusal(who);
  };
  EXPECT_EQ(
      text([](identity& who) { who.id.assign(max_name + 1, 'n'); }),
      "node id has 65 bytes; it must be 1 to 64 of A-Za-z0-9._-"
  );
  EXPECT_THAT(text([](identity& who) { who.id = ""; }), HasSubstr("node id has 0 bytes"));
  EXPECT_EQ(
      text([](identity& who) { who.cluster.assign(max_name + 1, 'c'); }),
      "cluster name has 65 bytes; it must be 1 to 64 of A-Za-z0-9._-"
  );
  EXPECT_EQ(
      text([](identity& who) { who.weight = max_weight + 1; }),
      "node weight is 101; it must be 1 to 100"
  );
  EXPECT_THAT(text([](identity& who) { who.weight = 0; }), HasSubstr("node weight is 0"));
  EXPECT_EQ(
      text([](identity& who) { who.ring.vnodes = max_vnodes + 1; }),
      "ring: vnodes is 4097; set 1..4096"
  );
  EXPECT_THAT(
      text([](identity& who) { who.ring.bounded_load = 10.5; }), HasSubstr("set 0 (off) or 1..10")
  );
}

TEST(LimitsTest, AnEngineIsNotMadeOfAnIdentityThatNoPeerWouldTake) {
  runtime threads({.threads = 1});
  const auto made_with = [&](identity self, engine_options options) -> std::string {
    try {
      const engine made(threads, std::move(self), options);
    } catch (const std::invalid_argument& refused) {
      return refused.what();
    }
    return {};
  };
  EXPECT_THAT(made_with({.id = of_size(max_name)}, {}), IsEmpty());
  EXPECT_THAT(made_with({.id = of_size(max_name + 1)}, {}), HasSubstr("65 bytes"));
  EXPECT_THAT(
      made_with({.id = "n1"}, {.ring = {.vnodes = max_vnodes + 1}}), HasSubstr("vnodes is 4097")
  );
}

TEST(LimitsTest, AKeyspaceAtItsLimitsIsFine) {
  const keyspace_options most{
      .name = of_size(max_keyspace_name),
      .ttl = max_ttl,
      .jitter = max_jitter,
      .negative_ttl = max_ttl,
      .max_entry = max_value_bytes,
      .max_key = max_key_bytes,
      .loads = {
          .concurrent = max_concurrent_loads,
          .queue = max_queued_loads,
          .timeout = max_load_timeout}};
  EXPECT_THAT(refusal(most), IsEmpty());
}

TEST(LimitsTest, AKeyspaceOverALimitIsRefusedWithTheRange) {
  using options = keyspace_options;
  EXPECT_THAT(
      refused_with([](options& o) { o.name = of_size(max_keyspace_name + 1); }),
      HasSubstr("a name has 1 to 64 characters of a-z0-9_-")
  );
  EXPECT_THAT(refused_with([](options& o) { o.name = "Users"; }), HasSubstr("a name has"));
  EXPECT_THAT(
      refused_with([](options& o) { o.ttl = max_ttl + milliseconds(1); }),
      HasSubstr("ttl (ms) is 2592000001; it must be 0 to 2592000000")
  );
  EXPECT_THAT(
      refused_with([](options& o) { o.negative_ttl = max_ttl + milliseconds(1); }),
      HasSubstr("negative_ttl (ms)")
  );
  EXPECT_THAT(
      refused_with([](options& o) { o.jitter = 0.91; }), HasSubstr("jitter must be 0 to 0.9")
  );
  EXPECT_THAT(
      refused_with([](options& o) { o.max_entry = max_value_bytes + 1ull; }),
      HasSubstr("max_entry (bytes) is 67108865; it must be 1 to 67108864")
  );
  EXPECT_THAT(
      refused_with([](options& o) { o.max_key = max_key_bytes + 1; }),
      HasSubstr("max_key (bytes) is 4097; it must be 1 to 4096")
  );
  EXPECT_THAT(
      refused_with([](options& o) { o.loads.concurrent = max_concurrent_loads + 1; }),
      HasSubstr("it must be 1 to 10000")
  );
  EXPECT_THAT(
      refused_with([](options& o) { o.loads.queue = max_queued_loads + 1; }),
      HasSubstr("it must be 0 to 1000000")
  );
  EXPECT_THAT(
      refused_with([](options& o) { o.loads.timeout = max_load_timeout + milliseconds(1); }),
      HasSubstr("loads.timeout (ms) is 600001; it must be 1 to 600000")
  );
}

TEST(LimitsTest, AHedgeWaitsForAMinuteAtMost) {
  EXPECT_THAT(refusal(hedge_options{.after = max_hedge_after}), IsEmpty());
  EXPECT_EQ(
      refusal(hedge_options{.after = max_hedge_after + milliseconds(1)}),
      "hedge: after (ms) is 60001, expected 0 to 60000"
  );
}

}  // namespace
}  // namespace weir
