#include "node/log_format.hpp"

#include "node/event_hub.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

const wall_clock::time_point noon{std::chrono::milliseconds(1'769'860'800'123)};

TEST(LogFormat, WritesOneLineOfLogfmt) {
  const log_record record{
      log_level::warn, "peer.unreachable", {{"peer", "n2"}, {"detail", "no answer"}}};
  EXPECT_EQ(
      format_logfmt(record, noon),
      "time=2026-01-31T12:00:00.123Z level=warn event=peer.unreachable peer=n2 detail=\"no answer\""
  );
}

TEST(LogFormat, WritesOneJsonObject) {
  const log_record record{log_level::info, "ring.changed", {{"detail", "3 \"nodes\"\n"}}};
  EXPECT_EQ(
      format_json(record, noon),
      R"({"time":"2026-01-31T12:00:00.123Z","level":"info","event":"ring.changed","detail":"3 \"nodes\"\u000a"})"
  );
}

TEST(LogFormat, WritesNumbersAsNumbers) {
  const log_record record{
      log_level::info, "node.handed_over", {{"entries", 812'345u}, {"ms", -1}, {"detail", "42"}}};
  EXPECT_EQ(
      format_json(record, noon),
      R"({"time":"2026-01-31T12:00:00.123Z","level":"info","event":"node.handed_over","entries":812345,"ms":-1,"detail":"42"})"
  );
  EXPECT_EQ(
      format_logfmt(record, noon),
      "time=2026-01-31T12:00:00.123Z level=info event=node.handed_over entries=812345 ms=-1 "
      "detail=42"
  );
}

TEST(LogFormat, WhatTheEngineAndThePeerLinkCountIsANumber) {
  std::vector<std::string> lines;
  event_hub hub([&](const log_record& record) { lines.push_back(format_json(record, noon)); }, {});
  cluster_event failed{.name = "source.failed", .peer = "7"};
  failed.fields = {{"keyspace", "12"}, {"failures", "37"}, {"since", "12s"}};
  hub.publish(failed);
  hub.log_link("peer_refused", {{"times", "718"}, {"detail", "42"}});
  hub.log_link("peer_refused", {{"times", "many"}});
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(
      lines[0].find(R"("peer":"7","keyspace":"12","failures":37,"since":"12s"})"), std::string::npos
  ) << lines[0];
  EXPECT_NE(lines[1].find(R"("times":718,"detail":"42"})"), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find(R"("times":"many"})"), std::string::npos) << lines[2];
}

TEST(LogFormat, SaysOnceWhichNodeSpeaks) {
  const log_record silent{log_level::info, "ring.changed", {}};
  EXPECT_EQ(
      format_json(silent, noon, "n 1"),
      R"({"time":"2026-01-31T12:00:00.123Z","level":"info","node":"n 1","event":"ring.changed"})"
  );
  EXPECT_EQ(
      format_logfmt(silent, noon, "n 1"),
      "time=2026-01-31T12:00:00.123Z level=info node=\"n 1\" event=ring.changed"
  );
  const log_record named{log_level::info, "node.stopped", {{"node", "n1"}}};
  EXPECT_EQ(
      format_logfmt(named, noon, "n1"),
      "time=2026-01-31T12:00:00.123Z level=info event=node.stopped node=n1"
  );
}

TEST(LogFormat, PadsMilliseconds) {
  EXPECT_EQ(
      timestamp(wall_clock::time_point(std::chrono::milliseconds(7))), "1970-01-01T00:00:00.007Z"
  );
}

TEST(LogFormat, QuotesWhatIsNotPlain) {
  EXPECT_EQ(logfmt_value("n1"), "n1");
  EXPECT_EQ(logfmt_value(""), "\"\"");
  EXPECT_EQ(logfmt_value("a=b"), "\"a=b\"");
  EXPECT_EQ(logfmt_value("say \"hi\" \\"), R"("say \"hi\" \\")");
  EXPECT_EQ(logfmt_value("Zo\u00eb"), "\"Zo\u00eb\"");
}

TEST(LogFormat, NoValueCanBeginALineOfItsOwn) {
  EXPECT_EQ(logfmt_value("a\nlevel=error"), R"("a\nlevel=error")");
  EXPECT_EQ(logfmt_value(std::string("\r\0\x1b[31m\x7f", 8)), R"("\x0d\x00\x1b[31m\x7f")");
  const log_record record{log_level::info, "a\nb", {{"c", "d\ne"}}};
  EXPECT_EQ(format_logfmt(record, noon).find('\n'), std::string::npos);
  EXPECT_EQ(format_json(record, noon).find('\n'), std::string::npos);
}

TEST(LogFormat, EscapesBytesThatAreNotUtf8) {
  EXPECT_EQ(
      logfmt_value("\xff"
                   "a\xc3"),
      R"("\xffa\xc3")"
  );
  EXPECT_EQ(
      logfmt_value("\xc2\x9b"
                   "31m"),
      R"("\xc2\x9b31m")"
  );                                                             // a C1 control: terminals obey it
  EXPECT_EQ(logfmt_value("\xed\xa0\x80"), R"("\xed\xa0\x80")");  // a surrogate
}

}  // namespace
}  // namespace weir
