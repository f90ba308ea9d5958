#include "node/link_metrics.hpp"

#include "node/http_metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string line(const std::string& sample, int value) {
  return '\n' + sample + ' ' + std::to_string(value) + '\n';
}

std::string text_of(const peer_link_counters& of, const std::vector<peer_link_state>& links = {}) {
  metrics_text out;
  append_link_metrics(out, of, links);
  return out.text();
}

TEST(LinkMetricsTest, EachCounterHasItsSample) {
  const auto text = text_of({
      .messages_in = 1,
      .messages_out = 2,
      .bytes_in = 3,
      .bytes_out = 4,
      .calls = 5,
      .late_replies = 6,
      .unknown_replies = 7,
      .links_up = 8,
      .peers_accepted = 9,
      .refused = 10,
  });
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_messages_total{direction="in"})", 1)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_messages_total{direction="out"})", 2)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_bytes_total{direction="in"})", 3)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_bytes_total{direction="out"})", 4)));
  EXPECT_THAT(text, HasSubstr(line("weir_link_calls_total", 5)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_unwanted_replies_total{kind="late"})", 6)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_unwanted_replies_total{kind="unknown"})", 7)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_connections_total{direction="out"})", 8)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_connections_total{direction="in"})", 9)));
  EXPECT_THAT(text, HasSubstr(line("weir_link_refused_total", 10)));
}

TEST(LinkMetricsTest, EachFaultHasItsCause) {
  peer_link_counters of;
  of.faults[static_cast<std::size_t>(peer_fault::checksum)] = 4;
  of.faults[static_cast<std::size_t>(peer_fault::mismatched_reply)] = 5;
  const auto text = text_of(of);
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_faults_total{cause="checksum"})", 4)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_link_faults_total{cause="mismatched_reply"})", 5)));
  EXPECT_THAT(text, Not(HasSubstr(R"(cause="none")")));
}

TEST(LinkMetricsTest, APeerOfTwoAddressesIsOnePeer) {
  const peer_link_state one{.id = "n2", .answered = 1, .timed_out = 2, .lost = 3};
  const peer_link_state other{.id = "n2", .answered = 10, .timed_out = 20, .lost = 30};
  const peer_link_state unproven{.address = "10.0.0.9:1", .lost = 7};
  const auto text = text_of({}, {one, other, unproven});
  EXPECT_THAT(text, HasSubstr(line(R"(weir_peer_requests_total{peer="n2",outcome="ok"})", 11)));
  EXPECT_THAT(
      text, HasSubstr(line(R"(weir_peer_requests_total{peer="n2",outcome="timeout"})", 22))
  );
  EXPECT_THAT(text, HasSubstr(line(R"(weir_peer_requests_total{peer="n2",outcome="lost"})", 33)));
  EXPECT_THAT(text, Not(HasSubstr(R"(peer="")")));
}

TEST(HttpMetricsTest, EachCounterHasItsSample) {
  metrics_text out;
  append_http_metrics(
      out,
      {.connections = 1,
       .accepted_total = 2,
       .refused_total = 3,
       .short_of_memory_total = 4,
       .requests_total = 5,
       .bad_requests_total = 6,
       .timeouts_total = 7,
       .accept_pauses_total = 8,
       .failed_handshakes_total = 9}
  );
  const auto text = out.text();
  EXPECT_THAT(text, HasSubstr(line("weir_http_connections", 1)));
  EXPECT_THAT(text, HasSubstr(line("weir_http_accepted_total", 2)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_http_rejected_total{reason="limit"})", 3)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_http_rejected_total{reason="memory"})", 4)));
  EXPECT_THAT(text, HasSubstr(line("weir_http_requests_total", 5)));
  EXPECT_THAT(text, HasSubstr(line("weir_http_bad_requests_total", 6)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_http_rejected_total{reason="timeout"})", 7)));
  EXPECT_THAT(text, HasSubstr(line("weir_http_accept_pauses_total", 8)));
  EXPECT_THAT(text, HasSubstr(line(R"(weir_http_rejected_total{reason="handshake"})", 9)));
}

}  // namespace
}  // namespace weir
