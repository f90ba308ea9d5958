#include "tests/keyspaces/loading.hpp"
#include "tests/support/http_origin.hpp"

#include <weir/keyspaces/make_sources.hpp>
#include <weir/transport/http_client.hpp>

#include <gmock/gmock.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

struct HttpSourceTest : loading_test {
  http_origin server;
  std::shared_ptr<http_client> client = std::make_shared<http_client>(env.loops());

  void use(http_source_options options) {
    if (options.url.empty()) options.url = server.url() + "/items/{key}";
    source = make_http_source(client, std::move(options));
  }

  void answers_with(std::string response) {
    server.handle([response](const std::string&) { return response; });
  }

  void SetUp() override { use({}); }
};

TEST_F(HttpSourceTest, the_body_of_a_200_is_the_value) {
  server.handle([](const std::string& target) { return http_origin::ok("you asked for " + target); }
  );
  EXPECT_EQ(answer("a/b"), "value:you asked for /items/a%2Fb");
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(HttpSourceTest, bodies_may_be_empty_or_hold_any_byte) {
  answers_with("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(answer("a"), "value:");
  answers_with(http_origin::ok(""));
  EXPECT_EQ(answer("a"), "value:");
  const std::string odd("\0\r\n\xff\r\n\r\n", 8);
  answers_with(http_origin::ok(odd));
  EXPECT_EQ(answer("a"), "value:" + odd);
}

TEST_F(HttpSourceTest, a_chunked_body_is_put_together) {
  answers_with(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
  );
  EXPECT_EQ(answer("a"), "value:abcde");
}

TEST_F(HttpSourceTest, only_404_and_410_mean_that_there_is_no_such_key) {
  for (const char* status : {"404 Not Found", "410 Gone"}) {
    answers_with(http_origin::response(status, "nothing"));
    EXPECT_EQ(answer("a"), "not found") << status;
  }
}

TEST_F(HttpSourceTest, every_other_status_is_an_error_that_names_it) {
  for (const char* status :
       {"201",
        "206",
        "301",
        "302",
        "304",
        "307",
        "308",
        "400",
        "401",
        "403",
        "405",
        "429",
        "500",
        "503"}) {
    answers_with(http_origin::response(
        std::string(status) + " Whatever", "x", "Location: http://127.0.0.1:1/\r\n"
    ));
    EXPECT_EQ(answer("a"), "error: source_failed") << status;
    EXPECT_NE(remark->text().find(std::string(" answered ") + status), std::string::npos)
        << remark->text();
  }
  answers_with(
      http_origin::response("302 Found", "", "Location: " + server.url() + "/elsewhere\r\n")
  );
  const int before = server.requests();
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_EQ(server.requests(), before + 1);
  EXPECT_NE(remark->text().find("redirects are not followed"), std::string::npos);
}

TEST_F(HttpSourceTest, keys_that_could_leave_their_place_are_not_asked_for) {
  server.handle([](const std::string&) { return http_origin::ok("secret"); });
  for (const char* key : {".", "..", "../secret", "a/../../secret", "..\\secret"}) {
    EXPECT_EQ(answer(key), "not found") << key;
  }
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(HttpSourceTest, weird_keys_arrive_as_they_are) {
  server.handle([](const std::string& target) { return http_origin::ok(target); });
  EXPECT_EQ(answer(std::string("\0", 1)), "value:/items/%00");
  EXPECT_EQ(answer("\r\nHost: x"), "value:/items/%0D%0AHost%3A%20x");
  EXPECT_EQ(answer("\xff\xfe"), "value:/items/%FF%FE");
  EXPECT_EQ(answer("%2e%2e%2f"), "value:/items/%252e%252e%252f");
  EXPECT_EQ(answer("\xf0\x9f\x92\xa7"), "value:/items/%F0%9F%92%A7");
  EXPECT_EQ(answer(std::string(4096, 'k')).size(), std::string("value:/items/").size() + 4096);
}

TEST_F(HttpSourceTest, cache_control_bounds_the_ttl_of_values_and_of_absence) {
  answers_with(http_origin::response("200 OK", "x", "Cache-Control: max-age=60\r\nAge: 10\r\n"));
  EXPECT_EQ(load("a")->ttl, 50s);
  answers_with(http_origin::response("200 OK", "x", "Cache-Control: no-store\r\n"));
  EXPECT_EQ(load("a")->ttl, 0s);
  answers_with(http_origin::response("404 Not Found", "x", "Cache-Control: max-age=1\r\n"));
  EXPECT_EQ(load("a")->ttl, 1s);
  answers_with(http_origin::ok("x"));
  EXPECT_EQ(load("a")->ttl, std::nullopt);
}

TEST_F(HttpSourceTest, content_type_and_etag_are_kept_unless_they_are_huge) {
  answers_with(
      http_origin::response("200 OK", "{}", "Content-Type: application/json\r\nETag: W/\"7\"\r\n")
  );
  const auto got = load("a");
  ASSERT_TRUE(got && got->meta);
  EXPECT_EQ(got->meta->content_type, "application/json");
  EXPECT_EQ(got->meta->etag, "W/\"7\"");
  answers_with(http_origin::response("200 OK", "x", "ETag: \"" + std::string(1000, 'e') + "\"\r\n")
  );
  EXPECT_EQ(load("a")->meta, nullptr);
}

TEST_F(HttpSourceTest, names_what_is_wrong_with_an_answer_that_is_not_taken) {
  const auto words_for = [&](std::string response) {
    answers_with(std::move(response));
    EXPECT_EQ(answer("a"), "error: source_failed");
    return remark->text();
  };
  using testing::HasSubstr;
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i != 129; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_THAT(words_for(many + "\r\n"), HasSubstr("too many header fields; taken are 128 fields"));
  const std::string long_field(70'000, 'x');
  EXPECT_THAT(
      words_for("HTTP/1.1 200 OK\r\nX: " + long_field + "\r\n\r\n"),
      HasSubstr("the header is over its limit; taken are 128 fields and 65536 bytes")
  );
  EXPECT_THAT(
      words_for("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello"),
      HasSubstr("Content-Length must be decimal digits")
  );
  EXPECT_THAT(words_for("HTTP/1.1 200 OK\nA: b\n\n"), HasSubstr("answered what is not taken: "));
  EXPECT_THAT(
      words_for(http_origin::response("200 OK", "x", "Content-Encoding: gzip\r\n")),
      HasSubstr("the content coding \"gzip\", though weir asks for identity alone")
  );
  EXPECT_THAT(
      words_for("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
      HasSubstr("closed before the answer was complete")
  );
}

TEST_F(HttpSourceTest, takes_many_and_long_fields) {
  std::string fields = "X-Long: " + std::string(40'000, 'x') + "\r\n";
  for (int i = 0; i != 120; ++i) fields += "X-" + std::to_string(i) + ": y\r\n";
  answers_with(http_origin::response("200 OK", "x", fields));
  EXPECT_EQ(answer("a"), "value:x");
}

TEST_F(HttpSourceTest, a_name_that_nobody_knows_is_named) {
  use({.url = "http://nohost.invalid:9/{key}"});
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), testing::HasSubstr("\"nohost.invalid\""));
}

TEST_F(HttpSourceTest, a_body_over_the_limit_is_too_large_declared_or_not) {
  use({.url = {}, .max_entry = 10});
  answers_with(http_origin::ok(std::string(10, 'x')));
  EXPECT_EQ(answer("a"), "value:xxxxxxxxxx");
  answers_with(http_origin::ok(std::string(11, 'x')));
  EXPECT_EQ(answer("a"), "error: too_large");
  answers_with("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n");
  EXPECT_EQ(answer("a"), "error: too_large");
  answers_with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nxxxxxxxxxxx\r\n0\r\n\r\n"
  );
  EXPECT_EQ(answer("a"), "error: too_large");
}

TEST_F(HttpSourceTest, an_answer_that_is_no_http_or_is_cut_off_is_an_error) {
  for (const char* bytes :
       {"",
        "hello\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"}) {
    answers_with(bytes);
    EXPECT_EQ(answer("a"), "error: source_failed") << bytes;
  }
}

TEST_F(HttpSourceTest, a_coding_that_nobody_asked_for_is_not_taken_for_the_value) {
  answers_with(http_origin::response("200 OK", "\x1f\x8b", "Content-Encoding: gzip\r\n"));
  EXPECT_EQ(answer("a"), "error: source_failed");
  answers_with(http_origin::response("200 OK", "x", "Content-Encoding: identity\r\n"));
  EXPECT_EQ(answer("a"), "value:x");
}

TEST_F(HttpSourceTest, an_origin_that_says_nothing_costs_the_timeout_and_no_more) {
  server.handle([](const std::string&) { return http_origin::silence; });
  use({.url = {}, .timeout = 50ms});
  EXPECT_EQ(answer("a"), "error: deadline_exceeded");
  use({.url = {}, .timeout = 1h});
  patience = 50ms;
  EXPECT_EQ(answer("a"), "error: deadline_exceeded");
  patience = -1s;
  EXPECT_EQ(answer("a"), "error: deadline_exceeded");
}

TEST_F(HttpSourceTest, a_server_that_is_not_there_is_an_error_that_names_it) {
  const auto gone = server.url();
  server.stop();
  use({.url = gone + "/{key}"});
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_EQ(remark->text().find(gone.substr(7) + ": "), 0u) << remark->text();
}

TEST_F(HttpSourceTest, headers_are_sent_and_take_the_place_of_defaults) {
  use({.url = {}, .headers = {{"Authorization", "Bearer t"}, {"Accept", "text/plain"}}});
  answers_with(http_origin::ok("x"));
  EXPECT_EQ(answer("a"), "value:x");
  const auto head = server.last_head();
  EXPECT_NE(head.find("Authorization: Bearer t\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("Accept: text/plain\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("*/*"), std::string::npos) << head;
}

TEST_F(HttpSourceTest, many_loads_at_once_all_get_their_own_answer) {
  server.handle([](const std::string& target) { return http_origin::ok(target); });
  std::vector<std::future<result<loaded>>> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(start(std::to_string(i)));
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(
        answers[static_cast<std::size_t>(i)].get()->value.text(), "/items/" + std::to_string(i)
    );
  }
}

TEST_F(HttpSourceTest, wrong_options_are_refused_without_showing_secrets) {
  const auto text = [&](http_source_options options) {
    return thrown_text<std::invalid_argument>([&] { make_http_source(client, std::move(options)); }
    );
  };
  const std::string url = "http://h/{key}";
  EXPECT_NE(text({.url = "ftp://h/{key}"}).find("scheme"), std::string::npos);
  EXPECT_NE(text({.url = url, .headers = {{"Host", "x"}}}).find("\"Host\""), std::string::npos);
  EXPECT_NE(
      text({.url = url, .headers = {{"content-LENGTH", "1"}}}).find("itself"), std::string::npos
  );
  EXPECT_NE(
      text({.url = url, .headers = {{"a b", "x"}}}).find("not a header name"), std::string::npos
  );
  EXPECT_NE(
      text({.url = url, .headers = {{"", "x"}}}).find("not a header name"), std::string::npos
  );
  const auto split = text({.url = url, .headers = {{"token", "secret\r\nX: y"}}});
  EXPECT_NE(split.find("line break"), std::string::npos);
  EXPECT_EQ(split.find("secret"), std::string::npos);
  EXPECT_NE(text({.url = url, .timeout = 0ms}).find("timeout"), std::string::npos);
  EXPECT_NE(text({.url = url, .max_entry = 0}).find("max_entry"), std::string::npos);
  EXPECT_THROW(make_http_source(nullptr, {.url = url}), std::invalid_argument);
}

}  // namespace
}  // namespace weir
