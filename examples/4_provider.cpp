// Discovery of your own: nodes that find each other through a shared folder, a file for each node.
//
// A provider only names candidates. The handshake proves them, and an error takes nobody away.

#include <weir/weir.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class folder_provider final : public weir::provider {
 public:
  explicit folder_provider(fs::path folder) : folder_(std::move(folder)) {}

  void start(weir::environment& env, answer_callback answer) override {
    env_ = &env;
    answer_ = std::move(answer);
    look();
  }

  void stop() override {
    const std::lock_guard lock(mutex_);
    answer_ = nullptr;
    env_->cancel(timer_);
  }

  void announce(const weir::identity& self) override {
    own_file_ = folder_ / self.id;
    std::ofstream(own_file_) << self.address;
  }

  void leave() override { fs::remove(own_file_); }

 private:
  void look() {
    const std::lock_guard lock(mutex_);
    if (!answer_) return;
    std::error_code failed;
    std::vector<weir::candidate> found;
    for (const auto& file : fs::directory_iterator(folder_, failed)) {
      weir::candidate each{.id = file.path().filename()};
      if (std::ifstream(file.path()) >> each.address) found.push_back(each);
    }
    if (failed) answer_(weir::error_code(failed));
    if (!failed) answer_(found);
    timer_ = env_->schedule(env_->now() + 100ms, [this] { look(); });
  }

  const fs::path folder_;
  fs::path own_file_;
  std::mutex mutex_;  // stop() must find no answer running
  weir::environment* env_ = nullptr;
  answer_callback answer_;
  weir::timer_id timer_ = 0;
};

namespace {

std::unique_ptr<weir::node> start_node(const std::string& id, const fs::path& folder) {
  auto made = std::make_unique<weir::node>(weir::node_options{
      .cluster = "example",
      .id = id,
      .peer_address = "127.0.0.1:0",
      .discovery = std::make_shared<folder_provider>(folder),
      .runtime = {.threads = 1},
  });
  made->add_keyspace({.name = "users"}, [](std::string_view key) -> weir::result<weir::bytes> {
    return weir::bytes("user " + std::string(key));
  });
  made->start().value();
  return made;
}

bool becomes(const weir::node& node, std::size_t members) {
  const auto until = std::chrono::steady_clock::now() + 20s;
  while (node.ring()->size() != members) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(10ms);
  }
  std::cout << node.id() << " sees " << members << " node(s)\n";
  return true;
}

}  // namespace

int main() {
  const auto folder = fs::temp_directory_path() / ("weir-example-" + std::to_string(::getpid()));
  fs::create_directory(folder);
  auto first = start_node("n1", folder);
  auto second = start_node("n2", folder);
  bool is_fine = becomes(*first, 2) && becomes(*second, 2);
  std::cout << second->find_keyspace("users").get("42").value().text() << '\n';
  second->drain(2s);  // its file goes, and it says goodbye
  is_fine = is_fine && becomes(*first, 1);
  first->stop();
  fs::remove_all(folder);
  return is_fine ? 0 : 1;
}
