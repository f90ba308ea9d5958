#include "discovery/kubernetes/kubernetes_message.hpp"

#include "tests/discovery/kubernetes/kubernetes_json.hpp"

#include <weir/engine/errc.hpp>

#include <gmock/gmock.h>

#include <random>

namespace weir {
namespace {

using test::api_endpoint;
using test::api_slice;
using test::event_json;
using test::list_json;
using test::slice_json;
using testing::ElementsAre;
using testing::IsEmpty;
using kind = kubernetes_change::kind;

const kubernetes_wanted wanted{.service = "weir-peers"};

api_slice slice_at(const std::string& address, const std::string& family = "IPv4") {
  api_slice out{.endpoints = {}, .family = family};
  out.endpoints.push_back(api_endpoint{.pod = "weir-0", .address = address});
  return out;
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, text.npos) << what;
  return text.replace(at, what.size(), with);
}

error_code error_of_list(const std::string& text, const kubernetes_limits& limits = {}) {
  const auto read = read_kubernetes_list(text, wanted, limits);
  return read ? error_code() : read.error();
}

error_code error_of_change(const std::string& text, const kubernetes_limits& limits = {}) {
  const auto read = read_kubernetes_change(text, wanted, limits);
  return read ? error_code() : read.error();
}

const std::string good = list_json(7, {slice_json("a", 5, slice_at("10.0.0.1"))});

TEST(KubernetesMessage, ReadsAList) {
  api_slice two = slice_at("10.0.0.1");
  two.endpoints.push_back({"weir-1", "10.0.0.2", false, true});
  const auto read = read_kubernetes_list(
      list_json(1042, {slice_json("a", 5, two), slice_json("b", 6, {.port = 0})}), wanted
  );
  ASSERT_TRUE(read);
  EXPECT_EQ(read->version, "1042");
  const kubernetes_slice a{
      .name = "a",
      .endpoints =
          {{"10.0.0.1", "uid-of-weir-0", false, true}, {"10.0.0.2", "uid-of-weir-1", true, false}},
      .port = 7420};
  const kubernetes_slice b{.name = "b", .endpoints = {}, .port = 0};
  EXPECT_THAT(read->slices, ElementsAre(a, b));
}

TEST(KubernetesMessage, ReadsAListWithoutSlices) {
  const auto read = read_kubernetes_list(list_json(7, {}), wanted);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->slices, IsEmpty());
  EXPECT_FALSE(error_of_list(replaced(list_json(7, {}), "[]", "null")));
}

TEST(KubernetesMessage, ReadsIPv6) {
  const auto read = read_kubernetes_list(
      list_json(7, {slice_json("a", 5, slice_at("fd00:0::1", "IPv6"))}), wanted
  );
  ASSERT_TRUE(read);
  EXPECT_EQ(read->slices[0].endpoints[0].address, "fd00::1");
}

TEST(KubernetesMessage, PassesOverNames) {
  const auto read =
      read_kubernetes_list(list_json(7, {slice_json("a", 5, slice_at("a.test", "FQDN"))}), wanted);
  ASSERT_TRUE(read);
  EXPECT_THAT(read->slices[0].endpoints, IsEmpty());
}

TEST(KubernetesMessage, TakesThePortByItsName) {
  const auto ports = [](const std::string& text, const kubernetes_wanted& by) {
    const auto read = read_kubernetes_list(
        replaced(good, R"([{"name":"peer","protocol":"TCP","port":7420}])", text), by
    );
    return read ? std::to_string(read->slices[0].port) : read.error().message();
  };
  const auto* all = R"([{"name":"http","port":1},{"name":"peer","port":2,"protocol":"UDP"},)"
                    R"({"name":"peer","port":3}])";
  EXPECT_EQ(ports(all, wanted), "3");
  EXPECT_EQ(ports(all, {.service = "weir-peers", .port_name = "http"}), "1");
  EXPECT_EQ(ports(all, {.service = "weir-peers", .port_name = "other"}), "0");
  EXPECT_EQ(ports(all, {.service = "weir-peers", .port = 9}), "9");
  EXPECT_EQ(ports("[]", wanted), "0");
  EXPECT_EQ(ports("null", wanted), "0");
  EXPECT_EQ(ports(R"([{"name":"peer","port":null}])", wanted), "0");
}

TEST(KubernetesMessage, ReadsWhoServes) {
  const auto serving = [](const std::string& from, const std::string& to) {
    const auto read = read_kubernetes_list(replaced(good, from, to), wanted);
    return read ? read->slices[0].endpoints[0].is_serving : std::nullopt;
  };
  EXPECT_EQ(serving("", ""), true);
  EXPECT_EQ(serving(R"("serving":true)", R"("serving":false)"), false);
  EXPECT_EQ(serving(R"("serving":true)", R"("serving":null)"), std::nullopt);
  EXPECT_FALSE(
      read_kubernetes_list(replaced(good, R"("serving":true)", R"("serving":"yes")"), wanted)
  );
}

TEST(KubernetesMessage, AnEndpointWithoutConditionsOrPodCounts) {
  const auto plain = replaced(
      good,
      good.substr(
          good.find(R"({"addresses")"), good.find(R"(],"ports")") - good.find(R"({"addresses")")
      ),
      R"({"addresses":["10.0.0.9","10.0.0.8"],"conditions":{},"targetRef":null})"
  );
  const auto read = read_kubernetes_list(plain, wanted);
  ASSERT_TRUE(read) << plain;
  const kubernetes_endpoint first{"10.0.0.9", "10.0.0.9", false};
  EXPECT_THAT(read->slices[0].endpoints, ElementsAre(first));
}

TEST(KubernetesMessage, RefusesAddressesNobodyCanDial) {
  for (const auto* address :
       {"0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "10.0.0",
        "10.0.0.256",
        "fd00::1",
        "",
        "a.test",
        "10.0.0.1:7420"}) {
    EXPECT_EQ(
        error_of_list(list_json(7, {slice_json("a", 5, slice_at(address))})), errc::bad_request
    ) << address;
  }
  for (const auto* address : {"::", "ff02::1", "10.0.0.1", "fe80::1%1"}) {
    EXPECT_EQ(
        error_of_list(list_json(7, {slice_json("a", 5, slice_at(address, "IPv6"))})),
        errc::bad_request
    ) << address;
  }
}

TEST(KubernetesMessage, RefusesWrongTypes) {
  const std::pair<const char*, const char*> wrongs[] = {
      {R"("port":7420)", R"("port":0)"},
      {R"("port":7420)", R"("port":65536)"},
      {R"("port":7420)", R"("port":-1)"},
      {R"("port":7420)", R"("port":"7420")"},
      {R"("port":7420)", R"("port":7420.5)"},
      {R"("terminating":false)", R"("terminating":"no")"},
      {R"(["10.0.0.1"])", R"([])"},
      {R"(["10.0.0.1"])", R"("10.0.0.1")"},
      {R"(["10.0.0.1"])", R"([1])"},
      {R"("resourceVersion":"7")", R"("resourceVersion":7)"},
      {R"("resourceVersion":"7")", R"("resourceVersion":"")"},
      {R"("resourceVersion":"7")", R"("resourceVersion":"7 8")"},
      {R"("EndpointSliceList")", R"("Status")"},
      {R"("IPv4")", R"("IPv5")"},
      {R"("name":"a")", R"("name":"")"},
      {R"("weir-peers","serv)", R"("other","serv)"},
      {R"("items":[)", R"("items":[1,)"},
  };
  ASSERT_FALSE(error_of_list(good));
  for (const auto& [what, with] : wrongs) {
    if (good.find(what) == good.npos) continue;
    EXPECT_EQ(error_of_list(replaced(good, what, with)), errc::bad_request) << with;
  }
  EXPECT_EQ(
      error_of_list(replaced(good, R"("items":[)", R"("items":{},"x":[)")), errc::bad_request
  );
  const auto service = R"("kubernetes.io/service-name":"weir-peers")";
  EXPECT_EQ(
      error_of_list(replaced(good, service, R"("kubernetes.io/service-name":"x")")),
      errc::bad_request
  );
}

TEST(KubernetesMessage, RefusesWhatIsNoJson) {
  for (const std::string text :
       {"",
        "null",
        "1",
        "[]",
        "{",
        "{} {}",
        "<html>",
        R"({"kind":"EndpointSliceList"})",
        "\xff\xfe{}"}) {
    EXPECT_EQ(error_of_list(text), errc::bad_request) << text;
    EXPECT_EQ(error_of_change(text), errc::bad_request) << text;
  }
}

TEST(KubernetesMessage, EveryCutOfAListIsRefused) {
  for (std::size_t i = 0; i + 2 < good.size(); ++i) {
    EXPECT_EQ(error_of_list(good.substr(0, i)), errc::bad_request) << i;
  }
}

/// Damaged answers are refused or read; nothing else happens.
TEST(KubernetesMessage, SurvivesDamage) {
  const auto event = event_json("ADDED", slice_json("a", 5, slice_at("10.0.0.1")));
  std::mt19937 random(1);
  int refused = 0;
  for (int i = 0; i != 5'000; ++i) {
    std::string list = good;
    std::string line = event;
    for (auto* text : {&list, &line}) {
      for (auto n = random() % 3 + 1; n != 0; --n) {
        (*text)[random() % text->size()] = "{}[]\",:0a\0\xff"[random() % 11];
      }
    }
    refused += read_kubernetes_list(list, wanted).has_error();
    refused += read_kubernetes_change(line, wanted).has_error();
  }
  EXPECT_GT(refused, 1'000);
}

TEST(KubernetesMessage, NestingIsBounded) {
  const std::string deep(10'000, '[');
  EXPECT_EQ(error_of_list(deep), errc::bad_request);
  EXPECT_EQ(error_of_list(R"({"kind":)" + deep), errc::bad_request);
}

TEST(KubernetesMessage, SizesAreBounded) {
  kubernetes_limits small;
  small.document = good.size() - 1;
  EXPECT_EQ(error_of_list(good, small), errc::too_large);
  const auto event = event_json("ADDED", slice_json("a", 5, slice_at("10.0.0.1")));
  small.line = event.size() - 1;
  EXPECT_EQ(error_of_change(event, small), errc::too_large);
  small = {};
  small.slices = 0;
  EXPECT_EQ(error_of_list(good, small), errc::too_large);
  small = {};
  small.endpoints = 0;
  EXPECT_EQ(error_of_list(good, small), errc::too_large);
}

TEST(KubernetesMessage, MemoryIsBounded) {
  kubernetes_limits small;
  small.memory = 100'000;
  std::string numbers = "0";
  for (int i = 0; i != 20'000; ++i) numbers += ",0";
  EXPECT_EQ(error_of_list(R"({"kind":[)" + numbers + "]}", small), errc::too_large);
  EXPECT_EQ(
      error_of_list(R"({"kind":")" + std::string(200'000, 'x') + "\"}", small), errc::too_large
  );
}

TEST(KubernetesMessage, AListOfOnePageOnlyIsRefused) {
  const auto part =
      replaced(good, R"("resourceVersion":"7")", R"("resourceVersion":"7","continue":"eyJ2")");
  EXPECT_EQ(error_of_list(part), errc::too_large);
}

TEST(KubernetesMessage, ReadsEvents) {
  const auto slice = slice_json("a", 9, slice_at("10.0.0.1"));
  for (const auto* type : {"ADDED", "MODIFIED"}) {
    const auto set = read_kubernetes_change(event_json(type, slice), wanted);
    ASSERT_TRUE(set);
    EXPECT_EQ(set->what, kind::set);
    EXPECT_EQ(set->version, "9");
    EXPECT_EQ(set->slice.name, "a");
    EXPECT_EQ(set->slice.endpoints.size(), 1u);
  }
  const auto removed = read_kubernetes_change(event_json("DELETED", slice), wanted);
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->what, kind::removed);
  EXPECT_EQ(removed->slice.name, "a");
  const auto bookmark = read_kubernetes_change(test::bookmark_json(12), wanted);
  ASSERT_TRUE(bookmark);
  EXPECT_EQ(bookmark->what, kind::bookmark);
  EXPECT_EQ(bookmark->version, "12");
  const auto error =
      read_kubernetes_change(event_json("ERROR", test::status_json(410, "Expired")), wanted);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->what, kind::error);
  EXPECT_EQ(error->status, 410u);
}

TEST(KubernetesMessage, RefusesWrongEvents) {
  const auto slice = slice_json("a", 9, slice_at("10.0.0.1"));
  EXPECT_EQ(error_of_change(event_json("RENAMED", slice)), errc::bad_request);
  EXPECT_EQ(error_of_change(event_json("ADDED", "null")), errc::bad_request);
  EXPECT_EQ(error_of_change(event_json("ADDED", "{}")), errc::bad_request);
  EXPECT_EQ(error_of_change(event_json("BOOKMARK", R"({"metadata":{}})")), errc::bad_request);
  EXPECT_EQ(error_of_change(event_json("ERROR", R"({"code":"410"})")), errc::bad_request);
  EXPECT_EQ(error_of_change(R"({"type":1,"object":{}})"), errc::bad_request);
  EXPECT_EQ(
      error_of_change(event_json("ADDED", replaced(slice, "\"EndpointSlice\"", "\"Pod\""))),
      errc::bad_request
  );
}

}  // namespace
}  // namespace weir
