#include "node/program/commands.hpp"

#include "node/program/ring_view.hpp"
#include "node/program/text_table.hpp"

#include <boost/asio/error.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <sstream>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Commands against a node that answers what the test says.
class CommandsTest : public testing::Test {
 protected:
  exit_code run(verb command) {
    line_.command = command;
    line_.server = "http://n1:7421";
    const auto fetch = [this](http_client_request request) -> result<http_client_response> {
      asked_.push_back(std::move(request));
      if (failure_) return failure_;
      if (asked_.size() > answers_) return make_error_code(boost::system::errc::connection_refused);
      return answer_;
    };
    return run_command(line_, fetch, {in_, out_, err_, color_use::plain, columns_});
  }

  void answers(
      unsigned status,
      std::string body,
      std::vector<std::pair<std::string, std::string>> fields = {}
  ) {
    answer_ = {status, std::move(fields), std::move(body)};
  }

  std::string asked_url() const { return asked_.at(0).url; }

  std::size_t columns_ = 0;  // no terminal
  command_line line_{.keyspace = "users", .keys = {"42"}};
  http_client_response answer_;
  error_code failure_;
  std::size_t answers_ = SIZE_MAX;  // requests from then on fail
  std::vector<http_client_request> asked_;
  std::istringstream in_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandsTest, GetPrintsTheValueExactlyAsStored) {
  const std::string value("a\0\xff\n", 4);
  answers(200, value);
  EXPECT_EQ(run(verb::get), exit_code::ok);
  EXPECT_EQ(out_.str(), value);
  EXPECT_EQ(err_.str(), "");
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users/42");
}

TEST_F(CommandsTest, AtATerminalAValueCannotSteerItAndThePromptGetsItsOwnLine) {
  columns_ = 80;
  answers(200, "one\n\x1b]0;title\x07");
  EXPECT_EQ(run(verb::get), exit_code::ok);
  EXPECT_EQ(out_.str(), "one\n\\x1b]0;title\\x07\n");
}

TEST_F(CommandsTest, RawIsAsStoredAtATerminalToo) {
  columns_ = 80;
  line_.raw = true;
  answers(200, "\x1b[1m");
  EXPECT_EQ(run(verb::get), exit_code::ok);
  EXPECT_EQ(out_.str(), "\x1b[1m");
}

TEST_F(CommandsTest, FreshLoadsItAgain) {
  line_.fresh = true;
  answers(200, "x");
  EXPECT_EQ(run(verb::get), exit_code::ok);
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users/42?fresh");
}

TEST_F(CommandsTest, AHostThatDoesNotExistIsNamedAsSuch) {
  failure_ = asio::error::host_not_found;
  EXPECT_EQ(run(verb::get), exit_code::unreachable);
  EXPECT_THAT(err_.str(), HasSubstr("cannot find the host of http://n1:7421"));
}

TEST_F(CommandsTest, AThousandKeysTravelInOneRequestAndTheRestInTheNext) {
  line_.keys.assign(2'500, "k");
  answers(200, "{\"key\":\"k\",\"value\":\"v\",\"outcome\":\"ok\"}\n");
  line_.output = output_format::json;
  EXPECT_EQ(run(verb::mget), exit_code::ok);
  EXPECT_EQ(asked_.size(), 3U);
  const auto printed = boost::json::parse(out_.str());
  EXPECT_EQ(printed.as_array().size(), 3U);
  asked_.clear();
  EXPECT_EQ(run(verb::invalidate), exit_code::ok);
  EXPECT_EQ(asked_.size(), 3U);
}

TEST_F(CommandsTest, AValueThatIsLongIsCutToTheWidthOfTheTerminal) {
  columns_ = 80;
  answers(200, R"({"key":"k","value":")" + std::string(600'000, 'x') + R"(","outcome":"ok"})");
  EXPECT_EQ(run(verb::mget), exit_code::ok);
  EXPECT_THAT(out_.str(), HasSubstr("x... 600,000 bytes\n"));
  EXPECT_LE(out_.str().size(), 2U * 81);
}

TEST_F(CommandsTest, KeysListsWhatOneNodeKeeps) {
  answers(200, "{\"key\":\"a\"}\n{\"key_base64\":\"/w==\"}\n");
  EXPECT_EQ(run(verb::keys), exit_code::ok);
  EXPECT_EQ(out_.str(), "a\n\\xff\n");
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users?keys&limit=100");
}

TEST_F(CommandsTest, AKeyThatLooksLikeAPatternIsRemarkedUpon) {
  line_.keys = {"a*"};
  answers(200, "{}");
  EXPECT_EQ(run(verb::invalidate), exit_code::ok);
  EXPECT_THAT(err_.str(), HasSubstr("a* is taken as one key"));
}

TEST_F(CommandsTest, GetEncodesTheKeyAsOneSegment) {
  line_.keys = {"a/b ?%\xff"};
  answers(200, "");
  run(verb::get);
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users/a%2Fb%20%3F%25%FF");
}

TEST_F(CommandsTest, GetOfAnAbsentKeyEndsWithFive) {
  answers(404, R"({"status":404,"title":"Not found","detail":"no such key","code":"not_found"})");
  EXPECT_EQ(run(verb::get), exit_code::not_found);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "weir get: users/42: not_found (no such key), says http://n1:7421\n");
}

TEST_F(CommandsTest, AKeyspaceThatIsNotThereIsAFailureThatSaysWhatToDo) {
  answers(404, R"({"status":404,"detail":"this node has no keyspace","code":"no_keyspace"})");
  EXPECT_EQ(run(verb::get), exit_code::failure);
  EXPECT_THAT(err_.str(), HasSubstr("weir keyspaces"));
}

TEST_F(CommandsTest, AFailedSourceIsShownInItsOwnWords) {
  answers(
      502,
      R"({"status":502,"detail":"the source was asked and failed","source":"connection \u001blost","code":"source_failed"})"
  );
  EXPECT_EQ(run(verb::get), exit_code::failure);
  EXPECT_THAT(err_.str(), HasSubstr("(the source was asked and failed: connection "));
  EXPECT_THAT(err_.str(), Not(HasSubstr("\x1b")));
}

TEST_F(CommandsTest, ANodeThatCannotBeReachedEndsWithSix) {
  failure_ = boost::system::errc::make_error_code(boost::system::errc::connection_refused);
  EXPECT_EQ(run(verb::get), exit_code::unreachable);
  EXPECT_THAT(err_.str(), HasSubstr("cannot reach http://n1:7421: Connection refused"));
  EXPECT_THAT(err_.str(), HasSubstr("--server"));
}

TEST_F(CommandsTest, ATimeOutEndsWithSix) {
  answers(504, R"({"code":"deadline_exceeded","detail":"5 s are over"})");
  EXPECT_EQ(run(verb::get), exit_code::unreachable);
}

TEST_F(CommandsTest, AnAnswerThatIsNoProblemDocumentShowsItsStatus) {
  answers(502, "<html>\x1b[2J");
  EXPECT_EQ(run(verb::get), exit_code::failure);
  EXPECT_THAT(err_.str(), HasSubstr("HTTP status 502"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("\x1b")));
}

TEST_F(CommandsTest, AServerThatIsNoUrlIsAUsageError) {
  failure_ = errc::bad_request;
  EXPECT_EQ(run(verb::members), exit_code::usage);
}

TEST_F(CommandsTest, AConnectionThatIsCutAsksAboutTheProtocol) {
  failure_ = asio::error::eof;
  EXPECT_EQ(run(verb::get), exit_code::unreachable);
  EXPECT_THAT(err_.str(), HasSubstr("does it speak https?"));
}

TEST_F(CommandsTest, MetaGoesToStderrBesideTheValue) {
  line_.meta = true;
  answers(200, "Ada", {{"ETag", "\"1-2\""}, {"Age", "3"}, {"Cache-Status", "n1; hit; ttl=57"}});
  EXPECT_EQ(run(verb::get), exit_code::ok);
  EXPECT_EQ(out_.str(), "Ada");
  EXPECT_EQ(err_.str(), "ETag: \"1-2\"\nAge: 3\nCache-Status: n1; hit; ttl=57\nBytes: 3\n");
}

TEST_F(CommandsTest, JsonOfABinaryValueIsBase64) {
  line_.output = output_format::json;
  answers(200, "\xff\xfe", {{"ETag", "\"1-2\""}});
  EXPECT_EQ(run(verb::get), exit_code::ok);
  EXPECT_EQ(
      out_.str(),
      "{\"keyspace\":\"users\",\"key\":\"42\",\"value_base64\":\"//4=\",\"version\":\"1-2\"}\n"
  );
}

constexpr auto explained =
    R"({"keyspace":"users","key":"42","outcome":"ok","version":"a-1","ttl_ms":59000,
  "age_ms":1,"bytes":3,"steps":[{"node":"n1","step":"asked","detail":"users, key of 2 bytes","took_us":0},
  {"node":"n2","step":"source","detail":"value","took_us":201000}]})";

TEST_F(CommandsTest, ExplainPrintsOneLinePerStepWithItsTime) {
  line_.explain = true;
  answers(200, explained);
  EXPECT_EQ(run(verb::get), exit_code::ok);
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users/42?explain");
  EXPECT_EQ(
      out_.str(),
      "   node  step      took  what happened\n"
      "1  n1    asked        -  users, key of 2 bytes\n"
      "2  n2    source  201 ms  value\n"
      "outcome ok, version a-1, 3 bytes\n"
  );
}

TEST_F(CommandsTest, ExplainOfAnAbsentKeyEndsWithFive) {
  line_.explain = true;
  answers(200, R"({"outcome":"not_found","steps":[]})");
  EXPECT_EQ(run(verb::get), exit_code::not_found);
}

TEST_F(CommandsTest, MgetPrintsATableAndNamesAbsentKeys) {
  line_.keys = {"42", "43"};
  answers(200, R"({"key":"42","value":"Ada","version":"a-1","ttl_ms":59000,"outcome":"ok"}
{"key":"43","ttl_ms":5000,"outcome":"not_found"}
)");
  EXPECT_EQ(run(verb::mget), exit_code::not_found);
  EXPECT_EQ(asked_.at(0).body.view(), R"({"keys":["42","43"]})");
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users?get");
  EXPECT_THAT(out_.str(), HasSubstr("42   ok         a-1      59.0 s  Ada\n"));
  EXPECT_THAT(out_.str(), HasSubstr("43   not_found\n"));
}

TEST_F(CommandsTest, MgetSaysWhyAKeyFailed) {
  line_.keys = {"42", "43"};
  answers(200, R"({"key":"42","outcome":"overloaded","detail":"loads.queue 256 is full"}
{"key":"43","outcome":"source_failed","source":"connection lost"}
)");
  EXPECT_EQ(run(verb::mget), exit_code::failure);
  EXPECT_THAT(out_.str(), HasSubstr("loads.queue 256 is full\n"));
  EXPECT_THAT(out_.str(), HasSubstr("connection lost\n"));
}

TEST_F(CommandsTest, MgetSendsKeysThatAreNotTextAsBase64) {
  line_.keys = {"\xff", "a"};
  answers(200, "");
  run(verb::mget);
  EXPECT_EQ(asked_.at(0).body.view(), R"({"keys_base64":["/w==","YQ=="]})");
}

TEST_F(CommandsTest, PutReadsStdinAndSendsTheCondition) {
  in_.str("from\nstdin");
  line_.if_match = "a-1";
  line_.ttl = "30s";
  answers(204, "", {{"ETag", "\"a-2\""}, {"Weir-Stored", "cache"}});
  EXPECT_EQ(run(verb::put), exit_code::ok);
  EXPECT_EQ(asked_.at(0).body.view(), "from\nstdin");
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users/42?ttl=30s");
  const std::pair<std::string, std::string> condition{"If-Match", "\"a-1\""};
  EXPECT_THAT(asked_.at(0).fields, testing::Contains(condition));
  EXPECT_EQ(out_.str(), "stored, version a-2\n");
}

TEST_F(CommandsTest, APutThatConflictsFails) {
  line_.value = "Ada";
  answers(412, R"({"code":"conflict","detail":"the version differs"})");
  EXPECT_EQ(run(verb::put), exit_code::failure);
  EXPECT_THAT(err_.str(), HasSubstr("read it again"));
}

TEST_F(CommandsTest, APartialInvalidationNamesTheNodes) {
  answers(202, R"({"nodes":["n3"],"bound_ms":3300})");
  EXPECT_EQ(run(verb::invalidate), exit_code::partial);
  EXPECT_EQ(asked_.at(0).method, http_method::purge);
  EXPECT_EQ(out_.str(), "invalidated, not confirmed by n3 (bound 3300 ms)\n");
}

TEST_F(CommandsTest, SeveralKeysAreInvalidatedAtOnce) {
  line_.keys = {"42", "43"};
  answers(200, "{}");
  EXPECT_EQ(run(verb::invalidate), exit_code::ok);
  EXPECT_EQ(asked_url(), "http://n1:7421/v1/users?purge");
  EXPECT_EQ(out_.str(), "invalidated 2 keys\n");
}

TEST_F(CommandsTest, ClearAsksForAll) {
  answers(200, "{}");
  EXPECT_EQ(run(verb::clear), exit_code::ok);
  EXPECT_EQ(asked_.at(0).body.view(), R"({"all": true})");
}

TEST_F(CommandsTest, OwnerShowsSlotAndNodes) {
  answers(200, R"({"keyspace":"users","key":"42","slot":7001,"owner":"n2","gutter":"n1"})");
  EXPECT_EQ(run(verb::owner), exit_code::ok);
  EXPECT_EQ(asked_url(), "http://n1:7421/cluster/ring?key=users%2F42");
  EXPECT_EQ(out_.str(), "key       slot  owner  gutter\nusers/42  7001  n2     n1\n");
}

constexpr auto three_nodes = R"({"digest":"ab","vnodes":512,"bounded_load":1.25,"nodes":[
  {"id":"n1","address":"a:1","weight":1,"share":0.33,"slots":5461},
  {"id":"n2","address":"a:2","weight":1,"share":0.33,"slots":5461},
  {"id":"n3","address":"a:3","weight":1,"share":0.33,"slots":5462}]})";

TEST_F(CommandsTest, RingShowsABarPerNode) {
  answers(200, three_nodes);
  EXPECT_EQ(run(verb::ring), exit_code::ok);
  EXPECT_THAT(out_.str(), HasSubstr("n1"));
  EXPECT_THAT(out_.str(), HasSubstr("\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588"));
  EXPECT_THAT(out_.str(), HasSubstr("view ab, 512 points per node\n"));
}

TEST_F(CommandsTest, SimulatingAJoinMovesAboutItsShare) {
  line_.simulate = "add=n4";
  line_.output = output_format::json;
  answers(200, three_nodes);
  EXPECT_EQ(run(verb::ring), exit_code::ok);
  EXPECT_THAT(out_.str(), HasSubstr("\"simulated\":\"add=n4\",\"moved_slots\":"));
  EXPECT_THAT(out_.str(), HasSubstr("\"id\":\"n4\""));
}

TEST_F(CommandsTest, SimulationRefusesWhatCannotBe) {
  for (const auto* change :
       {"add=n1",
        "remove=n9",
        "n4",
        "grow=n4",
        "add=",
        "add=n4*x",
        "add=n4*0",
        "add=n4*1001",
        "add=n 4"}) {
    line_.simulate = change;
    answers(200, three_nodes);
    EXPECT_EQ(run(verb::ring), exit_code::usage) << change;
  }
}

TEST_F(CommandsTest, ARingThatIsNoneIsAFailure) {
  for (const auto* body :
       {"", "[]", "{}", R"({"nodes":[{"id":""}]})", R"({"vnodes":1,"nodes":[{"id":7}]})"}) {
    answers(200, body);
    EXPECT_EQ(run(verb::ring), exit_code::failure) << body;
  }
}

TEST_F(CommandsTest, MembersShowsSelfAndOthers) {
  answers(
      200,
      R"({"members":[{"id":"n1","address":"a:1","weight":1,"state":"reachable","self":true,"in_ring":true,
    "rtt_ms":0,"since_ms":0,"last_failure":""},{"id":"","address":"a:2","weight":1,"state":"unproven","self":false,
    "in_ring":false,"rtt_ms":1,"since_ms":2500,"last_failure":"refused","last_failure_ms":1080000}]})"
  );
  EXPECT_EQ(run(verb::members), exit_code::ok);
  EXPECT_THAT(out_.str(), HasSubstr("n1  a:1      self      yes"));
  EXPECT_THAT(out_.str(), HasSubstr("?   a:2      unproven  no "));
  EXPECT_THAT(out_.str(), HasSubstr("2.5 s  -       refused, 18.0 min ago\n"));
}

TEST_F(CommandsTest, MembersShowsTheLeaseAndWhoGrantsIt) {
  answers(
      200,
      R"({"lease":{"valid":true,"lone":false,"left_ms":2600,"granted":2,"members":3,"views":1,"why":""},"members":[
    {"id":"n1","address":"a:1","weight":1,"state":"reachable","self":true,"in_ring":true},
    {"id":"n2","address":"a:2","weight":1,"state":"reachable","self":false,"in_ring":true,"granting":true,"feed_lag":0},
    {"id":"n3","address":"a:3","weight":1,"state":"unreachable","self":false,"in_ring":true,"granting":false,
    "feed_lag":17}]})"
  );
  EXPECT_EQ(run(verb::members), exit_code::ok);
  EXPECT_THAT(out_.str(), HasSubstr("lease: valid, 2.6 s left, 2 of 3 members\n"));
  EXPECT_THAT(out_.str(), HasSubstr("self         yes   -                -"));
  EXPECT_THAT(out_.str(), HasSubstr("reachable    yes   granting         0"));
  EXPECT_THAT(out_.str(), HasSubstr("unreachable  yes   no              17"));
}

TEST_F(CommandsTest, MembersShowsWhatDiffersAndWhoGoes) {
  answers(
      200,
      R"({"lease":{"valid":true},"members":[
    {"id":"n1","address":"a:1","state":"reachable","self":true,"config":"same"},
    {"id":"n2","address":"a:2","state":"draining","config":"differs","differences":[
      {"keyspace":"pages","field":"ttl","here":"5m","there":"10s"},
      {"keyspace":"users","field":"keyspace","here":"present","there":"absent"}]},
    {"id":"n3","address":"a:3","state":"left","config":"same","differences":[]}]})"
  );
  EXPECT_EQ(run(verb::members), exit_code::ok);
  EXPECT_THAT(out_.str(), HasSubstr("draining"));
  EXPECT_THAT(out_.str(), HasSubstr("differs: pages.ttl, users"));
  EXPECT_THAT(out_.str(), HasSubstr("left"));
}

TEST_F(CommandsTest, MembersSaysWhyThereIsNoLease) {
  const auto head_line = [&](const std::string& lease) {
    answers(200, "{\"lease\":" + lease + ",\"members\":[]}");
    out_.str("");
    EXPECT_EQ(run(verb::members), exit_code::ok);
    return out_.str().substr(0, out_.str().find('\n'));
  };
  EXPECT_EQ(
      head_line(R"({"valid":false,"why":"no lease: 1 of 3 candidates answered"})"),
      "no lease: 1 of 3 candidates answered"
  );
  EXPECT_EQ(head_line(R"({"valid":true,"lone":true})"), "lease: none needed, a lone node");
  EXPECT_EQ(
      head_line(R"({"valid":true,"left_ms":900,"granted":4,"members":5,"views":2})"),
      "lease: valid, 900 ms left, 4 of 5 members"
  );
}

TEST_F(CommandsTest, MembersSaysWhenOnlyAnOperatorCanGoOn) {
  const auto last_line = [&](const std::string& lease, const std::string& state) {
    answers(
        200,
        "{\"lease\":" + lease +
            R"(,"members":[{"id":"n1","self":true,"in_ring":true,"state":"reachable"},)" +
            R"({"id":"n2","in_ring":true,"state":")" + state + "\"}]}"
    );
    out_.str("");
    EXPECT_EQ(run(verb::members), exit_code::ok);
    auto text = out_.str();
    text.pop_back();
    return text.substr(text.rfind('\n') + 1);
  };
  const std::string none = R"({"valid":false,"granted":1,"members":2,"why":"no lease"})";
  EXPECT_EQ(
      last_line(none, "unreachable"),
      "without a majority nobody can take n2 off the ring; gone for good? weir members forget ID"
  );
  EXPECT_THAT(last_line(none, "unproven"), testing::StartsWith("n2"));
  EXPECT_THAT(
      last_line(R"({"valid":false,"granted":2,"members":3,"why":"no lease"})", "unreachable"),
      testing::StartsWith("n2")
  );
  EXPECT_THAT(
      last_line(R"({"valid":true,"granted":2,"members":2})", "unreachable"),
      testing::StartsWith("n2")
  );
}

TEST_F(CommandsTest, ForgetAsksTheNodeAndSaysWhatItMeans) {
  line_.member = "n/3";
  answers(200, R"({"forgotten":"n/3"})");
  EXPECT_EQ(run(verb::forget), exit_code::ok);
  EXPECT_EQ(asked_.at(0).method, http_method::post);
  EXPECT_EQ(asked_url(), "http://n1:7421/cluster/members?forget=n%2F3");
  EXPECT_EQ(out_.str(), "forgotten: n/3 counts no more; if it still runs anywhere, stop it\n");
}

TEST_F(CommandsTest, ForgettingNobodyIsAFailureThatNamesTheKnownOnes) {
  line_.member = "n9";
  answers(
      404,
      R"({"status":404,"code":"not_found","detail":"no member is called \"n9\"; this node knows: n1, n2"})"
  );
  EXPECT_EQ(run(verb::forget), exit_code::failure);
  EXPECT_THAT(err_.str(), HasSubstr("weir members forget: n9: not_found"));
  EXPECT_THAT(err_.str(), HasSubstr("this node knows: n1, n2"));
}

TEST_F(CommandsTest, KeyspacesNamesASourceThatFails) {
  answers(
      200,
      R"({"keyspaces":[{"name":"pages","options":{},"stats":{},"source":{"type":"http","failing":true,"failures":37,
    "since_ms":12000,"words":"connection lost"}},{"name":"users","options":{},"stats":{},"source":{"type":"file","failing":false}}]})"
  );
  EXPECT_EQ(run(verb::keyspaces), exit_code::ok);
  EXPECT_THAT(
      out_.str(), HasSubstr("source of pages failing for 12.0 s, 37 times: connection lost\n")
  );
  EXPECT_THAT(out_.str(), Not(HasSubstr("source of users")));
}

constexpr auto stats_of_three = R"({"asked":"n1","members":3,"nodes":[
  {"node":"n1","keyspaces":[
    {"name":"pages","stats":{"reads":{"memory":9},"loads_value":0}},
    {"name":"users","stats":{"reads":{"memory":3,"source":1},"reads_failed":2,"loads_value":1,"evicted":4,
     "entries":1,"bytes":1024},"durations":{"get":{"buckets":[0,0,0,98,0,0,0,2]},"load":{"buckets":[0,0,0,0,0,0,0,0,0,1]}}}]},
  {"node":"n2","keyspaces":[
    {"name":"users","stats":{"reads":{"owner":3,"joined":1},"reads_failed":0,"loads_value":2,"entries":2,
     "bytes":1024},"durations":{"get":{"buckets":[0,0,0,100]}}}]},
  {"node":"n3","error":"unavailable"}]})";

TEST_F(CommandsTest, StatsAddUpWhatTheNodesTold) {
  line_.keyspace.clear();
  line_.all_nodes = true;
  answers(200, stats_of_three);
  EXPECT_EQ(run(verb::stats), exit_code::ok);
  EXPECT_EQ(asked_url(), "http://n1:7421/cluster/stats?all");
  EXPECT_EQ(
      out_.str(),
      "nodes n1, n2 of 3; n3: unavailable\n"
      "keyspace  reads  hit ratio  failed    p50     p99  loads  load p99  entries\n"
      "pages         9    100.0 %       0      -       -      0         -        0\n"
      "users         8     87.5 %       2  75 us  100 us      3   9.95 ms        3\n"
  );
}

TEST_F(CommandsTest, StatsOfOneKeyspaceShowWhatAnsweredItsReads) {
  answers(200, stats_of_three);
  EXPECT_EQ(run(verb::stats), exit_code::ok);
  EXPECT_EQ(asked_url(), "http://n1:7421/cluster/stats");
  EXPECT_THAT(out_.str(), Not(HasSubstr("pages")));
  EXPECT_THAT(out_.str(), HasSubstr("memory          3  37.5 %\n"));
  EXPECT_THAT(out_.str(), HasSubstr("owner           3  37.5 %\n"));
  EXPECT_THAT(out_.str(), HasSubstr("source          1  12.5 %\n"));
}

TEST_F(CommandsTest, StatsSayWhichNodeTheyAreOf) {
  line_.keyspace.clear();
  answers(200, R"({"asked":"n1","members":3,"nodes":[{"node":"n1","keyspaces":[]}]})");
  EXPECT_EQ(run(verb::stats), exit_code::ok);
  EXPECT_THAT(out_.str(), testing::StartsWith("node n1 of 3\n"));
}

TEST_F(CommandsTest, StatsOfAnUnknownKeyspaceAreAFailure) {
  line_.keyspace = "user\x1b";
  answers(200, stats_of_three);
  EXPECT_EQ(run(verb::stats), exit_code::failure);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(
      err_.str(),
      "weir stats: user\\x1b: this node has no such keyspace; weir keyspaces lists them\n"
  );
}

TEST_F(CommandsTest, StatsAsJsonAreOneDocument) {
  line_.output = output_format::json;
  answers(200, stats_of_three);
  EXPECT_EQ(run(verb::stats), exit_code::ok);
  EXPECT_THAT(out_.str(), Not(HasSubstr("pages")));
  EXPECT_THAT(out_.str(), HasSubstr(R"("name":"users")"));
  const auto text = out_.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(CommandsTest, StatsThatAreWatchedGoOnUntilTheNodeIsGone) {
  line_.watch = std::chrono::milliseconds(1);
  answers_ = 3;
  answers(200, stats_of_three);
  EXPECT_EQ(run(verb::stats), exit_code::unreachable);
  EXPECT_EQ(asked_.size(), 4u);
}

TEST_F(CommandsTest, StatsOfANodeThatIsNoneAreAFailureOrEmpty) {
  for (const auto* body : {"[]", "{}", R"({"nodes":7})", R"({"nodes":[7,{"node":1}]})"}) {
    line_.keyspace.clear();
    line_.output = output_format::json;
    answers(200, body);
    EXPECT_EQ(run(verb::stats), exit_code::ok) << body;
  }
  answers(200, "no document");
  EXPECT_EQ(run(verb::stats), exit_code::failure);
}

TEST_F(CommandsTest, HealthOfANodeThatIsNotReadyFails) {
  answers(503, "[+] listeners\n[-] draining: the node is going down\nnot ready\n");
  EXPECT_EQ(run(verb::health), exit_code::failure);
  EXPECT_EQ(out_.str(), "[+] listeners\n[-] draining: the node is going down\nnot ready\n");
}

TEST_F(CommandsTest, HealthAsksForMoreWhenToldTo) {
  line_.settled = true;
  answers(200, "[+] listeners\n[!] lease: 1 of 3 members answered\n[+] settled\nok\n");
  EXPECT_EQ(run(verb::health), exit_code::ok);
  EXPECT_EQ(asked_url(), "http://n1:7421/readyz?verbose&settled");
  line_.wait = std::chrono::milliseconds(1);
  EXPECT_EQ(run(verb::health), exit_code::ok) << "it was settled once";
  answers(503, "[+] listeners\n[-] settled: no lease\nnot settled\n");
  EXPECT_EQ(run(verb::health), exit_code::failure);
  EXPECT_THAT(out_.str(), testing::EndsWith("[-] settled: no lease\nnot settled\n"));
  line_.output = output_format::json;
  EXPECT_EQ(run(verb::health), exit_code::failure);
  EXPECT_THAT(out_.str(), HasSubstr(R"("ready":true)"));
  EXPECT_THAT(out_.str(), HasSubstr(R"("settled":false)"));
}

TEST_F(CommandsTest, HealthAsJsonNamesTheChecks) {
  line_.output = output_format::json;
  answers(503, "[+] listeners\n[-] not draining: the node is going down\nnot ready\n");
  EXPECT_EQ(run(verb::health), exit_code::failure);
  EXPECT_THAT(out_.str(), HasSubstr(R"("ready":false)"));
  EXPECT_THAT(out_.str(), HasSubstr(R"({"name":"listeners","state":"passed"})"));
  EXPECT_THAT(
      out_.str(),
      HasSubstr(R"({"name":"not draining","state":"failed","detail":"the node is going down"})")
  );
}

TEST_F(CommandsTest, ColourIsUsedOnlyWhereItIsWanted) {
  const console plain{in_, out_, err_};
  const console colored{in_, out_, err_, color_use::colored};
  EXPECT_EQ(tinted(plain, tint::bad, "no"), "no");
  EXPECT_EQ(tinted(colored, tint::bad, "no"), "\x1b[31mno\x1b[0m");
}

TEST(TextTable, FitsColumnsToCharactersNotBytes) {
  std::istringstream in;
  std::ostringstream out;
  text_table table({{"name"}, {"size", text_table::align::right}});
  table.add({"Zo\u00eb", "1"});
  table.add({"Bartholomew", "12"});
  table.add({"a\nb"});
  table.print({in, out, out});
  EXPECT_EQ(out.str(), "name         size\nZo\u00eb             1\nBartholomew    12\na\\x0ab\n");
}

TEST(Units, AreReadable) {
  EXPECT_EQ(size_text(320), "320 B");
  EXPECT_EQ(size_text(64.0 * 1024 * 1024), "64.0 MiB");
  EXPECT_EQ(time_text(7), "7 us");
  EXPECT_EQ(time_text(1500), "1.50 ms");
  EXPECT_EQ(time_text(60e6), "60.0 s");
  EXPECT_EQ(time_text(300e6), "5.0 min");
  EXPECT_EQ(time_text(24 * 3600e6), "24.0 h");
  EXPECT_EQ(percent_text(0.3333), "33.3 %");
}

TEST_F(CommandsTest, TextFromOutsideCannotSteerTheTerminal) {
  line_.explain = true;
  answers(
      200,
      R"({"outcome":"ok","steps":[{"node":"\u001b[2J","step":"a\nb","detail":"\u0000","took_us":1}]})"
  );
  run(verb::get);
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
  EXPECT_THAT(out_.str(), HasSubstr("\\x1b[2J"));
}

TEST(ParseTime, ReadsTimesWithUnits) {
  EXPECT_EQ(parse_time("250ms"), milliseconds(250));
  EXPECT_EQ(parse_time("1h30m"), milliseconds(5'400'000));
  for (const auto* wrong :
       {"", "5", "s", "-5s", "5 s", "5sec", "99999999999s", "4294967295d4294967295d"})
    EXPECT_FALSE(parse_time(wrong)) << wrong;
}

}  // namespace
}  // namespace weir
