#include "discovery/kubernetes/kubernetes_settings.hpp"

#include "discovery/kubernetes/kubernetes_watcher.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/enum_names.hpp"

#include <weir/engine/errc.hpp>

#include <gtest/gtest.h>

#include <stdexcept>
#include <string_view>
#include <sys/stat.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

const char* no_variables(const char*) {
  return nullptr;
}

const char* of_a_pod(const char* name) {
  return std::string_view(name) == "KUBERNETES_SERVICE_HOST" ? "10.96.0.1" : "443";
}

const char* of_a_pod_with_ipv6(const char* name) {
  return std::string_view(name) == "KUBERNETES_SERVICE_HOST" ? "fd00::1" : "443";
}

kubernetes_options with_api(const std::string& api) {
  return {.service = "weir", .api = api, .account = "/nowhere"};
}

void expect_refused(const kubernetes_options& options, std::string_view text) {
  try {
    completed(options, no_variables);
    ADD_FAILURE() << "not refused: " << text;
  } catch (const std::invalid_argument& wrong) {
    EXPECT_NE(std::string_view(wrong.what()).find(text), std::string_view::npos) << wrong.what();
  }
}

TEST(KubernetesSettings, InAPodEverythingComesFromIt) {
  const weir_test::tls_folder account;
  account.write("namespace", "demo\n");
  const auto made = completed({.service = "weir", .account = account.path("")}, of_a_pod);
  EXPECT_EQ(made.api, "https://10.96.0.1:443");
  EXPECT_EQ(made.service_namespace, "demo");
  EXPECT_EQ(made.token_file, account.path("") + "/token");
  EXPECT_EQ(made.ca_file, account.path("") + "/ca.crt");
}

TEST(KubernetesSettings, WhatIsGivenWins) {
  const auto made = completed(
      {.service = "weir", .service_namespace = "other", .token = "abc", .ca_file = "my.crt"},
      of_a_pod
  );
  EXPECT_EQ(made.service_namespace, "other");
  EXPECT_EQ(made.token_file, "");
  EXPECT_EQ(made.ca_file, "my.crt");
}

TEST(KubernetesSettings, AnApiTakesNothingFromThePod) {
  const auto made = completed(with_api("https://api.test:6443"), of_a_pod);
  EXPECT_EQ(made.api, "https://api.test:6443");
  EXPECT_EQ(made.token_file, "");
  EXPECT_EQ(made.ca_file, "");
  EXPECT_EQ(made.service_namespace, "default");
}

TEST(KubernetesSettings, RefusesWhatItCannotUse) {
  expect_refused({.service = "weir"}, "so this is no pod");
  expect_refused({.service = "", .api = "https://h"}, "service must be");
  expect_refused({.service = "a/b", .api = "https://h"}, "service must be");
  expect_refused({.service = "Weir", .api = "https://h"}, "service must be");
  expect_refused({.service = "weir", .service_namespace = "a.b", .api = "https://h"}, "namespace");
  expect_refused({.service = "weir", .port_name = "", .api = "https://h"}, "port_name");
  expect_refused({.service = "weir", .api = "https://h", .token = "a", .token_file = "b"}, "both");
  expect_refused({.service = "weir", .api = "http://h", .token = "a"}, "plain text");
  expect_refused({.service = "weir", .api = "https://h", .silence = 0ms}, "times");
}

TEST(KubernetesSettings, ReadsUrls) {
  const auto plain = parse_kubernetes_api("http://127.0.0.1:8001");
  EXPECT_FALSE(plain.is_secure);
  EXPECT_EQ(plain.server, (host_port{"127.0.0.1", 8001}));
  const auto proxied = parse_kubernetes_api("https://[fd00::1]/k8s/clusters/a/");
  EXPECT_TRUE(proxied.is_secure);
  EXPECT_EQ(proxied.server, (host_port{"fd00::1", 443}));
  EXPECT_EQ(proxied.base, "/k8s/clusters/a");
  EXPECT_EQ(completed({.service = "weir"}, of_a_pod_with_ipv6).api, "https://[fd00::1]:443");
}

TEST(KubernetesSettings, RefusesOtherUrls) {
  for (const std::string url :
       {"",
        "h:443",
        "ftp://h",
        "https://",
        "https://:443",
        "https://h:0",
        "https://h:65536",
        "https://a@h",
        "https://h/a?b",
        "https://h/a b",
        "https://h h"}) {
    EXPECT_THROW(parse_kubernetes_api(url), std::invalid_argument) << url;
  }
}

TEST(KubernetesSettings, VersionsAreEscaped) {
  const auto options = completed(with_api("https://h/base"), no_variables);
  const auto target = kubernetes_target(options, parse_kubernetes_api(options.api), "1&x=2", 9s);
  EXPECT_EQ(
      target,
      "/base/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector="
      "kubernetes.io%2Fservice-name%3Dweir&watch=true&allowWatchBookmarks=true"
      "&resourceVersion=1%26x%3D2&timeoutSeconds=9"
  );
}

TEST(KubernetesSettings, SmallFilesOnly) {
  const weir_test::tls_folder folder;
  folder.write("small", "text");
  folder.write("large", std::string(11, 'x'));
  ASSERT_EQ(::mkfifo(folder.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_small_file(folder.path("small"), 10).value(), "text");
  EXPECT_EQ(read_small_file(folder.path("large"), 10).error(), errc::too_large);
  EXPECT_EQ(read_small_file(folder.path("fifo"), 10).error(), errc::bad_request);
  EXPECT_EQ(read_small_file(folder.path(""), 10).error(), errc::bad_request);
  EXPECT_TRUE(read_small_file(folder.path("none"), 10).has_error());
}

TEST(KubernetesSettings, ATokenIsOneWord) {
  const weir_test::tls_folder folder;
  kubernetes_options options{.service = "weir", .token_file = folder.path("token")};
  folder.write("token", "a.b-c_d\r\n");
  EXPECT_EQ(kubernetes_token(options).value(), "a.b-c_d");
  for (const std::string wrong : {"", "\n", "a b", "a\nb", "a\r\nX: y", "\x01"}) {
    folder.write("token", wrong);
    EXPECT_EQ(kubernetes_token(options).error(), errc::bad_request) << wrong;
  }
  EXPECT_EQ(kubernetes_token({.service = "weir"}).value(), "");
}

TEST(KubernetesOutcomeTest, EachHasAName) {
  test::expect_named<kubernetes_outcome>(kubernetes_outcomes);
}

}  // namespace
}  // namespace weir
