#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <set>
#include <string_view>

namespace weir::test {

/// Expects that the first `count` enumerators have names of their own, and that no other has one.
template <class Enum>
void expect_named(std::size_t count, std::string_view no_name = "unknown") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i != count; ++i) {
    const auto each = name(static_cast<Enum>(i));
    EXPECT_FALSE(each.empty() || each == no_name) << i;
    EXPECT_TRUE(names.insert(each).second) << each;
  }
  EXPECT_EQ(name(static_cast<Enum>(count)), no_name) << "one more than the count says";
}

}  // namespace weir::test
