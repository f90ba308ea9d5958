// What the client sends.
#include "transport/http/client/http_codec.hpp"

#include <weir/engine/errc.hpp>

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

TEST(HttpRequestTextTest, IsWhatWasAskedFor) {
  const http_url url{{"h.test", 8080}, "/a?b=%20", false};
  http_client_request put{
      .method = http_method::put, .fields = {{"A", "1"}, {"B", "x y"}, {"a", "2"}}};
  put.body = bytes("four");
  EXPECT_EQ(
      write_http_request(put, url).value(),
      "PUT /a?b=%20 HTTP/1.1\r\nHost: h.test:8080\r\nA: 1\r\na: 2\r\nB: x y\r\nContent-Length: "
      "4\r\n\r\n"
  );
  EXPECT_EQ(
      write_http_request({.method = http_method::purge}, url, http_after::close).value(),
      "PURGE /a?b=%20 HTTP/1.1\r\nHost: h.test:8080\r\nConnection: close\r\n\r\n"
  );
  EXPECT_EQ(
      write_http_request({.method = http_method::post}, url).value(),
      "POST /a?b=%20 HTTP/1.1\r\nHost: h.test:8080\r\nContent-Length: 0\r\n\r\n"
  );
}

TEST(HttpRequestTextTest, IsRefusedWhereItWouldNotReadBack) {
  const http_url url{{"h", 80}, "/", false};
  const auto refused = [&](http_client_request request, const http_url& to) {
    return write_http_request(request, to).error() == errc::bad_request;
  };
  EXPECT_TRUE(refused({.method = http_method::other}, url));
  EXPECT_TRUE(refused({}, {{"", 80}, "/", false}));
  EXPECT_TRUE(refused({}, {{"a\r\nb", 80}, "/", false}));
  EXPECT_TRUE(refused({}, {{"h", 80}, "/a b", false}));
  EXPECT_TRUE(refused({.fields = {{"A", "x\r\ny"}}}, url));
  EXPECT_TRUE(refused({.fields = {{"Connection", "x"}}}, url));
  EXPECT_TRUE(refused({.fields = {{"A", std::string(70'000, 'x')}}}, url));
  EXPECT_EQ(
      write_http_request({.fields = {{"A", std::string(65'000, 'x')}}}, url).value().size(),
      std::string("GET / HTTP/1.1\r\nHost: h\r\nA: \r\n\r\n").size() + 65'000
  );
}

}  // namespace
}  // namespace weir
