#include "discovery/nats/nats_presence.hpp"

#include <weir/engine/limits.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::string_literals;

constexpr std::string_view secret = "correct horse battery";

nats_presence sample() {
  return {
      .what = nats_presence::kind::here,
      .cluster = "demo",
      .id = "n1",
      .address = "10.0.0.1:7420",
      .incarnation = 0xdeadbeef00000001,
      .at = 1'700'000'000'000,
  };
}

nats_outcome read(std::string_view text, std::string_view key = "") {
  nats_presence ignored;
  return read_nats_presence(text, "demo", key, ignored);
}

TEST(NatsPresenceTest, IsOneLineOfWords) {
  EXPECT_EQ(
      write_nats_presence(sample(), ""),
      "weir1 here demo n1 10.0.0.1:7420 deadbeef00000001 1700000000000 -"
  );
}

TEST(NatsPresenceTest, TheSignatureIsHmacSha256OfAllBeforeIt) {
  // printf 'weir1 here ... 1700000000000' | openssl dgst -sha256 -hmac 'correct horse battery'
  EXPECT_EQ(
      write_nats_presence(sample(), secret),
      "weir1 here demo n1 10.0.0.1:7420 deadbeef00000001 1700000000000 "
      "2ec4268e5e5d119db64fef7a47f4879dbb55788af9059b22665bd2f513305dee"
  );
}

TEST(NatsPresenceTest, WhatIsWrittenIsRead) {
  auto wanted = sample();
  wanted.what = nats_presence::kind::gone;
  wanted.id = "a b%\r\n\0\xff"s;
  wanted.address = "[fd00::1]:1";
  for (const auto key : {std::string_view(), secret}) {
    nats_presence got;
    EXPECT_EQ(
        read_nats_presence(write_nats_presence(wanted, key), "demo", key, got), nats_outcome::heard
    );
    EXPECT_EQ(got, wanted);
  }
}

TEST(NatsPresenceTest, AnyOtherByteIsForgedOrMalformed) {
  const auto good = write_nats_presence(sample(), secret);
  ASSERT_EQ(read(good, secret), nats_outcome::heard);
  for (std::size_t i = 0; i != good.size(); ++i) {
    for (const int change : {1, 32, 128}) {
      auto bad = good;
      bad[i] = static_cast<char>(bad[i] ^ change);
      EXPECT_NE(read(bad, secret), nats_outcome::heard) << bad;
    }
    EXPECT_NE(read(good.substr(0, i), secret), nats_outcome::heard);
    EXPECT_NE(read(good.substr(i + 1), secret), nats_outcome::heard);
    EXPECT_NE(read(good.substr(0, i) + ' ' + good.substr(i), secret), nats_outcome::heard);
  }
  EXPECT_EQ(read(good + "0", secret), nats_outcome::forged);
  EXPECT_EQ(read(good, "another secret !"), nats_outcome::forged);
  EXPECT_EQ(read(write_nats_presence(sample(), ""), secret), nats_outcome::is_unsigned);
}

TEST(NatsPresenceTest, ASignatureIsNotLookedAtWithoutASecret) {
  EXPECT_EQ(read(write_nats_presence(sample(), secret)), nats_outcome::heard);
}

TEST(NatsPresenceTest, AnotherClusterIsNamedBeforeItsSignature) {
  auto other = sample();
  other.cluster = "prod";
  EXPECT_EQ(read(write_nats_presence(other, "x"), secret), nats_outcome::other_cluster);
}

TEST(NatsPresenceTest, RefusesWhatIsNoPresence) {
  const std::vector<std::string> bad{
      "",
      " ",
      "x",
      "weir1",
      "weir2 here demo n1 10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 come demo n1 10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here demo  10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here  n1 10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 10.0.0.1 deadbeef00000001 1 -",
      "weir1 here demo n1 10.0.0.1:0 deadbeef00000001 1 -",
      "weir1 here demo n1 10.0.0.1:65536 deadbeef00000001 1 -",
      "weir1 here demo n1 :7420 deadbeef00000001 1 -",
      "weir1 here demo n1 0.0.0.0:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 [::]:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 224.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 [ff02::1]:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 255.255.255.255:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 a\"b:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 10.0.0.1:7420 beef 1 -",
      "weir1 here demo n1 10.0.0.1:7420 deadbeef0000000g 1 -",
      "weir1 here demo n1 10.0.0.1:7420 deadbeef00000001 -1 -",
      "weir1 here demo n1 10.0.0.1:7420 deadbeef00000001 18446744073709551616 -",
      "weir1 here demo n1 10.0.0.1:7420 deadbeef00000001 1",
      "weir1 here demo n1 10.0.0.1:7420 deadbeef00000001 1 - -",
      "weir1 here demo n% 10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here demo n%zz 10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here demo n/1 10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here demo " + std::string(max_name + 1, 'n') + " 10.0.0.1:7420 deadbeef00000001 1 -",
      "weir1 here demo n1 " + std::string(256, 'a') + ":7420 deadbeef00000001 1 -",
      std::string(2'049, 'x'),
      std::string(2'000, ' '),
      std::string(100, '\0'),
  };
  for (const auto& each : bad) EXPECT_EQ(read(each), nats_outcome::malformed) << each;
  const std::string longest(max_name, 'n');
  EXPECT_EQ(
      read("weir1 here demo " + longest + " 10.0.0.1:7420 deadbeef00000001 1 -"),
      nats_outcome::heard
  );
}

}  // namespace
}  // namespace weir
