// What YAML allows is what the C++ options allow.
#include "config/table/table.hpp"
#include "config/yaml/scalars.hpp"

#include <weir/engine/limits.hpp>

#include <gtest/gtest.h>

#include <string>

namespace weir::config {
namespace {

/// The row at `path`, its names joined by dots.
const field& row(std::string_view path) {
  const auto* rows = &settings_shape();
  while (true) {
    const auto dot = path.find('.');
    const auto* found = rows->find(path.substr(0, dot));
    EXPECT_NE(found, nullptr) << path;
    if (dot == path.npos) return *found;
    rows = found->rows;
    path.remove_prefix(dot + 1);
  }
}

std::uint64_t most(std::string_view path) {
  return *parse_integer(row(path).high);
}

TEST(YamlLimitsTest, NamesAreAsLongAsInCpp) {
  EXPECT_EQ(most("node.id"), max_name);
  EXPECT_EQ(most("cluster"), max_name);
  EXPECT_EQ(most("auth.tokens.name"), max_name);
  EXPECT_EQ(row("node.id").charset, name_characters);
  EXPECT_EQ(most("keyspaces.name"), max_keyspace_name);
  EXPECT_EQ(row("keyspaces.name").charset, keyspace_name_characters);
}

TEST(YamlLimitsTest, NumbersReachAsFarAsInCpp) {
  EXPECT_EQ(most("node.weight"), max_weight);
  EXPECT_EQ(most("ring.vnodes"), max_vnodes);
  EXPECT_EQ(*parse_number(row("ring.bounded_load").high), max_bounded_load);
  EXPECT_EQ(*parse_ratio(row("keyspaces.jitter").high), max_jitter);
  EXPECT_EQ(most("keyspaces"), max_keyspaces);
  EXPECT_EQ(most("auth.tokens.keyspaces"), max_keyspaces);
  EXPECT_EQ(most("keyspaces.max_key"), max_key_bytes);
  EXPECT_EQ(most("keyspaces.loads.concurrent"), max_concurrent_loads);
  EXPECT_EQ(most("keyspaces.loads.queue"), max_queued_loads);
  EXPECT_EQ(most("keyspaces.loads.batch"), max_batch_keys);
}

TEST(YamlLimitsTest, SizesAndTimesReachAsFarAsInCpp) {
  const auto time = [](std::string_view path) { return *parse_duration(row(path).high); };
  EXPECT_EQ(*parse_size(row("keyspaces.max_entry").high), max_value_bytes);
  EXPECT_EQ(time("keyspaces.ttl"), max_ttl);
  EXPECT_EQ(time("keyspaces.negative_ttl"), max_ttl);
  EXPECT_EQ(time("keyspaces.loads.timeout"), max_load_timeout);
  EXPECT_EQ(time("hedge.after"), max_hedge_after);
}

TEST(YamlLimitsTest, ANumberIsWrittenWithoutZerosInFront) {
  EXPECT_EQ(decimal<0>, "0");
  EXPECT_EQ(decimal<7>, "7");
  EXPECT_EQ(decimal<1'000'000>, "1000000");
  EXPECT_EQ(decimal<UINT64_MAX>, "18446744073709551615");
}

}  // namespace
}  // namespace weir::config
