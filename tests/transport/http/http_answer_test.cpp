// What servers may answer, and what hostile ones do.
#include "tests/transport/http/answer_reading.hpp"

#include <weir/engine/errc.hpp>

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace weir {
namespace {

using namespace test;

TEST(HttpAnswerTest, ReadsEveryFraming) {
  for (const std::string& text :
       {with_body("Content-Length: 4\r\n", "body"),
        with_body("", "body"),
        chunked("4\r\nbody\r\n0\r\n\r\n"),
        chunked("0002\r\nbo\r\n2;name=\"va;l\"\r\ndy\r\n000\r\nTrailer: x\r\n\r\n"),
        chunked("4  \r\nbody\r\n0 \r\n\r\n"),
        std::string("HTTP/1.0 200 OK\r\n\r\nbody"),
        std::string("HTTP/1.1 200\r\nContent-Length: 4\r\n\r\nbody"),
        std::string("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: x\r\n\r\n") +
            with_body("Content-Length: 4\r\n", "body")}) {
    const auto got = read({text});
    EXPECT_FALSE(got.error) << text << got;
    EXPECT_EQ(got.status, 200u) << text;
    EXPECT_EQ(got.body, "body") << text;
  }
}

TEST(HttpAnswerTest, KeepsFieldsAsTheyCame) {
  http_answer_reader reader(http_method::get, usual);
  const auto text = with_body("ETag: \"7\"\r\nX-a:\r\nx-A: \t 1 2 \t\r\nContent-Length: 0\r\n", "");
  ASSERT_FALSE(feed(reader, text));
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"ETag", "\"7\""}, {"X-a", ""}, {"x-A", "1 2"}, {"Content-Length", "0"}};
  EXPECT_EQ(reader.answer().fields, wanted);
  EXPECT_TRUE(reader.is_complete());
}

TEST(HttpAnswerTest, TakesNoBodyWhereThereIsNone) {
  const auto long_one = with_body("Content-Length: 99999999\r\n", "");
  EXPECT_EQ(read({long_one}, http_method::head).status, 200u);
  EXPECT_EQ(read({chunked("")}, http_method::head).status, 200u);
  for (const std::string status : {"204 No Content", "304 Not Modified"}) {
    const auto got = read({"HTTP/1.1 " + status + "\r\nContent-Length: 99999999\r\n\r\n"});
    EXPECT_FALSE(got.error) << got;
    EXPECT_TRUE(got.leaves_connection);
  }
}

TEST(HttpAnswerTest, KnowsWhetherTheConnectionGoesOn) {
  const std::string length = "Content-Length: 4\r\n";
  const auto goes_on = [](const std::string& text) { return read({text}).leaves_connection; };
  EXPECT_TRUE(goes_on(with_body(length, "body")));
  EXPECT_TRUE(goes_on(chunked("4\r\nbody\r\n0\r\n\r\n")));
  EXPECT_TRUE(goes_on("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + length + "\r\nbody"));
  EXPECT_FALSE(goes_on("HTTP/1.0 200 OK\r\n" + length + "\r\nbody"));
  EXPECT_FALSE(goes_on(with_body(length + "Connection: CLOSE\r\n", "body")));
  EXPECT_FALSE(goes_on(with_body(length + "Connection: x, close\r\n", "body")));
  EXPECT_FALSE(goes_on(with_body("", "body")));
  EXPECT_FALSE(goes_on(with_body(length, "body and more")));
  EXPECT_FALSE(goes_on(chunked("4\r\nbody\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")));
}

TEST(HttpAnswerTest, SaysWhenTheAnswerIsCutOff) {
  for (const std::string& whole :
       {with_body("Content-Length: 4\r\n", "body"), chunked("4\r\nbody\r\n0\r\nT: x\r\n\r\n")}) {
    for (std::size_t cut = 0; cut != whole.size(); ++cut) {
      const auto got = read({std::string_view(whole).substr(0, cut)});
      EXPECT_EQ(got.error, boost::asio::error::eof) << whole.substr(0, cut);
    }
  }
}

const std::vector<std::string>& refused() {
  static const std::vector<std::string> all = {
      "SSH-2.0-OpenSSH_9.2\r\n",
      "\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.2 200 OK\r\n\r\n",
      "http/1.1 200 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.1 600 OK\r\n\r\n",
      "HTTP/1.1 200 OK\nA: b\n\n",
      "HTTP/1.1 200 O\x01K\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      with_body("A: b\n", ""),
      with_body("A : b\r\n", ""),
      with_body(": b\r\n", ""),
      with_body("A\r\n", ""),
      with_body(" A: b\r\n", ""),
      with_body("A: b\r\n c\r\n", ""),
      with_body("A: b\r\n\tc\r\n", ""),
      with_body("A:\r\n b\r\n", ""),
      with_body(std::string("A: b\0c\r\n", 8), ""),
      with_body("A: b\rc\r\n", ""),
      with_body("A: \x7f\r\n", ""),
      with_body("Content-Length: 4\r\nContent-Length: 4\r\n", "body"),
      with_body("Content-Length: 4\r\nContent-Length: 5\r\n", "body"),
      with_body("Content-Length: 4, 4\r\n", "body"),
      with_body("Content-Length: 4x\r\n", "body"),
      with_body("Content-Length: +4\r\n", "body"),
      with_body("Content-Length: -4\r\n", "body"),
      with_body("Content-Length: 0x4\r\n", "body"),
      with_body("Content-Length: 4 4\r\n", "body"),
      with_body("Content-Length:\r\n", "body"),
      with_body("Content-Length: 18446744073709551616\r\n", "body"),
      with_body("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "4\r\nbody\r\n0\r\n\r\n"),
      with_body("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "4\r\nbody\r\n0\r\n\r\n"),
      with_body("Transfer-Encoding: gzip\r\n", "body"),
      with_body("Transfer-Encoding: gzip\r\nContent-Length: 4\r\n", "body"),
      with_body("Transfer-Encoding: gzip, chunked\r\n", "4\r\nbody\r\n0\r\n\r\n"),
      with_body("Transfer-Encoding: chunked, gzip\r\n", "4\r\nbody\r\n0\r\n\r\n"),
      with_body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      with_body("Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      chunked("zz\r\n"),
      chunked("\r\n"),
      chunked("-1\r\n"),
      chunked("0x4\r\nbody\r\n0\r\n\r\n"),
      chunked("4 x\r\nbody\r\n0\r\n\r\n"),
      chunked("4\nbody\n0\n\n"),
      chunked("4\r\nbody and more\r\n0\r\n\r\n"),
      chunked("4\r\nbody0\r\n\r\n"),
      chunked("4;" + std::string(300, 'x') + "\r\nbody\r\n0\r\n\r\n"),
      chunked("4;x=\"\x01\"\r\nbody\r\n0\r\n\r\n"),
      chunked("0\r\nno trailer\r\n\r\n"),
      chunked("0\r\nA: b\r\n c\r\n\r\n"),
      chunked("0\r\nA: " + std::string(9'000, 'x') + "\r\n\r\n"),
  };
  return all;
}

TEST(HttpAnswerTest, RefusesWhatIsNoGoodAnswer) {
  for (const auto& text : refused()) {
    const auto got = read({text});
    EXPECT_EQ(got.error, errc::protocol) << text;
    EXPECT_NE(got.refusal, "") << text;
  }
}

TEST(HttpAnswerTest, NamesWhatIsWrong) {
  const auto words = [](const std::string& text) { return read({text}).refusal; };
  const std::string length = "Content-Length: 4\r\n";
  const std::string coding = "Transfer-Encoding: chunked\r\n";
  EXPECT_EQ(words(with_body(length + length, "")), "more than one Content-Length");
  EXPECT_EQ(
      words(with_body("Content-Length: 4, 4\r\n", "")), "Content-Length must be decimal digits"
  );
  const std::string both = "Content-Length and Transfer-Encoding in one message";
  EXPECT_EQ(words(with_body(length + coding, "")), both);
  EXPECT_EQ(words(with_body(coding + length, "")), both);
  EXPECT_EQ(words(with_body(coding + coding, "")), "more than one Transfer-Encoding");
  EXPECT_EQ(words(with_body("A: b\r\n c\r\n", "")), "folded header lines are not taken");
  EXPECT_EQ(words("HTTP/1.1 999 No\r\n\r\n"), "the status is not a number of 100..599");
  EXPECT_EQ(words(chunked("zz\r\n")), "a chunk begins with its size in hex");
}

/// The outcome is the same wherever the network cuts an answer whose head ends.
TEST(HttpAnswerTest, DoesNotDependOnTheCuts) {
  auto all = refused();
  all.push_back(with_body("A: b\r\nContent-Length: 4\r\n", "body"));
  all.push_back(with_body("", " b\r\n o\r\n\r\n dy"));
  all.push_back("HTTP/1.1 200 OK\r\n\r\n\r\n \r\n x");
  all.push_back(chunked("2;x\r\nbo\r\n2 \r\ndy\r\n0\r\nT: x\r\n\r\n"));
  all.push_back(
      "HTTP/1.1 100\r\n\r\nHTTP/1.1 103 Hint\r\nLink: x\r\n\r\nHTTP/1.1 204\r\nA: b\r\n\r\n"
  );
  for (const auto& text : all) {
    const std::string_view whole(text);
    if (whole.find("\r\n\r\n") == whole.npos) continue;
    const auto wanted = read({whole});
    std::vector<std::string_view> each;
    for (std::size_t cut = 0; cut != whole.size(); ++cut) {
      each.push_back(whole.substr(cut, 1));
      if (cut > 200) continue;  // long ones are long in one place
      const auto got = read({whole.substr(0, cut), whole.substr(cut)});
      EXPECT_EQ(got.error, wanted.error) << text << " cut at " << cut;
      EXPECT_EQ(got.body, wanted.body) << text << " cut at " << cut;
    }
    const auto got = read(each);
    EXPECT_EQ(got.error, wanted.error) << text;
    EXPECT_EQ(got.body, wanted.body) << text;
    EXPECT_EQ(got.leaves_connection, wanted.leaves_connection) << text;
  }
}

TEST(HttpAnswerTest, StopsAtTheCapOfTheBody) {
  const std::string body(1'000, 'x');
  const std::vector<std::function<std::string(const std::string&)>> framings{
      [](const std::string& b) {
        return with_body("Content-Length: " + std::to_string(b.size()) + "\r\n", b);
      },
      [](const std::string& b) { return with_body("", b); },
      [](const std::string& b) {
        return chunked(
            "1\r\n" + b.substr(0, 1) + "\r\n" + (b.size() == 1'000 ? "3e7" : "3e8") + "\r\n" +
            b.substr(1) + "\r\n0\r\n\r\n"
        );
      }};
  for (const auto& framed : framings) {
    EXPECT_EQ(read({framed(body)}).body, body);
    EXPECT_EQ(read({framed(body + 'x')}).error, errc::too_large);
  }
  EXPECT_EQ(read({chunked("ffffffffffffffff\r\n")}).error, errc::too_large);
  EXPECT_EQ(read({chunked("fffffffffffffffff\r\n")}).error, errc::too_large);
}

TEST(HttpAnswerTest, KeepsTheBytesOfAHeadWithinItsLimit) {
  const auto of_size = [](std::size_t size) {
    auto text = with_body("Content-Length: 0\r\nX: \r\n", "");
    return text.insert(text.size() - 4, std::string(size - text.size(), 'x'));
  };
  EXPECT_FALSE(read({of_size(1'024)}).error);
  const auto got = read({of_size(1'025)});
  EXPECT_EQ(got.error, errc::protocol);
  EXPECT_EQ(got.refusal, "the header is over its limit; taken are 128 fields and 1024 bytes");
}

TEST(HttpAnswerTest, KeepsTheFieldsOfAHeadWithinTheirLimit) {
  const auto with_fields = [](int count) {
    std::string fields;
    for (int i = 0; i != count; ++i) fields += "A:\r\n";
    return read({with_body(fields, "")}, http_method::get, {.header = 65'536, .body = 0});
  };
  EXPECT_FALSE(with_fields(128).error);
  EXPECT_EQ(with_fields(129).error, errc::protocol);
  EXPECT_NE(
      with_fields(129).refusal.find("too many header fields; taken are 128"), std::string::npos
  );
}

/// How much of an endless repetition is taken until the reader refuses; at most a MiB.
std::size_t taken_of(
    const std::string& begin,
    const std::string& again,
    error_code& error,
    http_answer_reader::limits most = usual
) {
  http_answer_reader reader(http_method::get, most);
  error = feed(reader, begin);
  std::size_t sent = begin.size();
  for (; !error && sent < 1'048'576; sent += again.size()) error = feed(reader, again);
  return sent;
}

TEST(HttpAnswerTest, RefusesWhatHasNoEnd) {
  const std::string chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  struct endless {
    std::string begin, again;
    errc wanted;
    std::size_t most;
  };

  for (const auto& [begin, again, wanted, most] : std::vector<endless>{
           {"", "x", errc::protocol, 13},
           {"HTTP/1.1 200 ", "x", errc::protocol, 1'100},
           {"HTTP/1.1 200 OK\r\n", "A", errc::protocol, 1'100},
           {"HTTP/1.1 200 OK\r\n", "A: b\r\n", errc::protocol, 1'100},
           {"HTTP/1.1 200 OK\r\nA",
            ": b\r\nA",
            errc::protocol,
            1'100},  // one byte is left each time
           {"", "HTTP/1.1 100 Continue\r\n\r\n", errc::protocol, 300},
           {"HTTP/1.1 200 OK\r\n\r\n", "body", errc::too_large, 1'100},
           {chunks, "1\r\nx\r\n", errc::too_large, 6'100},
           {chunks, "0", errc::protocol, 400},
           {chunks + "4;", "x", errc::protocol, 400},
           {chunks + "0\r\n", "A: b\r\n", errc::protocol, 10'000}}) {
    error_code error;
    EXPECT_LE(taken_of(begin, again, error), most) << begin << again;
    EXPECT_EQ(error, wanted) << begin << again;
  }
}

TEST(HttpAnswerTest, AnnouncedLengthsCostNoMemory) {
  http_answer_reader reader(http_method::get, {.header = 1'024, .body = UINT64_MAX});
  ASSERT_FALSE(feed(reader, with_body("Content-Length: 18446744073709551615\r\n", "x")));
  EXPECT_LT(reader.answer().body.capacity(), 100u);
  http_answer_reader in_chunks(http_method::get, {.header = 1'024, .body = UINT64_MAX});
  ASSERT_FALSE(feed(in_chunks, chunked("ffffffffffffffff\r\nx")));
  EXPECT_LT(in_chunks.answer().body.capacity(), 100u);
}

/// Joined, these would fill Beast's buffer for folded lines, behind which its iequals reads.
TEST(HttpAnswerTest, LetsNoFoldedConnectionThrough) {
  for (std::size_t size = 4'085; size != 4'095; ++size) {
    const std::string folded = "Connection: " + std::string(size, 'x') + ",\r\n CLOSE\r\n";
    const http_answer_reader::limits most{.header = 65'536, .body = 1'000};
    EXPECT_EQ(read({with_body(folded, "")}, http_method::get, most).error, errc::protocol);
    EXPECT_EQ(
        read({chunked("0\r\n" + folded + "\r\n")}, http_method::get, most).error, errc::protocol
    );
  }
}

TEST(HttpAnswerTest, GivesTheBodyAwayPieceByPiece) {
  http_answer_reader reader(http_method::get, {.header = 1'024, .body = UINT64_MAX});
  ASSERT_FALSE(feed(reader, chunked("3\r\none\r\n3\r\nt")));
  EXPECT_EQ(std::exchange(reader.answer().body, {}), "onet");
  EXPECT_FALSE(reader.is_complete());
  ASSERT_FALSE(feed(reader, "wo\r\n0\r\n\r\n"));
  EXPECT_EQ(reader.answer().body, "wo");
  EXPECT_TRUE(reader.is_complete());
}

/// Mutations of good answers, in buffers of their size for a sanitizer to see any step beyond.
TEST(HttpAnswerTest, StaysInsideItsBoundsWhateverTheBytes) {
  const std::vector<std::string> seeds = {
      with_body("Content-Length: 10\r\nETag: \"x\"\r\n", "0123456789"),
      chunked("4;x=\"y\"\r\nWiki\r\n0\r\nT: x\r\n\r\n"),
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200\r\nConnection: Keep-Alive, Close\r\n\r\nbody",
      with_body("Connection: close\r\nProxy-Connection: x , CLOSE\r\nUpgrade: y\r\n", "body")};
  const std::string alphabet = std::string("\r\n \t:,;/?0123456789abcdefHTPC.%\"\xff") + '\0';
  std::mt19937 random(7);
  int good = 0;
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
    const std::string_view whole(text);
    const auto got = read({whole});
    const bool is_known = !got.error || got.error == errc::protocol ||
                          got.error == errc::too_large || got.error == boost::asio::error::eof;
    ASSERT_TRUE(is_known) << got << text;
    ASSERT_LE(got.body.size(), text.size());
    if (!got.error) ++good;
    const auto cut = random() % whole.size();
    const auto in_two = read({whole.substr(0, cut), whole.substr(cut)});
    // Of a head that does not end, only the first line is judged before it is cut off.
    if (in_two.error == boost::asio::error::eof && got.error == errc::protocol) continue;
    ASSERT_EQ(in_two.error, got.error) << text << "\ncut at " << cut;
    ASSERT_EQ(in_two.body, got.body) << text << "\ncut at " << cut;
  }
  EXPECT_GT(good, 10'000);
}

}  // namespace
}  // namespace weir
