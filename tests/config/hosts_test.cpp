// `weir config check` and the source that `weir serve` makes take the same hosts.
#include "tests/config/config_support.hpp"

#include <weir/keyspaces/make_sources.hpp>

#include <stdexcept>

namespace weir::config {
namespace {

class HostsTest : public config_test {
 protected:
  bool is_checked(const std::string& url) const {
    return problems(source_is("{type: http, url: \"" + url + "\"}")).empty();
  }

  static bool is_made(const std::string& url) {
    try {
      check(http_source_options{.url = url});
      return true;
    } catch (const std::invalid_argument&) {
      return false;
    }
  }
};

TEST_F(HostsTest, BothTakeLegalHosts) {
  for (const std::string host :
       {"h",
        "api.example.com",
        "api.example.com.",
        "api.example.com.:8080",
        "my_host",
        "xn--bcher-kva.example",
        "1a.example",
        "10.0.0.1",
        "10.0.0.1:80",
        "[::1]",
        "[::1]:80",
        "[2001:db8::1]:443",
        "[::ffff:10.0.0.1]"}) {
    EXPECT_TRUE(is_checked("http://" + host + "/{key}")) << host;
    EXPECT_TRUE(is_made("http://" + host + "/{key}")) << host;
    EXPECT_TRUE(is_checked("https://" + host + "/{key}")) << host;
  }
}

TEST_F(HostsTest, BothRefuseTheOthers) {
  for (const std::string host : {"",      ":80",    ".",          "a..b",       ".a",
                                 "-a",    "a!b",    "h:",         "h:0",        "h:65536",
                                 "127.1", "127.1.", "2130706433", "0x7f000001", "a.0x1",
                                 "::1",   "[::1",   "[h]",        "[10.0.0.1]", "[fe80::1%25eth0]",
                                 "u@h"}) {
    EXPECT_FALSE(is_checked("http://" + host + "/{key}")) << host;
    EXPECT_FALSE(is_made("http://" + host + "/{key}")) << host;
  }
}

}  // namespace
}  // namespace weir::config
