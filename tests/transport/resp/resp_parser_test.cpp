#include <weir/transport/resp_commands.hpp>
#include <weir/transport/resp_parser.hpp>

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

namespace weir {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using status = resp_parser::status;
using facts = std::vector<std::string>;

std::string fact_of(const resp_value& got);

std::string list_of(const resp_value& got) {
  std::string out = "[";
  for (const auto& each : got.items) out += (out.size() > 1 ? "," : "") + fact_of(each);
  return out + "]";
}

std::string fact_of(const resp_value& got) {
  switch (got.kind) {
    case resp_kind::null:
      return "null";
    case resp_kind::simple:
      return "simple " + got.text;
    case resp_kind::error:
      return "error " + got.text;
    case resp_kind::integer:
      return "integer " + std::to_string(got.number);
    case resp_kind::bulk:
      return "bulk " + got.text;
    case resp_kind::real:
      return "real " + (std::isnan(got.real) ? "nan" : std::to_string(got.real));
    case resp_kind::boolean:
      return got.number == 1 ? "true" : "false";
    case resp_kind::big_number:
      return "big " + got.text;
    case resp_kind::blob_error:
      return "blob error " + got.text;
    case resp_kind::verbatim:
      return "verbatim " + got.text;
    case resp_kind::array:
      return "array" + list_of(got);
    case resp_kind::map:
      return "map" + list_of(got);
    case resp_kind::set:
      return "set" + list_of(got);
    case resp_kind::push:
      return "push" + list_of(got);
    case resp_kind::too_large:
      return "too large " + std::to_string(got.number);
  }
  return "";
}

/// What is read of `stream` in pieces of this size.
facts read(const std::string& stream, std::size_t piece, resp_limits limits = {}) {
  resp_parser parser(limits);
  facts out;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    const auto part = stream.substr(at, piece);
    std::string_view rest = part;
    while (true) {
      resp_value got;
      const auto what = parser.next(rest, got);
      if (what == status::need_more) break;
      if (what == status::malformed) {
        out.emplace_back("malformed");
        return out;
      }
      out.push_back(fact_of(got));
    }
    EXPECT_THAT(rest, IsEmpty());
  }
  return out;
}

/// The same in pieces of every size.
facts read(const std::string& stream, resp_limits limits = {}) {
  const auto whole = read(stream, stream.size(), limits);
  for (std::size_t piece = 1; piece < stream.size(); ++piece) {
    EXPECT_EQ(read(stream, piece, limits), whole) << "in pieces of " << piece;
  }
  return whole;
}

/// Every cut of the stream into two parts gives the same.
void expect_any_cut(const std::string& stream, const facts& wanted) {
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    resp_parser parser;
    facts out;
    for (const auto& part : {stream.substr(0, cut), stream.substr(cut)}) {
      std::string_view rest = part;
      resp_value got;
      while (parser.next(rest, got) == status::value) out.push_back(fact_of(got));
    }
    EXPECT_EQ(out, wanted) << "cut at " << cut;
  }
}

const std::string every_type =
    "+OK\r\n-ERR no\r\n:42\r\n:-7\r\n:+7\r\n$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n_\r\n"
    ",1.5\r\n,-inf\r\n,inf\r\n,nan\r\n,10\r\n,1e3\r\n#t\r\n#f\r\n"
    "(3492890328409238509324850943850943825024385\r\n(-1\r\n!4\r\nE\r\nx\r\n=8\r\ntxt:So\r\n\r\n"
    "*2\r\n:1\r\n*1\r\n$1\r\na\r\n*0\r\n%2\r\n+a\r\n:1\r\n+b\r\n*0\r\n~2\r\n:1\r\n:2\r\n"
    ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n>2\r\n+invalidate\r\n_\r\n"
    "|1\r\n+ttl\r\n:3\r\n*2\r\n|1\r\n+x\r\n*2\r\n:1\r\n:2\r\n:4\r\n|0\r\n:5\r\n+end\r\n";

const facts every_fact{
    "simple OK",
    "error ERR no",
    "integer 42",
    "integer -7",
    "integer 7",
    "bulk he\r\no",
    "bulk ",
    "null",
    "null",
    "null",
    "real 1.500000",
    "real -inf",
    "real inf",
    "real nan",
    "real 10.000000",
    "real 1000.000000",
    "true",
    "false",
    "big 3492890328409238509324850943850943825024385",
    "big -1",
    "blob error E\r\nx",
    "verbatim So\r\n",
    "array[integer 1,array[bulk a]]",
    "array[]",
    "map[simple a,integer 1,simple b,array[]]",
    "set[integer 1,integer 2]",
    "push[bulk invalidate,array[bulk k]]",
    "push[simple invalidate,null]",
    "array[integer 4,integer 5]",
    "simple end"};

TEST(RespParserTest, ReadsEveryTypeInPiecesOfEverySize) {
  EXPECT_EQ(read(every_type), every_fact);
}

TEST(RespParserTest, ReadsEveryTypeWhereverItIsCut) {
  expect_any_cut(every_type, every_fact);
}

TEST(RespParserTest, BytesOfABulkAreNotLookedAt) {
  const auto odd = "\0\r\n$5\r\n*2\r\n\xff"s;
  resp_parser parser;
  const auto stream = "$" + std::to_string(odd.size()) + "\r\n" + odd + "\r\n";
  std::string_view rest = stream;
  resp_value got;
  ASSERT_EQ(parser.next(rest, got), status::value);
  EXPECT_EQ(got.text, odd);
}

TEST(RespParserTest, WhatIsNoRespIsMalformedForGood) {
  for (const auto& bad :
       {"HTTP/1.1 400\r\n"s,
        "\r\n"s,
        "+a\n"s,
        "+a\rb\r\n"s,
        ":\r\n"s,
        ":1x\r\n"s,
        ":--1\r\n"s,
        ":+-1\r\n"s,
        ":99999999999999999999\r\n"s,
        "$-2\r\n"s,
        "$x\r\n"s,
        "$1\r\nab\r\n"s,
        "$1\r\na\nx"s,
        "$?\r\n"s,
        "*?\r\n"s,
        "*-2\r\n"s,
        "%-1\r\n"s,
        "#x\r\n"s,
        "#\r\n"s,
        "_x\r\n"s,
        ",\r\n"s,
        ",infinity\r\n"s,
        ",1.5x\r\n"s,
        "(\r\n"s,
        "(12a\r\n"s,
        "=2\r\nab\r\n"s,
        "=4\r\ntxtx\r\n"s,
        "!-1\r\n"s,
        "=-1\r\n"s,
        "*1\r\n>1\r\n+a\r\n"s}) {
    auto got = read(bad);
    ASSERT_FALSE(got.empty()) << bad;
    EXPECT_EQ(got.back(), "malformed") << bad;
    got = read(bad + "+OK\r\n");
    EXPECT_EQ(got.back(), "malformed") << bad;
  }
}

TEST(RespParserTest, WhatIsBeforeTheFaultIsRead) {
  EXPECT_THAT(read("+a\r\n:1\r\n?\r\n"), ElementsAre("simple a", "integer 1", "malformed"));
}

TEST(RespParserTest, AValueOverTheLimitIsPassedOverAlone) {
  const resp_limits small{.max_bulk = 4};
  EXPECT_THAT(
      read(
          "*4\r\n$4\r\nfour\r\n$5\r\nfi\r\ne\r\n$1\r\na\r\n=9\r\ntxt:abcde\r\n!5\r\nlarge\r\n+"
          "end\r\n",
          small
      ),
      ElementsAre("array[bulk four,too large 5,bulk a,too large 9]", "too large 5", "simple end")
  );
}

TEST(RespParserTest, MemoryFollowsWhatHasCome) {
  resp_parser parser({.max_bulk = 1ull << 40});
  std::string_view promise = "$1000000000000\r\nabc";
  resp_value got;
  EXPECT_EQ(parser.next(promise, got), status::need_more);
  resp_parser lists({.max_items = 1ull << 60});
  promise = "*1000000000000\r\n:1\r\n";
  EXPECT_EQ(lists.next(promise, got), status::need_more);
}

TEST(RespParserTest, BoundsHold) {
  const resp_limits tight{
      .max_line = 8, .max_bulk = 4, .max_promised = 20, .max_items = 6, .max_depth = 2};
  EXPECT_THAT(read("$20\r\n12345678901234567890\r\n", tight), ElementsAre("too large 20"));
  EXPECT_THAT(read("$21\r\n", tight), ElementsAre("malformed"));
  EXPECT_THAT(read("+1234567\r\n", tight), ElementsAre("malformed"));
  EXPECT_THAT(read("+123456\r\n", tight), ElementsAre("simple 123456"));
  EXPECT_THAT(read("*1\r\n*1\r\n:1\r\n", tight), ElementsAre("array[array[integer 1]]"));
  EXPECT_THAT(read("*1\r\n*1\r\n*1\r\n:1\r\n", tight), ElementsAre("malformed"));
  EXPECT_THAT(read("*7\r\n", tight), ElementsAre("malformed"));
  EXPECT_THAT(read("%4\r\n", tight), ElementsAre("malformed"));
  EXPECT_THAT(read("*3\r\n:1\r\n*4\r\n", tight), ElementsAre("malformed"));
  EXPECT_THAT(read("*1\r\n:1\r\n*6\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n", tight).size(), 2u);
  EXPECT_THAT(read("*18446744073709551615\r\n", tight), ElementsAre("malformed"));
  EXPECT_THAT(read("$18446744073709551615\r\n", tight), ElementsAre("malformed"));
  // A line without an end.
  resp_parser parser(tight);
  resp_value got;
  std::string_view more = "+12345678";
  EXPECT_EQ(parser.next(more, got), status::malformed);
}

TEST(RespParserTest, EveryByteMayBeAnyOtherWithoutHarm) {
  for (std::size_t at = 0; at != every_type.size(); ++at) {
    for (const char c : {'\0', '\r', '\n', '*', '$', '-', '9', '>', '|', '\xff'}) {
      auto stream = every_type;
      stream[at] = c;
      EXPECT_LE(read(stream, 7).size(), every_type.size());
    }
  }
}

TEST(RespCommandsTest, AreArraysOfBulkStrings) {
  resp_commands made;
  made.add({"GET", "a\r\n"});
  made.begin(2);
  made.argument("DEL");
  made.argument("");
  EXPECT_EQ(made.count(), 2u);
  EXPECT_EQ(made.text(), "*2\r\n$3\r\nGET\r\n$3\r\na\r\n\r\n*2\r\n$3\r\nDEL\r\n$0\r\n\r\n");
}

TEST(RespCommandsTest, AreReadAsTheyWereWritten) {
  resp_commands made;
  made.add({"SET", "k", "\0\r\n"s});
  EXPECT_THAT(read(made.text()), ElementsAre("array[bulk SET,bulk k,bulk \0\r\n]"s));
}

}  // namespace
}  // namespace weir
