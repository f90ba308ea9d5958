#pragma once

#include <weir/engine/runtime.hpp>
#include <weir/transport/http_server.hpp>

#include <map>
#include <mutex>
#include <string>

namespace weir::test {

/// An HTTP origin inside the test that counts how often each path was asked for.
/// `/k` answers "value of /k"; nothing is cached on its side.
class counting_origin final : public http_handler {
 public:
  counting_origin()
      : server_(runtime_.loops(), {}, *this), address_(server_.listen("127.0.0.1:0").value()) {}

  ~counting_origin() override {
    server_.stop();
    runtime_.stop();
  }

  const std::string& address() const { return address_; }

  int loads(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return loads_[path];
  }

  /// The path asked for most often, of those that begin with `prefix`, and how often that was.
  std::pair<std::string, int> most_loaded(const std::string& prefix) {
    const std::lock_guard lock(mutex_);
    std::pair<std::string, int> most{"", 0};
    for (const auto& [path, count] : loads_) {
      if (path.starts_with(prefix) && count > most.second) most = {path, count};
    }
    return most;
  }

  bool try_handle(const http_request& request, http_response& response) override {
    const std::string path(request.path);
    response.body = "value of " + path;
    const std::lock_guard lock(mutex_);
    ++loads_[path];
    return true;
  }

  asio::awaitable<http_response> handle(const http_request&) override {
    co_return http_response(500);
  }

 private:
  std::mutex mutex_;
  std::map<std::string, int> loads_;
  runtime runtime_{runtime_options{.threads = 1}};
  http_server server_;
  const std::string address_;
};

}  // namespace weir::test
