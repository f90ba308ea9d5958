#include "discovery/dns/dns_message.hpp"

#include "tests/discovery/dns/dns_wire.hpp"

#include <weir/engine/errc.hpp>

#include <gtest/gtest.h>

#include <random>

namespace weir {
namespace {

using namespace std::string_literals;
using test::dns_wire;

constexpr std::uint16_t good = 0x8180;
const std::string ten_one("\x0a\0\0\1", 4);
const std::string ten_two("\x0a\0\0\2", 4);

dns_wire answer(dns_type type) {
  return {7, "peers.test", static_cast<std::uint16_t>(type), good};
}

result<dns_message> read(const std::string& text, dns_type type) {
  return read_dns_message({reinterpret_cast<const unsigned char*>(text.data()), text.size()}, type);
}

void refuses(const std::string& text, dns_type type = dns_type::a) {
  const auto got = read(text, type);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), errc::bad_request);
}

TEST(DnsMessageTest, ReadsAddressesAndTheirTtl) {
  const auto got = read(
      answer(dns_type::a).a("peers.test", 3, ten_one).a("PEERS.test", 70'000, ten_two).text(),
      dns_type::a
  );
  ASSERT_TRUE(got);
  ASSERT_EQ(got->records.size(), 2u);
  EXPECT_EQ(got->records[0].address, "10.0.0.1");
  EXPECT_EQ(got->records[0].ttl, 3u);
  EXPECT_EQ(got->records[1].address, "10.0.0.2");
  EXPECT_EQ(got->records[1].ttl, 70'000u);
}

TEST(DnsMessageTest, ReadsIpv6) {
  const std::string bytes = "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"s;
  const auto got = read(answer(dns_type::aaaa).a("peers.test", 3, bytes).text(), dns_type::aaaa);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->records.at(0).address, "fd00::1");
}

TEST(DnsMessageTest, ReadsServicesWithTheAddressesThatCameAlong) {
  const auto got = read(
      answer(dns_type::srv)
          .srv("peers.test", 9, 7431, "n1.peers.test")
          .glue("n1.peers.test", 9, ten_one)
          .text(),
      dns_type::srv
  );
  ASSERT_TRUE(got);
  ASSERT_EQ(got->records.size(), 1u);
  EXPECT_EQ(got->records[0].host, "n1.peers.test");
  EXPECT_EQ(got->records[0].port, 7431);
  EXPECT_EQ(got->records[0].weight, 7);
  ASSERT_EQ(got->glue.size(), 1u);
  EXPECT_EQ(got->glue[0].host, "n1.peers.test");
  EXPECT_EQ(got->glue[0].address, "10.0.0.1");
}

TEST(DnsMessageTest, FollowsAliasesAndTakesTheShortestTtl) {
  const auto got = read(
      answer(dns_type::a)
          .cname("peers.test", 2, "other.test")
          .cname("other.test", 60, "third.test")
          .a("third.test", 30, ten_one)
          .text(),
      dns_type::a
  );
  ASSERT_TRUE(got);
  ASSERT_EQ(got->records.size(), 1u);
  EXPECT_EQ(got->records[0].ttl, 2u);
}

TEST(DnsMessageTest, FollowsPointers) {
  const auto text = answer(dns_type::a).text();
  const auto record = "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1"s;
  auto changed = text + record;
  changed[7] = 1;
  const auto got = read(changed, dns_type::a);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->records.at(0).address, "10.0.0.1");
}

TEST(DnsMessageTest, PassesOverOtherNamesAndTypes) {
  const auto got = read(
      answer(dns_type::a).a("evil.test", 3, ten_one).record("peers.test", 16, 3, "\3abc").text(),
      dns_type::a
  );
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->records.empty());
}

TEST(DnsMessageTest, ATtlWithTheHighestBitIsNone) {
  const auto got =
      read(answer(dns_type::a).a("peers.test", 0x80000001, ten_one).text(), dns_type::a);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->records.at(0).ttl, 0u);
}

TEST(DnsMessageTest, RefusesAddressesNobodyCanDial) {
  for (const auto& bytes : {"\0\0\0\0"s, "\xff\xff\xff\xff"s, "\xe0\0\0\1"s}) {
    refuses(answer(dns_type::a).a("peers.test", 3, bytes).text());
  }
  refuses(answer(dns_type::aaaa).a("peers.test", 3, std::string(16, '\0')).text(), dns_type::aaaa);
}

TEST(DnsMessageTest, RefusesAddressesOfTheWrongLength) {
  refuses(answer(dns_type::a).record("peers.test", 1, 3, "\x0a\0\0"s).text());
  refuses(answer(dns_type::a).record("peers.test", 1, 3, ten_one + "x").text());
  refuses(answer(dns_type::aaaa).record("peers.test", 28, 3, ten_one).text(), dns_type::aaaa);
}

TEST(DnsMessageTest, RefusesPortZero) {
  refuses(answer(dns_type::srv).srv("peers.test", 3, 0, "n1.test").text(), dns_type::srv);
}

TEST(DnsMessageTest, RefusesNamesThatNoHostHas) {
  for (const std::string name :
       {"a b.test", "a\n.test", "a/b.test", "\xc3\xa4.test", "$(x).test"}) {
    refuses(answer(dns_type::srv).srv("peers.test", 3, 1, name).text(), dns_type::srv);
  }
}

TEST(DnsMessageTest, RefusesPointersThatLoopOrLeadForward) {
  for (const auto target : {'\x1c', '\x1e', '\x40'}) {  // itself, after itself, beyond the end
    auto text = answer(dns_type::a).text();
    text[7] = 1;
    text += "\xc0"s + target + "\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1"s;
    refuses(text);
  }
}

TEST(DnsMessageTest, RefusesAliasesThatLoop) {
  refuses(answer(dns_type::a)
              .cname("peers.test", 2, "other.test")
              .cname("other.test", 2, "peers.test")
              .text());
}

TEST(DnsMessageTest, RefusesNamesOver255Bytes) {
  std::string longest;
  for (int i = 0; i != 30; ++i) longest += std::string(9, 'x') + '.';
  refuses(answer(dns_type::srv).srv("peers.test", 3, 1, longest).text(), dns_type::srv);
}

TEST(DnsMessageTest, RefusesEveryMessageThatBreaksOff) {
  const auto whole = answer(dns_type::srv)
                         .srv("peers.test", 9, 7431, "n1.peers.test")
                         .glue("n1.peers.test", 9, ten_one)
                         .text();
  for (std::size_t size = 0; size != whole.size(); ++size) {
    refuses(whole.substr(0, size), dns_type::srv);
  }
}

TEST(DnsMessageTest, RefusesMoreRecordsThanItHolds) {
  auto text = answer(dns_type::a).a("peers.test", 3, ten_one).text();
  text[6] = text[7] = '\xff';
  refuses(text);
}

TEST(DnsMessageTest, NoNoiseNamesABadAddress) {
  const auto whole = answer(dns_type::srv)
                         .cname("peers.test", 2, "other.test")
                         .srv("other.test", 9, 7431, "n1.peers.test")
                         .glue("n1.peers.test", 9, ten_one)
                         .text();
  std::mt19937 random(1);
  for (int i = 0; i != 20'000; ++i) {
    auto changed = whole;
    for (int flips = 1 + static_cast<int>(random() % 4); flips != 0; --flips) {
      changed[random() % changed.size()] = static_cast<char>(random());
    }
    for (const auto type : {dns_type::a, dns_type::aaaa, dns_type::srv}) {
      const auto got = read(changed, type);
      if (!got) continue;
      for (const auto& each : got->records) {
        if (type == dns_type::srv) {
          EXPECT_NE(each.port, 0);
          EXPECT_LE(each.host.size(), 255u);
        } else {
          EXPECT_FALSE(each.address.empty());
        }
      }
    }
  }
}

}  // namespace
}  // namespace weir
