#include "transport/nats/nats_parser.hpp"

#include "transport/nats/nats_server.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using status = nats_parser::status;
using facts = std::vector<std::string>;

std::string fact_of(const nats_input& got) {
  switch (got.op) {
    case nats_op::info:
      return "info " + got.text;
    case nats_op::message:
      return "message " + got.subject + ' ' + std::to_string(got.sid) + ' ' + got.text;
    case nats_op::ping:
      return "ping";
    case nats_op::pong:
      return "pong";
    case nats_op::ok:
      return "ok";
    case nats_op::error:
      return "error " + got.text;
  }
  return "";
}

/// What is read of `stream` in pieces of this size.
facts read(const std::string& stream, std::size_t piece, nats_limits limits = {}) {
  nats_parser parser(limits);
  facts out;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const auto part = stream.substr(at, piece);
    std::string_view rest = part;
    while (true) {
      nats_input got;
      const auto what = parser.next(rest, got);
      EXPECT_LE(parser.held(), limits.max_info + limits.max_message);
      if (what == status::need_more) break;
      if (what == status::failed) {
        out.emplace_back("failed");
        EXPECT_EQ(parser.held(), 0u);
        return out;
      }
      out.push_back(what == status::too_large ? "too large" : fact_of(got));
    }
    EXPECT_THAT(rest, IsEmpty());
  }
  return out;
}

facts read(const std::string& stream, nats_limits limits = {}) {
  const auto all = read(stream, stream.size(), limits);
  for (const std::size_t piece : {1, 2, 3, 7}) EXPECT_EQ(read(stream, piece, limits), all);
  return all;
}

TEST(NatsParserTest, ReadsEverythingAServerSaysWhateverThePieces) {
  const auto stream =
      "INFO {\"a\":1} \r\n+OK\r\nPING\r\nMSG a.b 1 5\r\nhello\r\nMSG a.b 1 reply.to 0\r\n\r\n"
      "MSG\ta.b  1\t4 \r\n\r\n\0\xff\r\nPONG\r\n-ERR 'no'\r\n"s;
  EXPECT_THAT(
      read(stream),
      ElementsAre(
          "info {\"a\":1} ",
          "ok",
          "ping",
          "message a.b 1 hello",
          "message a.b 1 ",
          "message a.b 1 \r\n\0\xff"s,
          "pong",
          "error 'no'"
      )
  );
}

TEST(NatsParserTest, RefusesWhatIsNoLineOfAServer) {
  const std::vector<std::string> bad{
      "\r\n",
      "PING\n",
      "PING\rx",
      "PING x\r\n",
      "ping\r\n",
      " \r\n",
      "HMSG a 1 2 2\r\n\r\n\r\n",
      "PUB a 0\r\n",
      "INFO\r\n",
      "-ERR\r\n",
      "+OK\0\r\n"s,
      "\x16\x03\x01\x02\x00\x01",
      "HTTP/1.1 400 Bad Request\r\n",
      "MSG\r\n",
      "MSG a 1\r\n",
      "MSG a 1 b c 3\r\n",
      "MSG a 1 -1\r\n",
      "MSG a 1 +1\r\n",
      "MSG a 1 0x1\r\n",
      "MSG a 1 1e3\r\n",
      "MSG a x 1\r\n",
      "MSG a 1 18446744073709551616\r\n",
      "MSG a 18446744073709551616 1\r\n",
      "MSG a 1 67108865\r\n",
      "MSG a 1 2\r\nabc\r\n",
      "MSG a 1 2\r\nab\n",
      "MSG a 1 2\r\nab\rx",
  };
  for (const auto& each : bad) EXPECT_THAT(read(each), ElementsAre("failed")) << each;
}

TEST(NatsParserTest, StaysFailed) {
  nats_parser parser;
  nats_input got;
  std::string_view rest = "x\r\n";
  EXPECT_EQ(parser.next(rest, got), status::failed);
  rest = "PING\r\n";
  EXPECT_EQ(parser.next(rest, got), status::failed);
}

TEST(NatsParserTest, LinesAreBounded) {
  const nats_limits limits{.max_line = 20, .max_info = 40};
  EXPECT_NE(read("-ERR " + std::string(15, 'x') + "\r\n", limits), facts{"failed"});
  EXPECT_THAT(read("-ERR " + std::string(16, 'x') + "\r\n", limits), ElementsAre("failed"));
  EXPECT_NE(read("INFO " + std::string(35, 'x') + "\r\n", limits), facts{"failed"});
  EXPECT_THAT(read("INFO " + std::string(36, 'x') + "\r\n", limits), ElementsAre("failed"));
  EXPECT_THAT(read(std::string(1 << 20, 'x')), ElementsAre("failed"));
}

TEST(NatsParserTest, PassesOverLongMessagesWithoutHoldingThem) {
  nats_parser parser({.max_message = 10});
  nats_input got;
  std::string_view rest = "MSG a 1 60000000\r\n";
  EXPECT_EQ(parser.next(rest, got), status::need_more);
  const std::string piece(60'000, 'x');
  for (int i = 0; i != 1'000; ++i) {
    rest = piece;
    ASSERT_EQ(parser.next(rest, got), status::need_more);
    ASSERT_EQ(parser.held(), 0u);
  }
  rest = "\r\nPING\r\n";
  EXPECT_EQ(parser.next(rest, got), status::too_large);
  EXPECT_EQ(parser.next(rest, got), status::input);
  EXPECT_EQ(got.op, nats_op::ping);
  EXPECT_THAT(
      read("MSG a 1 11\r\nhello hello\r\nMSG a 1 10\r\nhellohello\r\n", {.max_message = 10}),
      ElementsAre("too large", "message a 1 hellohello")
  );
}

TEST(NatsInfoTest, ReadsWhatAClientNeeds) {
  nats_info info;
  ASSERT_TRUE(read_nats_info(
      R"({"server_id":"x","max_payload":512,"tls_required":true,"connect_urls":["a:1","b:2"]})",
      info
  ));
  EXPECT_TRUE(info.is_tls_required);
  EXPECT_FALSE(info.is_tls_available);
  EXPECT_EQ(info.max_payload, 512u);
  EXPECT_THAT(info.connect_urls, ElementsAre("a:1", "b:2"));
}

TEST(NatsInfoTest, RefusesOtherTypesAndWhatIsNoJson) {
  const std::vector<std::string> bad{
      "",
      "{",
      "[]",
      "1",
      "{} x",
      R"({"tls_required":"yes"})",
      R"({"tls_available":1})",
      R"({"max_payload":-1})",
      R"({"max_payload":0})",
      R"({"max_payload":1e400})",
      R"({"connect_urls":"a"})",
      R"({"connect_urls":[1]})",
      R"({"connect_urls":[")" + std::string(301, 'a') + "\"]}",
      std::string(60'000, '['),
      R"({"a":)" + std::string(10'000, '['),
  };
  for (const auto& each : bad) {
    nats_info info;
    EXPECT_FALSE(read_nats_info(each, info)) << each.substr(0, 60);
  }
}

TEST(NatsServerNameTest, ReadsServersAsTheyAreWritten) {
  const auto read = [](std::string_view text) {
    const auto made = parse_nats_server(text);
    if (!made) return std::string("refused");
    return to_string(made->where) + (made->needs_tls ? " tls " : " ") + made->tls_name;
  };
  EXPECT_EQ(read("nats://10.0.0.1:1"), "10.0.0.1:1 10.0.0.1");
  EXPECT_EQ(read("tls://nats.test"), "nats.test:4222 tls nats.test");
  EXPECT_EQ(read("10.0.0.1:4222"), "10.0.0.1:4222 10.0.0.1");
  EXPECT_EQ(read("nats://[::1]"), "[::1]:4222 ::1");
  EXPECT_EQ(read("nats://[::1]:7"), "[::1]:7 ::1");
  for (const auto* bad :
       {"",
        "nats://",
        "http://a:1",
        "ws://a:1",
        "nats://u:p@a:1",
        "nats://a:0",
        "nats://a:65536",
        "nats://:1",
        "nats://a/b",
        "nats://a b:1"}) {
    EXPECT_EQ(read(bad), "refused") << bad;
  }
}

TEST(NatsConnectTest, QuotesWhatItIsGiven) {
  const auto text = write_nats_connect({.name = "n", .user = "u\"\r\n", .password = "p\\"});
  EXPECT_TRUE(text.starts_with("CONNECT {"));
  EXPECT_TRUE(text.ends_with("}\r\n"));
  EXPECT_EQ(text.find("\r\n"), text.size() - 2);
  EXPECT_THAT(text, testing::HasSubstr(R"("user":"u\"\r\n","pass":"p\\")"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("auth_token")));
}

}  // namespace
}  // namespace weir
