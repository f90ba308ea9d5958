#include <weir/transport/json_writer.hpp>
#include <weir/transport/text.hpp>

#include <gtest/gtest.h>

namespace weir {
namespace {

using std::chrono::milliseconds;

TEST(Text, DurationsNeedUnits) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("1h30m"), milliseconds(5'400'000));
  EXPECT_EQ(parse_duration("7d"), milliseconds(604'800'000));
  EXPECT_EQ(parse_duration("0s"), milliseconds(0));
  for (const auto* bad :
       {"",
        "5",
        "s",
        "-1s",
        "+1s",
        "1.5s",
        "1e9",
        "NaN",
        "5 s",
        "5S",
        "s5",
        "1m1h",
        "1m1m",
        "99999999999999999999s",
        "9223372036854775807s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
}

TEST(Text, Base64GoesBothWays) {
  for (const std::string data : {"", "f", "fo", "foo", "foob", "fooba", "foobar", "\xff\xfe\xfd"}) {
    std::string text;
    append_base64(text, data);
    EXPECT_EQ(decode_base64(text), data);
  }
  std::string text;
  append_base64(text, "foobar");
  EXPECT_EQ(text, "Zm9vYmFy");
}

TEST(Text, Base64IsStrict) {
  for (const auto* bad :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "Zg==Zg==", "Zm 9", "Zm-_"}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
}

TEST(Text, Utf8IsStrict) {
  EXPECT_TRUE(is_utf8("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const auto* bad :
       {"\x80",
        "\xc3",
        "\xc0\xaf",
        "\xe0\x80\xaf",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "a\xff",
        "\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(JsonWriter, SetsCommasBetweenMembersAndElements) {
  json_writer json;
  json.begin_object().member("a", 1).member("b", "x").name("c").begin_array();
  json.value(true).value(-2).begin_object().end_object().end_array();
  json.member("d", 0.5).end_object();
  EXPECT_EQ(json.text(), R"({"a":1,"b":"x","c":[true,-2,{}],"d":0.5})");
}

}  // namespace
}  // namespace weir
