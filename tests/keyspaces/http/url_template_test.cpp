#include "keyspaces/http/url_template.hpp"

#include "tests/keyspaces/loading.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace weir {
namespace {

using namespace std::string_literals;

std::optional<std::string> target(std::string url, std::string_view key) {
  auto filled = url_template("http://h" + url).url_for(key);
  if (filled) filled->erase(0, 8);
  return filled;
}

TEST(UrlTemplateTest, puts_the_key_in_as_one_encoded_segment) {
  EXPECT_EQ(target("/p/{key}", "42"), "/p/42");
  EXPECT_EQ(target("/p/{key}.json?full=1", "a b"), "/p/a%20b.json?full=1");
  EXPECT_EQ(target("/p/{key}", "a/b?c#d%e"), "/p/a%2Fb%3Fc%23d%25e");
  EXPECT_EQ(target("/p/{key}", "\r\nX: y"), "/p/%0D%0AX%3A%20y");
  EXPECT_EQ(target("/p/{key}", "\0\xff"s), "/p/%00%FF");
  EXPECT_EQ(target("/p/{key}", "%2e%2e"), "/p/%252e%252e");
  EXPECT_EQ(target("/p/{key}", "{key}"), "/p/%7Bkey%7D");
}

TEST(UrlTemplateTest, fills_every_place_also_in_the_query) {
  EXPECT_EQ(target("/{key}/x/{key}?id={key}", "a&b"), "/a%26b/x/a%26b?id=a%26b");
  EXPECT_EQ(target("?id={key}", "1"), "?id=1");
}

TEST(UrlTemplateTest, never_lets_a_key_out_of_its_place) {
  for (const auto& key :
       {"."s, ".."s, "../x"s, "a/.."s, "a/../b"s, "/.."s, "./x"s, "..\\x"s, "x\\.."s}) {
    EXPECT_EQ(target("/p/{key}", key), std::nullopt) << key;
  }
  EXPECT_EQ(target("/p/.{key}", "."), std::nullopt);
  EXPECT_EQ(target("/p/%2E{key}", "."), std::nullopt);
  EXPECT_EQ(target("/p/{key}.", "x/."), std::nullopt);
  EXPECT_EQ(target("/p/{key}.json", "../x"), std::nullopt);
}

TEST(UrlTemplateTest, leaves_dots_alone_that_lead_nowhere) {
  for (const auto& key : {"..."s, "a.b"s, ".x"s, "x."s, "..x"s, "a/.b"s, "%2e%2e"s}) {
    EXPECT_NE(target("/p/{key}", key), std::nullopt) << key;
  }
  EXPECT_EQ(target("/p/{key}.json", "."), "/p/..json");
  EXPECT_EQ(target("/p?id={key}", "../x"), "/p?id=..%2Fx");
}

TEST(UrlTemplateTest, knows_the_server_for_messages) {
  EXPECT_EQ(url_template("http://example.org/{key}").server(), "example.org:80");
  EXPECT_EQ(url_template("http://[::1]:9000/{key}").server(), "[::1]:9000");
  EXPECT_EQ(url_template("http://[::1]/{key}").server(), "[::1]:80");
  EXPECT_EQ(url_template("http://api.example.com./{key}").server(), "api.example.com.:80");
  EXPECT_EQ(url_template("https://my_host/{key}").server(), "my_host:443");
}

struct refused {
  const char* url;
  const char* why;
};

TEST(UrlTemplateTest, refuses_every_wrong_url_with_its_reason) {
  const refused cases[] = {
      {"", "needs a scheme"},
      {"h/p/{key}", "needs a scheme"},
      {"file:///etc/{key}", "has the scheme \"file\""},
      {"gopher://h/{key}", "has the scheme \"gopher\""},
      {"ftps://h/{key}", "only http and https are supported"},
      {"http://user:secret@h/{key}", "has user information"},
      {"http://user@h/{key}", "has user information"},
      {"http://{key}/x", "must not take its host from the key"},
      {"http://h:{key}/x", "must not take its host from the key"},
      {"http://h/p", "has no {key}"},
      {"http://h/{key}#part", "has a fragment"},
      {"http://h/{id}/{key}", "has braces"},
      {"http://h/{{key}}", "has braces"},
      {"http://h:0/{key}", "is not a URL"},
      {"http://h:99999/{key}", "is not a URL"},
      {"http:///{key}", "is not a URL"},
      {"http://h/a b/{key}", "is not a URL"},
      {"http://h/\r\n{key}", "is not a URL"},
      {"http://2130706433/{key}", "is a number but no IPv4 address"},
      {"http://127.1/{key}", "is a number but no IPv4 address"},
      {"http://0x7f000001/{key}", "is a number but no IPv4 address"},
      {"http://127.0.0.0x1/{key}", "is a number but no IPv4 address"},
      {"http://127.1./{key}", "is a number but no IPv4 address"},
      {"http://a..b/{key}", "no name of a host"},
      {"http://./{key}", "no name of a host"},
      {"http://-h/{key}", "no name of a host"},
      {"http://h!/{key}", "no name of a host"},
      {"http://::1/{key}", "is not a URL"},
      {"http://[h]/{key}", "is not a URL"},
      {"http://h/%zz{key}", "% without two hex digits"},
  };
  for (const auto& [url, why] : cases) {
    const auto text = thrown_text<std::invalid_argument>([&, url = url] { url_template{url}; });
    EXPECT_NE(text.find(why), std::string::npos) << url << " gave: " << text;
  }
}

}  // namespace
}  // namespace weir
