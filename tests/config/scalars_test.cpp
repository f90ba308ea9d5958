#include "config/yaml/scalars.hpp"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

using namespace std::chrono_literals;

/// What is wrong with a text, as `text (hint)`.
template <class T>
std::string wrong(const parsed<T>& given) {
  if (given) return "nothing";
  return given.error().hint.empty() ? given.error().text
                                    : given.error().text + " (" + given.error().hint + ")";
}

TEST(Duration, ReadsEachUnit) {
  EXPECT_EQ(*parse_duration("250ms"), 250ms);
  EXPECT_EQ(*parse_duration("30s"), 30s);
  EXPECT_EQ(*parse_duration("2m"), 2min);
  EXPECT_EQ(*parse_duration("3h"), 3h);
  EXPECT_EQ(*parse_duration("7d"), 168h);
}

TEST(Duration, AddsUnitsFromLargeToSmall) {
  EXPECT_EQ(*parse_duration("1h30m"), 90min);
  EXPECT_EQ(*parse_duration("1d1h1m1s1ms"), 25h + 61s + 1ms);
}

TEST(Duration, ZeroNeedsNoUnit) {
  EXPECT_EQ(*parse_duration("0"), 0ms);
}

TEST(Duration, OtherNumbersNeedAUnit) {
  EXPECT_EQ(wrong(parse_duration("30")), "\"30\" has no unit (write 30s)");
}

TEST(Duration, UnitsDoNotRepeatOrGrow) {
  EXPECT_FALSE(parse_duration("1s1s"));
  EXPECT_FALSE(parse_duration("30m1h"));
}

TEST(Duration, NamesTheRightUnitForWords) {
  EXPECT_EQ(wrong(parse_duration("5min")), "\"5min\" is not a duration (write 5m)");
  EXPECT_EQ(wrong(parse_duration("5 sec")), "\"5 sec\" is not a duration (write 5s)");
  EXPECT_EQ(wrong(parse_duration("5MS")), "\"5MS\" is not a duration (write 5ms)");
  EXPECT_EQ(wrong(parse_duration("5us")), "\"5us\" is not a duration (the smallest unit is ms)");
}

TEST(Duration, RefusesSignsAndFractions) {
  EXPECT_EQ(wrong(parse_duration("-5s")), "\"-5s\" is negative (write 0 or more)");
  for (const char* text : {"+5s", "1.5h", "", " 5s", "5s ", "s", "1e9", "NaN", "5s!"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(Duration, RefusesWhatDoesNotFit) {
  EXPECT_EQ(wrong(parse_duration("9223372036854775807d")), "\"9223372036854775807d\" is too large");
  EXPECT_FALSE(parse_duration("99999999999999999999ms"));
  EXPECT_EQ(*parse_duration("9223372036854775807ms"), milliseconds::max());
}

TEST(Duration, PrintsWhatItReads) {
  for (const char* text : {"0", "1ms", "250ms", "30s", "1h30m", "7d", "1d1ms"}) {
    EXPECT_EQ(print_duration(*parse_duration(text)), text);
  }
}

TEST(Size, ReadsBinaryAndDecimalUnits) {
  EXPECT_EQ(*parse_size("512B"), 512u);
  EXPECT_EQ(*parse_size("64KiB"), 65536u);
  EXPECT_EQ(*parse_size("64MB"), 64'000'000u);
  EXPECT_EQ(*parse_size("64MiB"), 67108864u);
  EXPECT_EQ(*parse_size("1TiB"), std::uint64_t{1} << 40);
  EXPECT_EQ(*parse_size("0"), 0u);
}

TEST(Size, AsksForTheExactSpelling) {
  EXPECT_EQ(
      wrong(parse_size("64Mb")), "\"64Mb\" is not a size (write 64MB (decimal) or 64MiB (binary))"
  );
  EXPECT_EQ(wrong(parse_size("2g")), "\"2g\" is not a size (write 2GB (decimal) or 2GiB (binary))");
}

TEST(Size, NeedsAUnit) {
  EXPECT_EQ(wrong(parse_size("64")), "\"64\" has no unit (write 64B or 64MiB)");
}

TEST(Size, RefusesNonsense) {
  EXPECT_EQ(wrong(parse_size("-1MiB")), "\"-1MiB\" is negative (write 0B or more)");
  for (const char* text : {"10GBx", "", "MiB", "1.5GiB", "1 MiB", "1MiB ", "0x10B", "1e3B"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(Size, RefusesWhatDoesNotFit) {
  EXPECT_EQ(wrong(parse_size("9999999999TiB")), "\"9999999999TiB\" is too large");
}

TEST(Size, PrintsWhatItReads) {
  for (const char* text : {"0", "1B", "64KiB", "64MiB", "1GiB", "64MB", "1000001B"}) {
    EXPECT_EQ(print_size(*parse_size(text)), text);
  }
}

TEST(Ratio, ReadsPercentAndFraction) {
  EXPECT_DOUBLE_EQ(*parse_ratio("10%"), 0.1);
  EXPECT_DOUBLE_EQ(*parse_ratio("12.5%"), 0.125);
  EXPECT_DOUBLE_EQ(*parse_ratio("0.1"), 0.1);
}

TEST(Ratio, TakesAWholeNumberForAForgottenPercentSign) {
  EXPECT_EQ(wrong(parse_ratio("10")), "\"10\" is more than 1 (write 10%)");
}

TEST(Ratio, RefusesNonsense) {
  for (const char* text : {"", "%", "-1%", "1e1%", "nan", "inf", "10 %", ".5", "1.%"}) {
    EXPECT_FALSE(parse_ratio(text)) << text;
  }
}

TEST(Ratio, PrintsPercentWhereThatIsExact) {
  EXPECT_EQ(print_ratio(0.1), "10%");
  EXPECT_EQ(print_ratio(0.125), "12.5%");
  EXPECT_EQ(*parse_ratio(print_ratio(1.0 / 3)), 1.0 / 3);
}

TEST(Integer, TakesDecimalDigitsOnly) {
  EXPECT_EQ(*parse_integer("512"), 512u);
  for (const char* text : {"", "0x1F", "1e3", "+5", "5.0", "010", "five", " 5", "0o17"}) {
    EXPECT_FALSE(parse_integer(text)) << text;
  }
}

TEST(Integer, OffersTheNumberWithoutSeparators) {
  EXPECT_EQ(wrong(parse_integer("1_000")), "\"1_000\" is not a whole number (write 1000)");
}

TEST(Integer, RefusesWhatDoesNotFit) {
  EXPECT_EQ(
      wrong(parse_integer("100000000000000000000")), "\"100000000000000000000\" is too large"
  );
  EXPECT_EQ(wrong(parse_integer("-1")), "\"-1\" is negative");
}

TEST(Boolean, IsTrueOrFalse) {
  EXPECT_TRUE(*parse_boolean("true"));
  EXPECT_FALSE(*parse_boolean("false"));
}

TEST(Boolean, OffersTheWordForOthers) {
  EXPECT_EQ(wrong(parse_boolean("yes")), "\"yes\" is not a boolean (write true)");
  EXPECT_EQ(wrong(parse_boolean("Off")), "\"Off\" is not a boolean (write false)");
  EXPECT_EQ(wrong(parse_boolean("maybe")), "\"maybe\" is not a boolean (write true or false)");
}

TEST(Address, ReadsHostsAndBothAddressFamilies) {
  EXPECT_EQ(*parse_address("cache-1.example.org:7420"), (address{"cache-1.example.org", 7420}));
  EXPECT_EQ(*parse_address("127.0.0.1:7421"), (address{"127.0.0.1", 7421}));
  EXPECT_EQ(*parse_address("[::]:7420"), (address{"::", 7420}));
  EXPECT_EQ(*parse_address(":7420"), (address{"", 7420}));
}

TEST(Address, PortsEndAt65535) {
  EXPECT_EQ(parse_address("h:65535")->port, 65535);
  EXPECT_EQ(
      wrong(parse_address("h:65536")),
      "\"h:65536\" has the port \"65536\" (a port is a number from 1 to 65535)"
  );
  EXPECT_EQ(
      wrong(parse_address("h:80x")),
      "\"h:80x\" has the port \"80x\" (a port is a number from 1 to 65535)"
  );
  EXPECT_FALSE(parse_address("h:-1"));
  EXPECT_FALSE(parse_address("h:"));
}

TEST(Address, RefusesZones) {
  EXPECT_EQ(
      wrong(parse_address("[fe80::1%eth0]:80")),
      "\"[fe80::1%eth0]:80\" has an IPv6 zone (zones are not supported; use another address)"
  );
}

TEST(Address, WantsBracketsAroundIPv6) {
  EXPECT_EQ(
      wrong(parse_address("::1:7420")),
      "\"::1:7420\" has more than one colon (put an IPv6 address in brackets: [::1]:7420)"
  );
}

TEST(Address, RefusesNonsense) {
  for (const char* text :
       {"",
        "host",
        "7420",
        "1.2.3.456:80",
        "10.0.0:80",
        "0x7f000001:80",
        "[::1]",
        "[::1:80",
        "[x]:80",
        "a b:80",
        "-a:80",
        "a..b:80",
        "http://h:80",
        "h:80/",
        "[::1]80"}) {
    EXPECT_FALSE(parse_address(text)) << text;
  }
}

TEST(Address, PrintsWhatItReads) {
  for (const char* text : {"127.0.0.1:7421", "[::1]:7420", ":7420", "host:1"}) {
    EXPECT_EQ(to_string(*parse_address(text)), text);
  }
}

TEST(Address, KnowsLoopback) {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1"}) {
    EXPECT_TRUE(is_loopback(*parse_address(text))) << text;
  }
  for (const char* text : {":1", "[::]:1", "0.0.0.0:1", "10.0.0.1:1", "127.example.org:1"}) {
    EXPECT_FALSE(is_loopback(*parse_address(text))) << text;
  }
}

}  // namespace
}  // namespace weir::config
