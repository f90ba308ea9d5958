#include "transport/http/http_parser.hpp"

#include <weir/transport/host_port.hpp>
#include <weir/transport/http_problem.hpp>
#include <weir/transport/http_target.hpp>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace weir {
namespace {

parse_state parse(std::string_view text, http_request_head& head, http_refusal& why) {
  return parse_request_head(text, {}, head, why);
}

TEST(HttpParserTest, ReadsARequest) {
  const std::string text =
      "PUT /v1/users/a%2Fb?ttl=30s&x HTTP/1.1\r\nHost: weir:7421\r\nConnection: x, "
      "Upgrade\r\nUpgrade: weir/1\r\n"
      "Content-Length: 12\r\nWeir-Timeout: 250ms\r\nExpect: 100-Continue\r\nX-Empty:\r\nX-Pad: \t "
      "v w \t\r\n\r\nbody";
  http_request_head head;
  http_refusal why;
  ASSERT_EQ(parse(text, head, why), parse_state::complete);
  EXPECT_EQ(head.method, http_method::put);
  EXPECT_EQ(head.path, "/v1/users/a%2Fb");
  EXPECT_EQ(head.query, "ttl=30s&x");
  EXPECT_EQ(head.host, "weir:7421");
  EXPECT_EQ(head.upgrade, "weir/1");
  EXPECT_EQ(head.timeout, "250ms");
  EXPECT_EQ(head.content_length, 12u);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.fields()[6].value, "");
  EXPECT_EQ(head.fields()[7].value, "v w");
  EXPECT_EQ(text.substr(head.size), "body");
}

TEST(HttpParserTest, WantsMoreAtEveryCut) {
  const std::string text = "GET /a HTTP/1.1\r\nHost: t\r\nA: b\r\n\r\n";
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    http_request_head head;
    http_refusal why;
    EXPECT_EQ(parse(text.substr(0, cut), head, why), parse_state::need_more) << cut;
  }
}

TEST(HttpParserTest, TakesUpgradeOnlyWhenConnectionNamesIt) {
  http_request_head head;
  http_refusal why;
  ASSERT_EQ(
      parse("GET / HTTP/1.1\r\nHost: t\r\nUpgrade: weir/1\r\n\r\n", head, why),
      parse_state::complete
  );
  EXPECT_EQ(head.upgrade, "");
}

TEST(HttpParserTest, TakesBytesAbove127InTargetsAndValues) {
  http_request_head head;
  http_refusal why;
  ASSERT_EQ(
      parse("GET /\xC3\xA9\xFF HTTP/1.1\r\nHost: t\r\nX: \xFF\r\n\r\n", head, why),
      parse_state::complete
  );
  EXPECT_EQ(head.path, "/\xC3\xA9\xFF");
}

/// Parses mutations of valid requests in buffers of exact size, so that a sanitizer sees any step
/// beyond.
TEST(HttpParserTest, StaysInsideTheBufferWhateverTheBytes) {
  const std::vector<std::string> seeds = {
      "GET /v1/a HTTP/1.1\r\nHost: t\r\nConnection: close\r\nWeir-Timeout: 1s\r\n\r\n",
      "PUT http://t/k?q HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4;x\r\nWiki\r\n0\r\nT: x\r\n\r\n"};
  const std::string alphabet = std::string("\r\n \t:,;/?0123456789abcdefGETHTP.%\xff") + '\0';
  std::mt19937 random(7);
  for (int round = 0; round < 60'000; ++round) {
    std::string text = seeds[random() % seeds.size()];
    for (unsigned i = random() % 5; i > 0; --i) {
      const auto at = random() % text.size();
      switch (random() % 4) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        case 2:
          text.erase(at, 1 + random() % 3);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 20));
          break;
      }
      if (text.empty()) text = "x";
    }
    const std::unique_ptr<char[]> exact(new char[text.size()]);
    std::copy(text.begin(), text.end(), exact.get());
    const std::string_view buffer(exact.get(), text.size());
    http_refusal why;
    http_request_head request;
    if (parse_request_head(buffer, {}, request, why) == parse_state::complete) {
      ASSERT_LE(request.size, buffer.size());
      ASSERT_FALSE(request.chunked && request.content_length);
      if (request.chunked) {
        chunk_decoder chunks(1'000);
        std::string body;
        std::size_t consumed = 0;
        chunks.decode(buffer.substr(request.size), consumed, body, why);
        ASSERT_LE(consumed, buffer.size() - request.size);
        ASSERT_LE(body.size(), 1'000u);
      }
    }
  }
}

TEST(HttpTargetTest, RoundTripsEveryByte) {
  std::string key;
  for (int byte = 0; byte < 256; ++byte) key.push_back(static_cast<char>(byte));
  const auto encoded = encode_path_segment(key);
  EXPECT_EQ(encoded.find('/'), std::string::npos);
  EXPECT_EQ(decode_path_segment(encoded).value(), key);
}

TEST(HttpTargetTest, TakesSlashesRawAndEncoded) {
  EXPECT_EQ(decode_path_segment("a/b").value(), decode_path_segment("a%2Fb").value());
  EXPECT_EQ(decode_path_segment("a%2fb").value(), "a/b");
  EXPECT_EQ(decode_path_segment("..%00+ ").value(), std::string("..\0+ ", 5));
  EXPECT_EQ(decode_path_segment("").value(), "");
}

TEST(HttpTargetTest, RefusesMalformedEscapes) {
  for (const char* bad : {"%", "%2", "a%", "%zz", "%2g", "%%41", "% 1", "%-1"}) {
    EXPECT_EQ(decode_path_segment(bad).error(), errc::bad_request) << bad;
  }
}

TEST(HttpTargetTest, FindsQueryParameters) {
  EXPECT_EQ(query_parameter("explain", "explain"), "");
  EXPECT_EQ(query_parameter("a=1&ttl=30s&b", "ttl"), "30s");
  EXPECT_EQ(query_parameter("a=1&ttl=30s&b", "b"), "");
  EXPECT_EQ(query_parameter("a=b=c", "a"), "b=c");
  EXPECT_EQ(query_parameter("attl=1", "ttl"), std::nullopt);
  EXPECT_EQ(query_parameter("", "ttl"), std::nullopt);
  EXPECT_EQ(query_parameter("&&x", "x"), "");
}

TEST(HttpProblemTest, IsJsonWhateverTheDetail) {
  std::string detail = "key \"\\\n\x7f\xC3\xA9\xF0\x9F\x98\x80";
  for (int byte = 0; byte < 256; ++byte) detail.push_back(static_cast<char>(byte));
  const auto answer = problem(errc::bad_key, detail);
  const auto parsed = boost::json::parse(answer.body.text()).as_object();
  EXPECT_EQ(answer.status, 400u);
  EXPECT_EQ(parsed.at("status").as_int64(), 400);
  EXPECT_EQ(parsed.at("code").as_string(), "bad_key");
  EXPECT_NE(parsed.at("detail").as_string().find("\xC3\xA9\xF0\x9F\x98\x80"), std::string::npos);
}

TEST(HttpProblemTest, HasTheStatusOfEachCode) {
  EXPECT_EQ(problem(errc::not_found, "").status, 404u);
  EXPECT_EQ(problem(errc::no_keyspace, "").status, 404u);
  EXPECT_EQ(problem(errc::conflict, "").status, 412u);
  EXPECT_EQ(problem(errc::too_large, "").status, 413u);
  EXPECT_EQ(problem(errc::source_failed, "").status, 502u);
  EXPECT_EQ(problem(errc::deadline_exceeded, "").status, 504u);
  EXPECT_EQ(problem(errc::unknown_outcome, "").status, 500u);
  EXPECT_EQ(problem(errc::unavailable, "").status, 503u);
  EXPECT_NE(
      problem(errc::overloaded, "").fields().find("Retry-After: 1\r\n"), std::string_view::npos
  );
}

TEST(HostPortTest, ReadsAndWritesAddresses) {
  EXPECT_EQ(parse_host_port("127.0.0.1:80").value(), (host_port{"127.0.0.1", 80}));
  EXPECT_EQ(parse_host_port("[::1]:7420").value(), (host_port{"::1", 7420}));
  EXPECT_EQ(parse_host_port(":7420").value(), (host_port{"", 7420}));
  EXPECT_EQ(parse_host_port("n1.example:1").value(), (host_port{"n1.example", 1}));
  EXPECT_EQ(to_string(host_port{"::1", 7420}), "[::1]:7420");
  EXPECT_EQ(to_string(host_port{"h", 1}), "h:1");
}

TEST(HostPortTest, RefusesWhatIsNoAddress) {
  for (const char* bad :
       {"",
        "h",
        "h:",
        "h:65536",
        "h:80x",
        "h:-1",
        "h:+1",
        "::1:80",
        "[::1]",
        "[::1:80",
        "[]:80",
        "h :80",
        "a@b:80",
        "h:80/"}) {
    EXPECT_FALSE(parse_host_port(bad)) << bad;
  }
}

TEST(HttpMethodTest, EachIsReadAsItIsWritten) {
  for (auto method = http_method::get; method != http_method::other;
       method = static_cast<http_method>(static_cast<int>(method) + 1)) {
    EXPECT_EQ(parse_http_method(name(method)), method) << name(method);
  }
  EXPECT_EQ(parse_http_method("get"), http_method::other);
  EXPECT_EQ(parse_http_method("OTHER"), http_method::other);
}

}  // namespace
}  // namespace weir
