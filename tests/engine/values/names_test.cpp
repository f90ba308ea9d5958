#include "engine/membership/health.hpp"
#include "tests/support/enum_names.hpp"

#include <weir/engine/errc.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/stats.hpp>

namespace weir {
namespace {

TEST(NamesTest, EachOutcomeOfAReadHasItsOwn) {
  test::expect_named<read_outcome>(read_outcome_count);
}

TEST(NamesTest, EachReasonToDropANearCopyHasItsOwn) {
  test::expect_named<near_drop>(near_drop_count);
}

TEST(NamesTest, EachErrorHasItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 1; i != errc_count; ++i) names.insert(name(static_cast<errc>(i)));
  EXPECT_EQ(names.size(), errc_count - 1);
  EXPECT_EQ(make_error_code(static_cast<errc>(errc_count)).message(), "unknown error");
}

TEST(NamesTest, AStateOfHealthIsShownUnderItsOwnName) {
  using state = health::state;
  EXPECT_EQ(shown(state::unproven), member_state::unproven);
  EXPECT_EQ(shown(state::reachable), member_state::reachable);
  EXPECT_EQ(shown(state::unreachable), member_state::unreachable);
}

}  // namespace
}  // namespace weir
