// `weir serve` processes with mutual TLS between them and https at their doors.
#include "tests/support/certificates.hpp"
#include "tests/support/program.hpp"
#include "tests/support/text.hpp"
#include "tests/support/waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <poll.h>
#include <signal.h>
#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using weir_test::authority;
using weir_test::tls_folder;

class TlsClusterTest : public testing::Test {
 protected:
  TlsClusterTest() {
    for (int i = 0; i != 300; ++i)
      folder_.write("pages/" + std::to_string(i), "page " + std::to_string(i));
    for (auto& each : peers_) each = free_address();
    trusted_.write("ca.crt", ca_.pem() + new_ca_.pem());
  }

  static std::string id_of(std::size_t i) { return 'n' + std::to_string(i + 1); }

  void certify(std::size_t i, const authority& by, const std::string& trusted) {
    files_[i].write(by.issue(id_of(i)));
    files_[i].write("ca.crt", trusted);
  }

  void start(std::size_t i) {
    std::string list;
    for (std::size_t j = 0; j != peers_.size(); ++j) {
      list += (j == 0 ? "\"" : ", \"") + id_of(j) + '=' + peers_[j] + '"';
    }
    const auto& own = files_[i];
    const auto files = "cert: \"" + own.cert() + "\", key: \"" + own.key() + '"';
    const auto file = folder_.write(
        id_of(i) + ".yaml",
        "cluster: test\nnode: {id: " + id_of(i) +
            ", threads: 1, drain_timeout: 3s}\nlisten:\n  peer: {address: \"" + peers_[i] +
            "\"}\n  http: {address: \"127.0.0.1:0\", " + files + "}\ntls: {" + files + ", ca: \"" +
            own.ca() + "\"}\ndiscovery: {static: {peers: [" + list +
            "]}}\nkeyspaces:\n  - {name: pages, ttl: 50ms, source: {type: file, root: \"" +
            (folder_.path() / "pages").string() + "\"}}\n"
    );
    nodes_[i] = std::make_unique<program>(folder_, std::vector<std::string>{"serve", "-c", file});
  }

  finished ask(std::size_t i, std::vector<std::string> words) const {
    words.push_back("--server=" + nodes_[i]->banner("http"));
    words.push_back("--ca=" + trusted_.ca());
    return run(folder_, std::move(words));
  }

  /// Waits until node `i` calls `others` other nodes reachable.
  bool sees_reachable(std::size_t i, std::size_t others) const {
    const auto does = [&] {
      const auto members = ask(i, {"members", "-o", "json"}).out;
      return occurrences(members, "\"state\":\"reachable\"") == others + 1;
    };
    return eventually(does, 20s);
  }

  /// Waits until node `i` has taken up new files `times` times, for both doors.
  bool has_replaced(std::size_t i, std::size_t times) const {
    const auto has = [&] { return occurrences(nodes_[i]->err(), "tls.replaced") >= 2 * times; };
    return eventually(has, 20s);
  }

  void start_all() {
    for (std::size_t i = 0; i != nodes_.size(); ++i) {
      certify(i, ca_, ca_.pem());
      start(i);
    }
    for (const auto& each : nodes_) ASSERT_NE(each->banner("http"), "") << each->err();
    for (std::size_t i = 0; i != nodes_.size(); ++i)
      ASSERT_TRUE(sees_reachable(i, 2)) << nodes_[i]->err();
  }

  scratch_folder folder_;
  authority ca_{"old"}, new_ca_{"new"};
  tls_folder trusted_;
  std::array<tls_folder, 3> files_;
  std::array<std::string, 3> peers_;
  std::array<std::unique_ptr<program>, 3> nodes_;
};

TEST_F(TlsClusterTest, CertificatesAreRotatedUnderLoadWithoutAFailedRequest) {
  start_all();
  std::atomic<bool> is_over{false};
  std::atomic<int> asked{0}, failed{0};
  std::string first_failure;
  std::thread load([&] {
    for (int i = 0; !is_over; ++i) {
      // A process and a connection of its own each time: every one shakes hands anew.
      const auto page = std::to_string(i % 300);
      const auto got = ask(static_cast<std::size_t>(i % 3), {"get", "pages", page});
      ++asked;
      if (got.code == 0 && got.out == "page " + page) continue;
      if (failed++ == 0) first_failure = got.err;
    }
  });
  const auto both = ca_.pem() + new_ca_.pem();
  std::size_t replaced = 0;
  const auto renew_all = [&](const authority& by, const std::string& trusted, const char* how) {
    ++replaced;
    for (std::size_t i = 0; i != nodes_.size(); ++i) {
      certify(i, by, trusted);
      if (std::string_view(how) == "signal") nodes_[i]->signal(SIGHUP);
      EXPECT_TRUE(has_replaced(i, replaced)) << nodes_[i]->err();
    }
    const int before = asked;
    while (asked < before + 10) ::poll(nullptr, 0, 10);
  };
  renew_all(ca_, both, "signal");
  renew_all(new_ca_, both, "watch");
  renew_all(new_ca_, new_ca_.pem(), "signal");
  // A node that restarts now joins with nothing but new certificates.
  is_over = true;
  load.join();
  EXPECT_EQ(failed, 0) << first_failure;
  nodes_[2]->signal(SIGTERM);
  EXPECT_EQ(nodes_[2]->wait(), 0);
  start(2);
  ASSERT_NE(nodes_[2]->banner("http"), "") << nodes_[2]->err();
  EXPECT_TRUE(sees_reachable(2, 2)) << nodes_[2]->err();
  EXPECT_EQ(ask(2, {"get", "pages", "7"}).out, "page 7");
}

TEST_F(TlsClusterTest, ACertificateForAnotherNodeIsABadConfiguration) {
  certify(0, ca_, ca_.pem());
  files_[0].write(ca_.issue("n9"));
  start(0);
  EXPECT_EQ(nodes_[0]->wait(), 3);
  EXPECT_THAT(nodes_[0]->err(), HasSubstr("no DNS name equal to node id \"n1\""));
}

TEST_F(TlsClusterTest, WrongFilesAreABadConfiguration) {
  certify(0, ca_, ca_.pem());
  files_[0].write("tls.key", ca_.issue("n1").key);
  start(0);
  EXPECT_EQ(nodes_[0]->wait(), 3);
  EXPECT_THAT(nodes_[0]->err(), HasSubstr("is not that of"));
}

TEST_F(TlsClusterTest, AClientThatDoesNotKnowTheAuthorityIsTold) {
  certify(0, ca_, ca_.pem());
  start(0);
  ASSERT_NE(nodes_[0]->banner("http"), "") << nodes_[0]->err();
  const auto got = run(folder_, {"health", "--server=" + nodes_[0]->banner("http")});
  EXPECT_EQ(got.code, 6);
  EXPECT_THAT(got.err, HasSubstr("wrong CA"));
  EXPECT_THAT(got.err, HasSubstr("--ca"));
}

}  // namespace
}  // namespace weir::test
