#include "tests/support/http_origin.hpp"
#include "tests/support/waiting.hpp"

#include <weir/engine/cache.hpp>
#include <weir/keyspaces/make_sources.hpp>
#include <weir/transport/http_client.hpp>

#include <gmock/gmock.h>

#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// A cache before an origin that answers as the test says; entries live 0.4 s.
class HttpConfirmationTest : public testing::Test {
 protected:
  void use(http_source_options options = {}) {
    if (options.url.empty()) options.url = server_.url() + "/{key}";
    auto made = make_http_source(client_, std::move(options));
    pages_ = cache_.update_keyspace({.name = "pages", .ttl = 400ms, .jitter = 0}, std::move(made))
                 .keyspace;
  }

  void SetUp() override { use(); }

  void answers_with(const std::string& status, const std::string& body, const std::string& fields) {
    server_.handle([=](const std::string&) { return http_origin::response(status, body, fields); });
  }

  /// 304 has no body, and its fields only.
  void confirms_with(const std::string& fields = {}) {
    server_.handle([=](const std::string&) {
      return "HTTP/1.1 304 Not Modified\r\n" + fields + "Connection: close\r\n\r\n";
    });
  }

  std::string get() {
    const auto found = pages_.get("a");
    return found ? found->text() : std::string(name(found.error()));
  }

  void wait_until_expired() {
    ++expired_;
    ASSERT_TRUE(test::eventually([&] { return pages_.stats().expired == expired_; }, 30s));
  }

  std::uint64_t expired_ = 0;

  http_origin server_;
  weir::cache cache_{cache_options{.runtime = {.threads = 1}}};
  runtime loops_{{.threads = 1}};
  std::shared_ptr<http_client> client_ = std::make_shared<http_client>(loops_.loops());
  keyspace pages_;
};

TEST_F(HttpConfirmationTest, SendsTheTagBackAndServesWhat304Confirms) {
  answers_with("200 OK", "page", "ETag: \"v1\"\r\nContent-Type: text/css\r\n");
  EXPECT_EQ(get(), "page");
  EXPECT_THAT(server_.last_head(), Not(HasSubstr("if-none-match")));
  wait_until_expired();
  confirms_with();
  const auto confirmed = pages_.get("a").value();
  EXPECT_EQ(confirmed.text(), "page");
  ASSERT_TRUE(confirmed.meta);
  EXPECT_EQ(confirmed.meta->content_type, "text/css");
  EXPECT_THAT(server_.last_head(), HasSubstr("if-none-match: \"v1\"\r\n"));
  EXPECT_EQ(server_.requests(), 2);
}

TEST_F(HttpConfirmationTest, AWeakTagIsSentBackAsItIs) {
  answers_with("200 OK", "page", "ETag: W/\"v1\"\r\n");
  EXPECT_EQ(get(), "page");
  wait_until_expired();
  confirms_with("ETag: \"v1\"\r\n");
  EXPECT_EQ(get(), "page");
  EXPECT_THAT(server_.last_head(), HasSubstr("if-none-match: W/\"v1\"\r\n"));
}

TEST_F(HttpConfirmationTest, ANewValueTakesThePlaceOfTheFormer) {
  answers_with("200 OK", "one", "ETag: \"v1\"\r\n");
  EXPECT_EQ(get(), "one");
  wait_until_expired();
  answers_with("200 OK", "two", "ETag: \"v2\"\r\n");
  EXPECT_EQ(get(), "two");
  wait_until_expired();
  confirms_with();
  EXPECT_EQ(get(), "two");
  EXPECT_THAT(server_.last_head(), HasSubstr("if-none-match: \"v2\"\r\n"));
}

TEST_F(HttpConfirmationTest, WithoutATagTheDateOfTheLastChangeIsSentBack) {
  const std::string date = "Date: Thu, 29 Feb 2024 12:00:00 GMT\r\n";
  answers_with("200 OK", "page", date + "Last-Modified: Thu, 29 Feb 2024 11:00:00 GMT\r\n");
  EXPECT_EQ(get(), "page");
  wait_until_expired();
  confirms_with();
  EXPECT_EQ(get(), "page");
  EXPECT_THAT(
      server_.last_head(), HasSubstr("if-modified-since: Thu, 29 Feb 2024 11:00:00 GMT\r\n")
  );
}

TEST_F(HttpConfirmationTest, ADateOfTheSameSecondProvesNothing) {
  const std::string date = "Date: Thu, 29 Feb 2024 12:00:00 GMT\r\n";
  answers_with("200 OK", "page", date + "Last-Modified: Thu, 29 Feb 2024 12:00:00 GMT\r\n");
  EXPECT_EQ(get(), "page");
  wait_until_expired();
  EXPECT_EQ(get(), "page");
  EXPECT_THAT(server_.last_head(), Not(HasSubstr("if-modified-since")));
}

TEST_F(HttpConfirmationTest, AfterAnInvalidationTheValueIsAskedForAnew) {
  answers_with("200 OK", "page", "ETag: \"v1\"\r\n");
  EXPECT_EQ(get(), "page");
  ASSERT_TRUE(pages_.invalidate("a"));
  EXPECT_EQ(get(), "page");
  EXPECT_THAT(server_.last_head(), Not(HasSubstr("if-none-match")));
}

TEST_F(HttpConfirmationTest, A304OfAnotherTagIsNoConfirmation) {
  answers_with("200 OK", "one", "ETag: \"v1\"\r\n");
  EXPECT_EQ(get(), "one");
  wait_until_expired();
  std::vector<std::string> next{
      http_origin::ok("nine"),
      "HTTP/1.1 304 Not Modified\r\nETag: \"v9\"\r\nConnection: close\r\n\r\n"};
  server_.handle([next](const std::string&) mutable {
    auto answer = next.back();
    next.pop_back();
    return answer;
  });
  EXPECT_EQ(get(), "nine");
}

TEST_F(HttpConfirmationTest, A304ThatNobodyAskedForIsAnError) {
  confirms_with();
  EXPECT_EQ(get(), "source_failed");
}

TEST_F(HttpConfirmationTest, WhatIsPrivateIsAnsweredAndNotKept) {
  for (const char* fields :
       {"Cache-Control: private, max-age=60\r\n",
        "Cache-Control: private\r\n",
        "Expires: 0\r\n",
        "Vary: *\r\n",
        "Date: Thu, 29 Feb 2024 12:00:00 GMT\r\nExpires: Thu, 29 Feb 2024 11:59:00 GMT\r\n"}) {
    answers_with("200 OK", "page", fields);
    const auto before = server_.requests();
    EXPECT_EQ(get(), "page") << fields;
    EXPECT_EQ(get(), "page") << fields;
    EXPECT_EQ(server_.requests(), before + 2) << fields;
  }
}

class HttpFreshnessTest : public HttpConfirmationTest {
 protected:
  void SetUp() override {
    pages_ = cache_
                 .update_keyspace(
                     {.name = "pages", .ttl = 1h, .jitter = 0},
                     make_http_source(client_, {.url = server_.url() + "/{key}"})
                 )
                 .keyspace;
  }
};

TEST_F(HttpFreshnessTest, A304GrantsItsOwnLifetimeOrTheFormerOneAnew) {
  answers_with("200 OK", "page", "ETag: \"v1\"\r\nCache-Control: max-age=1\r\n");
  EXPECT_EQ(get(), "page");
  wait_until_expired();
  confirms_with();
  EXPECT_GT(pages_.get("a").value().ttl, 0ms);
  EXPECT_LE(pages_.get("a").value().ttl, 1100ms);  // by a coarse clock
  wait_until_expired();
  confirms_with("Cache-Control: max-age=600\r\n");
  const auto last = pages_.get("a").value();
  EXPECT_GT(last.ttl, 500s);
  EXPECT_LE(last.ttl, 600s);
}

TEST_F(HttpFreshnessTest, CredentialsOfTheKeyspaceAndCookiesOfTheOriginKeepNothingFromBeingKept) {
  pages_ = cache_
               .update_keyspace(
                   {.name = "pages", .ttl = 1h},
                   make_http_source(
                       client_,
                       {.url = server_.url() + "/{key}", .headers = {{"Authorization", "Bearer t"}}}
                   )
               )
               .keyspace;
  answers_with("200 OK", "page", "Set-Cookie: a=b\r\n");
  EXPECT_EQ(get(), "page");
  EXPECT_EQ(get(), "page");
  EXPECT_EQ(server_.requests(), 1);
}

}  // namespace
}  // namespace weir
