#include "config/table/table.hpp"

#include "config/decode/decode.hpp"
#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

class TableTest : public config_test {};

/// Compares the default that the table promises with the one that the structs have.
void expect_defaults(const shape& rows, const void* object, const std::string& path) {
  for (const auto& row : rows.fields) {
    const std::string name = path + std::string(row.name);
    if (row.type == kind::group) {
      const void* member = row.member.peek(object);
      if (member != nullptr) expect_defaults(*row.rows, member, name + ".");
    } else if (!row.fallback.empty()) {
      EXPECT_EQ(*parse_value(row, row.fallback), row.member.get(object)) << name;
    }
  }
}

TEST_F(TableTest, TheTableAndTheStructsAgreeOnDefaults) {
  const settings defaults;
  expect_defaults(settings_shape(), &defaults, "");
  const keyspace_settings keyspace;
  expect_defaults(keyspace_shape, &keyspace, "keyspaces[].");
  const dns_discovery dns;
  expect_defaults(*settings_shape().find("discovery")->rows->find("dns")->rows, &dns, "dns.");
  const http_source http;
  for (const auto& each : keyspace_shape.find("source")->alternatives) {
    if (each.type == "http") expect_defaults(*each.rows, &http, "http.");
  }
}

/// Each default and bound of the table must itself be a valid value.
void expect_bounds(const shape& rows) {
  for (const auto& row : rows.fields) {
    if (row.rows != nullptr) expect_bounds(*row.rows);
    for (const auto& each : row.alternatives) expect_bounds(*each.rows);
    if (row.type > kind::choice || row.type == kind::text) continue;
    for (const auto text : {row.fallback, row.low, row.high}) {
      EXPECT_TRUE(text.empty() || decode_text(row, text)) << row.name << " " << text;
    }
  }
}

TEST_F(TableTest, TheBoundsOfTheTableAreValid) {
  expect_bounds(settings_shape());
}

TEST_F(TableTest, EveryRowHasAText) {
  const auto check = [](const auto& self, const shape& rows) -> void {
    for (const auto& row : rows.fields) {
      EXPECT_FALSE(row.text.empty()) << rows.name << "." << row.name;
      if (row.rows != nullptr) self(self, *row.rows);
      for (const auto& each : row.alternatives) self(self, *each.rows);
    }
  };
  check(check, settings_shape());
}
}  // namespace
}  // namespace weir::config
