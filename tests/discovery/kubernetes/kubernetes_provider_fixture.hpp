#pragma once

#include "discovery/kubernetes/kubernetes_watcher.hpp"
#include "tests/discovery/kubernetes/kubernetes_server.hpp"
#include "tests/support/waiting.hpp"

#include <weir/discovery/kubernetes_provider.hpp>
#include <weir/engine/runtime.hpp>

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir::test {

/// A provider and the API server that it asks, over TLS and with a token.
class kubernetes_provider_fixture : public testing::Test {
 protected:
  using names = std::vector<std::string>;
  using request = kubernetes_server::request;
  using answer = kubernetes_server::answer;
  using after = kubernetes_server::then;
  using outcome = kubernetes_outcome;
  using clock = std::chrono::steady_clock;

  kubernetes_provider_fixture() : ca_("api"), server_(ca_.issue("kubernetes.default.svc")) {
    files_.write("ca.crt", ca_.pem());
    files_.write("token", "old\n");
    server_.accept_token("old");
    server_.set("a", pods({1, 2}));
  }

  ~kubernetes_provider_fixture() override {
    if (provider_) provider_->stop();
  }

  static api_slice pods(const std::vector<int>& numbers) {
    api_slice out;
    for (const int each : numbers) {
      const auto text = std::to_string(each);
      out.endpoints.push_back({.pod = "weir-" + text, .address = "10.0.0." + text});
    }
    return out;
  }

  static names at(const std::vector<int>& numbers) {
    names out;
    for (const int each : numbers) out.push_back("10.0.0." + std::to_string(each) + ":7420");
    return out;
  }

  kubernetes_options options() const {
    return {
        .service = "weir-peers",
        .service_namespace = "demo",
        .api = server_.address(),
        .token_file = files_.path("token"),
        .ca_file = files_.ca(),
        .linger = milliseconds(0),
        .backoff = milliseconds(50),
        .request_timeout = std::chrono::seconds(2),
    };
  }

  void start(kubernetes_options with) {
    provider_ = std::make_unique<kubernetes_provider>(std::move(with));
    provider_->start(runtime_, [this](result<std::vector<candidate>> found) {
      const std::lock_guard lock(mutex_);
      told_.push_back(std::move(found));
      changed_.notify_all();
    });
  }

  /// Knows pods 1 and 2, and watches.
  void start() {
    start(options());
    ASSERT_TRUE(tells(at({1, 2})));
    wait_for("a watch", [&] { return server_.open_watches() == 1; });
  }

  /// The last of what was told becomes this.
  bool tells(const names& wanted) {
    std::unique_lock lock(mutex_);
    const bool is_there =
        changed_.wait_for(lock, std::chrono::seconds(10), [&] { return last() == wanted; });
    EXPECT_EQ(last(), wanted);
    return is_there;
  }

  bool tells(outcome wanted) { return tells(names{"error: " + std::string(name(wanted))}); }

  names last() const {
    if (told_.empty()) return {"nothing"};
    const auto& found = told_.back();
    if (!found) return {"error: " + std::string(name(static_cast<outcome>(found.error().value())))};
    names out;
    for (const auto& each : *found) out.push_back(each.address);
    return out;
  }

  std::size_t tellings() {
    const std::lock_guard lock(mutex_);
    return told_.size();
  }

  template <class Condition>
  void wait_for(std::string_view what, Condition condition) {
    ASSERT_TRUE(eventually(condition)) << what;
  }

  std::uint64_t count(outcome of) const {
    for (const auto& each : provider_->counts()) {
      if (each.outcome == name(of)) return each.count;
    }
    return 0;
  }

  void wait_for(outcome of, std::uint64_t least = 1) {
    wait_for(name(of), [&] { return count(of) >= least; });
  }

  const weir_test::authority ca_;
  const weir_test::tls_folder files_;
  std::mutex mutex_;
  std::vector<std::string> targets_;      // of all requests, with mutex_
  std::vector<clock::time_point> asked_;  // when, with mutex_
  kubernetes_server server_;
  runtime runtime_{{.threads = 1}};
  std::condition_variable changed_;
  std::vector<result<std::vector<candidate>>> told_;
  std::unique_ptr<kubernetes_provider> provider_;
};

}  // namespace weir::test
