// The http source against a real server: Debian's nginx, in a folder of its own.
#include "tests/keyspaces/loading.hpp"
#include "tests/support/free_port.hpp"

#include <weir/keyspaces/make_sources.hpp>
#include <weir/transport/http_client.hpp>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <csignal>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

/// nginx on a port of loopback, alive as long as this object.
class nginx {
 public:
  nginx() {
    folder_.write("html/products/42.json", R"({"id": 42})");
    folder_.write("html/products/a/b", "below");
    folder_.write("html/products/a b", "blank");
    folder_.write("html/products/big", std::string(300'000, 'b'));
    folder_.write("html/secret", "secret");
    std::filesystem::create_directory(folder_ / "logs");
    folder_.write("nginx.conf", config());
    start();
  }

  ~nginx() { stop(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void stop() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  void start() {
    const std::string prefix = folder_.path().string() + "/";
    const std::string file = prefix + "nginx.conf";
    const std::string log = prefix + "logs/error.log";
    const char* arguments[] = {
        WEIR_NGINX, "-p", prefix.c_str(), "-c", file.c_str(), "-e", log.c_str(), nullptr};
    ASSERT_EQ(
        ::posix_spawn(&pid_, WEIR_NGINX, nullptr, nullptr, const_cast<char**>(arguments), environ),
        0
    );
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    asio::io_context io;
    for (;;) {
      asio::ip::tcp::socket socket(io);
      error_code refused;
      socket.connect({asio::ip::address_v4::loopback(), port_}, refused);
      if (!refused) return;
      ASSERT_EQ(::waitpid(pid_, nullptr, WNOHANG), 0) << "nginx ended at its start";
      ASSERT_LT(std::chrono::steady_clock::now(), give_up) << "nginx does not listen";
      ::poll(nullptr, 0, 5);
    }
  }

 private:
  std::string config() const {
    return R"(daemon off;
worker_processes 1;
pid logs/nginx.pid;
error_log logs/error.log;
)" + std::string(::geteuid() == 0 ? "user root;\n" : "") +
           R"(events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path logs/body;
  proxy_temp_path logs/proxy;
  fastcgi_temp_path logs/fastcgi;
  uwsgi_temp_path logs/uwsgi;
  scgi_temp_path logs/scgi;
  types { application/json json; }
  default_type text/plain;
  server {
    listen 127.0.0.1:)" +
           std::to_string(port_) + R"(;
    root html;
    keepalive_requests 3;
    location = /products/minute { add_header Cache-Control "public, max-age=60"; return 200 "m"; }
    location = /products/never { add_header Cache-Control "no-store"; return 200 "n"; }
    location = /products/gone { return 410; }
    location = /products/moved { return 301 /products/42.json; }
    location = /products/forbidden { return 403; }
    location = /products/broken { return 500; }
    location = /products/teapot { return 200 $http_x_token; }
  }
}
)";
  }

  test::scratch_folder folder_;
  unsigned short port_ = test::free_port();
  pid_t pid_ = 0;
};

struct NginxTest : loading_test {
  nginx server;
  std::shared_ptr<http_client> client = std::make_shared<http_client>(env.loops());

  void use(http_source_options options) { source = make_http_source(client, std::move(options)); }

  void SetUp() override {
    use({.url = server.url() + "/products/{key}", .headers = {{"x-token", "t0"}}});
  }
};

TEST_F(NginxTest, values_types_and_etags_come_as_served) {
  const auto got = load("42.json");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->value.text(), R"({"id": 42})");
  EXPECT_EQ(got->meta->content_type, "application/json");
  EXPECT_FALSE(got->meta->etag.empty());
  EXPECT_EQ(got->ttl, std::nullopt);
  EXPECT_EQ(answer("a b"), "value:blank");
  EXPECT_EQ(answer("teapot"), "value:t0");
  EXPECT_EQ(answer("big").size(), 300'006u);
}

TEST_F(NginxTest, statuses_mean_what_they_should) {
  EXPECT_EQ(answer("missing"), "not found");
  EXPECT_EQ(answer("gone"), "not found");
  for (const char* key : {"moved", "forbidden", "broken"})
    EXPECT_EQ(answer(key), "error: source_failed") << key;
}

TEST_F(NginxTest, cache_control_bounds_the_ttl) {
  EXPECT_EQ(load("minute")->ttl, 60s);
  EXPECT_EQ(load("never")->ttl, 0s);
}

TEST_F(NginxTest, no_key_leaves_its_place_though_nginx_decodes_dots_and_slashes) {
  http_client_request outside;
  outside.url = server.url() + "/products/%2e%2e%2fsecret";
  const auto escaped = http_fetch(outside);
  ASSERT_TRUE(escaped);
  EXPECT_EQ(escaped->body, "secret") << "this nginx keeps encoded dots in their place; good";
  for (const char* key :
       {"..", "../secret", "a/../../secret", "./../secret", "%2e%2e/secret", "..%2fsecret"}) {
    EXPECT_EQ(answer(key), "not found") << key;
  }
}

TEST_F(NginxTest, weird_keys_are_answered_and_harm_nothing) {
  for (const auto& key :
       {std::string("\r\nX: y"),
        std::string("\xff\xfe"),
        std::string("?a=b#c"),
        std::string(3000, 'k')}) {
    EXPECT_EQ(answer(key), "not found") << key;
  }
  EXPECT_EQ(answer(std::string("\0", 1)), "error: source_failed");  // nginx refuses %00
  EXPECT_EQ(answer("42.json"), "value:{\"id\": 42}");
}

TEST_F(NginxTest, a_value_over_the_limit_is_too_large) {
  use({.url = server.url() + "/products/{key}", .max_entry = 299'999});
  EXPECT_EQ(answer("big"), "error: too_large");
  EXPECT_EQ(answer("42.json"), "value:{\"id\": 42}");
}

TEST_F(NginxTest, kept_connections_that_the_server_closes_cost_no_load) {
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(answer("42.json"), "value:{\"id\": 42}") << i;  // 3 per connection
  std::vector<std::future<result<loaded>>> answers;
  for (int i = 0; i < 200; ++i) answers.push_back(start("42.json"));
  for (auto& each : answers) EXPECT_TRUE(each.get());
}

TEST_F(NginxTest, a_server_that_goes_and_comes_back_is_used_again) {
  EXPECT_EQ(answer("42.json"), "value:{\"id\": 42}");
  server.stop();
  EXPECT_EQ(answer("42.json"), "error: source_failed");
  server.start();
  EXPECT_EQ(answer("42.json"), "value:{\"id\": 42}");
}

}  // namespace
}  // namespace weir
