#include "discovery/dns/dns_candidates.hpp"
#include "tests/discovery/dns/dns_wire.hpp"
#include "tests/discovery/dns/scripted_dns.hpp"

#include <weir/discovery/dns_provider.hpp>
#include <weir/engine/runtime.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

namespace weir {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::dns_question;
using test::dns_wire;
using test::scripted_dns;
using testing::ElementsAre;
using names = std::vector<std::string>;

constexpr std::uint16_t good = 0x8180;
const std::string ten_one("\x0a\0\0\1", 4);
const std::string ten_two("\x0a\0\0\2", 4);
const std::string ten_three("\x0a\0\0\3", 4);

dns_wire reply(const dns_question& to, std::uint16_t flags = good) {
  return {to.id, to.name, to.type, flags};
}

scripted_dns::script addresses(std::vector<std::string> all) {
  return [all = std::move(all)](const dns_question& to) {
    auto out = reply(to);
    for (const auto& each : all) out.a(to.name, 1, each);
    return out.text();
  };
}

scripted_dns::script failing(std::uint16_t code) {
  return [code](const dns_question& to) {
    return reply(to, static_cast<std::uint16_t>(good | code)).text();
  };
}

std::string silence(const dns_question&) {
  return {};
}

class DnsProviderTest : public testing::Test {
 protected:
  ~DnsProviderTest() override {
    if (provider_) provider_->stop();
  }

  dns_options options(dns_records type = dns_records::a) const {
    return {
        .name = "peers.test",
        .type = type,
        .port = 7420,
        .interval = 1s,
        .servers = server_.address(),
        .query_timeout = 200ms,
    };
  }

  void start(dns_options options) {
    provider_ = std::make_unique<dns_provider>(std::move(options));
    provider_->start(runtime_, [this](result<std::vector<candidate>> found) {
      const std::lock_guard lock(mutex_);
      told_.push_back(std::move(found));
      changed_.notify_all();
    });
  }

  /// The finding of this number, from 0; an error of the test when it does not come.
  result<std::vector<candidate>> finding(std::size_t number) {
    std::unique_lock lock(mutex_);
    const bool is_there = changed_.wait_for(lock, 15s, [&] { return told_.size() > number; });
    EXPECT_TRUE(is_there) << "no finding " << number;
    return is_there ? told_[number] : result<std::vector<candidate>>(error_code());
  }

  names named(std::size_t number) {
    const auto found = finding(number);
    if (!found) return {"error: " + found.error().message()};
    names out;
    for (const auto& each : *found) out.push_back(each.address);
    return out;
  }

  std::size_t findings() {
    const std::lock_guard lock(mutex_);
    return told_.size();
  }

  /// Waits until the polls that ended so were `least`.
  void wait_for(dns_outcome outcome, std::uint64_t least) {
    const auto deadline = std::chrono::steady_clock::now() + 15s;
    std::unique_lock lock(mutex_);
    while (count(outcome) < least) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << name(outcome);
      changed_.wait_for(lock, 10ms);
    }
  }

  std::uint64_t count(dns_outcome outcome) const {
    for (const auto& each : provider_->counts()) {
      if (each.outcome == name(outcome)) return each.count;
    }
    return 0;
  }

  /// Whatever `script` answers is told once as `outcome` and takes nobody away.
  void freezes(scripted_dns::script script, dns_outcome outcome) {
    const auto before = findings();
    server_.answer_with(std::move(script));
    wait_for(outcome, count(outcome) + 1);
    const auto told = finding(before);
    ASSERT_FALSE(told);
    EXPECT_EQ(told.error(), make_error_code(outcome));
    server_.answer_with(addresses({ten_one}));
    EXPECT_THAT(named(before + 1), ElementsAre("10.0.0.1:7420", "10.0.0.2:7420"));
  }

  void start_with_two() {
    server_.answer_with(addresses({ten_one, ten_two}));
    start(options());
    ASSERT_THAT(named(0), ElementsAre("10.0.0.1:7420", "10.0.0.2:7420"));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<result<std::vector<candidate>>> told_;
  scripted_dns server_{silence};
  runtime runtime_{{.threads = 1}};
  std::unique_ptr<dns_provider> provider_;
};

TEST_F(DnsProviderTest, NamesEveryAddressWithThePort) {
  start_with_two();
}

TEST_F(DnsProviderTest, ReadsIpv6) {
  server_.answer_with([](const dns_question& to) {
    EXPECT_EQ(to.type, 28);
    return reply(to).a(to.name, 1, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"s).text();
  });
  start(options(dns_records::aaaa));
  EXPECT_THAT(named(0), ElementsAre("[fd00::1]:7420"));
}

TEST_F(DnsProviderTest, TakesPortsFromServicesAndAsksForTheirTargets) {
  server_.answer_with([](const dns_question& to) {
    auto out = reply(to);
    if (to.type == 33) {
      out.srv(to.name, 1, 7431, "n1.test").srv(to.name, 1, 7432, "n2.test");
      out.srv(to.name, 1, 7433, "n3.test").srv(to.name, 1, 7434, "gone.test");
      out.glue("n1.test", 1, ten_one);
    } else if (to.name == "n2.test" && to.type == 1) {
      out.a(to.name, 1, ten_three).a(to.name, 1, ten_two);
    } else if (to.name == "n3.test" && to.type == 28) {
      out.a(to.name, 1, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\3"s);
    } else if (to.name == "gone.test") {
      return reply(to, good | 3).text();
    }
    return out.text();
  });
  start(options(dns_records::srv));
  EXPECT_THAT(named(0), ElementsAre("10.0.0.1:7431", "10.0.0.2:7432", "[fd00::3]:7433"));
}

TEST_F(DnsProviderTest, ATargetThatCannotBeLookedUpFreezesAll) {
  server_.answer_with([](const dns_question& to) {
    if (to.type != 33) return reply(to, good | 2).text();
    return reply(to).srv(to.name, 1, 1, "n1.test").srv(to.name, 1, 2, "n2.test").text();
  });
  start(options(dns_records::srv));
  EXPECT_FALSE(finding(0));
}

TEST_F(DnsProviderTest, AsksOverTcpWhenAnAnswerIsTruncated) {
  server_.answer_with([](const dns_question& to) {
    if (!to.is_tcp) return reply(to, good | 0x0200).text();
    auto out = reply(to);
    for (int i = 1; i <= 100; ++i) {
      out.a(to.name, 1, std::string("\x0a\0\1", 3) + static_cast<char>(i));
    }
    return out.text();
  });
  start(options());
  EXPECT_EQ(named(0).size(), 100u);
  EXPECT_GE(server_.tcp_questions(), 1);
}

TEST_F(DnsProviderTest, NoFailureTakesAnybodyAway) {
  start_with_two();
  freezes(failing(3), dns_outcome::no_such_name);
  freezes(failing(0), dns_outcome::empty);
  freezes(silence, dns_outcome::timed_out);
}

TEST_F(DnsProviderTest, ServersThatFailTakeNobodyAway) {
  start_with_two();
  server_.answer_with(failing(2));
  const auto told = finding(1);
  ASSERT_FALSE(told);
  server_.answer_with(addresses({ten_one}));
  EXPECT_THAT(named(2), ElementsAre("10.0.0.1:7420", "10.0.0.2:7420"));
}

TEST_F(DnsProviderTest, MalformedAndHostileAnswersTakeNobodyAway) {
  start_with_two();
  const auto loop = [](const dns_question& to) {
    auto text = reply(to).text();
    text[7] = 1;
    return text + "\xc0"s + static_cast<char>(text.size()) + "\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1"s;
  };
  freezes(loop, dns_outcome::malformed);
  freezes(addresses({"\0\0\0\0"s}), dns_outcome::malformed);
  const auto thousand = [](const dns_question& to) {
    if (!to.is_tcp) return reply(to, good | 0x0200).text();
    auto out = reply(to);
    for (int i = 0; i != 1'000; ++i) {
      const auto low = static_cast<std::uint16_t>(i + 1);
      out.a(to.name, 0, "\x0a\1"s + dns_wire::u16(low));
    }
    return out.text();
  };
  freezes(thousand, dns_outcome::too_many);
}

TEST_F(DnsProviderTest, PortZeroIsMalformed) {
  server_.answer_with([](const dns_question& to) {
    return reply(to).srv(to.name, 1, 0, "n1.test").glue("n1.test", 1, ten_one).text();
  });
  start(options(dns_records::srv));
  const auto told = finding(0);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error(), make_error_code(dns_outcome::malformed));
}

TEST_F(DnsProviderTest, AnswersToAnotherQuestionAreNoAnswers) {
  start_with_two();
  freezes(
      [](const dns_question& to) {
        auto other = to;
        ++other.id;
        return reply(other).a(to.name, 1, ten_three).text();
      },
      dns_outcome::timed_out
  );
  freezes(
      [](const dns_question& to) {
        auto other = to;
        other.name = "evil.test";
        return reply(other).a(to.name, 1, ten_three).text();
      },
      dns_outcome::timed_out
  );
}

TEST_F(DnsProviderTest, DropsWhoIsNotNamedThreeTimes) {
  start_with_two();
  server_.answer_with(addresses({ten_two}));
  EXPECT_THAT(named(1), ElementsAre("10.0.0.2:7420"));
  EXPECT_GE(count(dns_outcome::answered), 4u);
}

TEST_F(DnsProviderTest, AZeroTtlIsPolledOnceASecond) {
  server_.answer_with([](const dns_question& to) { return reply(to).a(to.name, 0, ten_one).text(); }
  );
  auto slow = options();
  slow.interval = 5s;
  const auto begin = std::chrono::steady_clock::now();
  start(slow);
  wait_for(dns_outcome::answered, 3);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1'900ms);
  EXPECT_EQ(findings(), 1u);
}

TEST_F(DnsProviderTest, TellsNothingOnceStopped) {
  start(options());
  provider_->stop();
  const auto before = findings();
  runtime_.stop();
  EXPECT_EQ(findings(), before);
}

TEST_F(DnsProviderTest, RefusesWhatItCannotUse) {
  EXPECT_THROW(dns_provider({.name = ""}), std::invalid_argument);
  EXPECT_THROW(dns_provider({.name = "a", .port = 0}), std::invalid_argument);
  EXPECT_THROW(dns_provider({.name = "a", .interval = 999ms}), std::invalid_argument);
  EXPECT_THROW(dns_provider({.name = "a", .interval = 5'001ms}), std::invalid_argument);
  dns_provider bad({.name = "a", .servers = "nowhere"});
  EXPECT_THROW(bad.start(runtime_, [](const auto&) {}), std::invalid_argument);
}

struct search_list {
  search_list() {
    ::setenv("LOCALDOMAIN", "broken.test refused.test mute.test corp.test", 1);
    ::setenv("RES_OPTIONS", "ndots:5", 1);
  }

  ~search_list() {
    ::unsetenv("LOCALDOMAIN");
    ::unsetenv("RES_OPTIONS");
  }
};

class DnsSearchTest : private search_list, public DnsProviderTest {};

/// Servers that fail for a domain, and one that answers where the name has `suffix`.
scripted_dns::script answering_below(std::string suffix) {
  return [suffix = std::move(suffix)](const dns_question& to) {
    auto out = reply(to, good | 3);
    if (to.name.ends_with(".broken.test")) out = reply(to, good | 2);
    if (to.name.ends_with(".refused.test")) out = reply(to, good | 5);
    if (to.name.ends_with(".mute.test")) return std::string();
    if (to.name == "peers" + suffix) return reply(to).a(to.name, 1, ten_one).text();
    return out.text();
  };
}

TEST_F(DnsSearchTest, DomainsWhoseServersFailDoNotEndTheSearch) {
  server_.answer_with(answering_below(".corp.test"));
  auto asked = options();
  asked.name = "peers";
  start(asked);
  EXPECT_THAT(named(0), ElementsAre("10.0.0.1:7420"));
}

TEST_F(DnsSearchTest, AFullNameWithFewDotsIsAskedForAsItStandsAtLast) {
  server_.answer_with(answering_below(".test"));
  start(options());
  EXPECT_THAT(named(0), ElementsAre("10.0.0.1:7420"));
}

TEST_F(DnsSearchTest, ANameThatEndsWithADotIsAskedForAsItStands) {
  server_.answer_with(answering_below(".test"));
  auto asked = options();
  asked.name = "peers.test.";
  start(asked);
  EXPECT_THAT(named(0), ElementsAre("10.0.0.1:7420"));
  EXPECT_EQ(server_.questions(), 1);
}

TEST_F(DnsSearchTest, AServerThatFailedLeavesItOpenWhetherThereIsSuchAName) {
  server_.answer_with(answering_below(".elsewhere"));
  start(options());
  const auto told = finding(0);
  ASSERT_FALSE(told);
  EXPECT_EQ(told.error(), make_error_code(dns_outcome::timed_out));
}

}  // namespace
}  // namespace weir
