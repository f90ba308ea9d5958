#include "tests/support/program.hpp"

#include "tests/support/free_port.hpp"

#include <atomic>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace weir::test {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_event{20};
constexpr std::chrono::seconds longest_life{30};

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void wait_a_little() {
  ::poll(nullptr, 0, 5);
}

std::string unique_name(const char* prefix) {
  static std::atomic<int> next{0};
  return prefix + std::to_string(next++);
}

}  // namespace

program::program(
    const scratch_folder& folder,
    std::vector<std::string> words,
    std::string_view input,
    const std::map<std::string, std::string>& more
)
    : out_(folder.path() / unique_name("out")), err_(folder.path() / unique_name("err")) {
  const auto in = folder.write(unique_name("in"), input);
  words.insert(words.begin(), WEIR_PROGRAM);
  std::vector<char*> arguments;
  for (auto& each : words) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  std::vector<std::string> added;
  for (const auto& [name, value] : more) added.push_back(name + '=' + value);
  std::vector<char*> environment;
  for (auto& each : added) environment.push_back(each.data());
  for (auto* each = environ; *each != nullptr; ++each) environment.push_back(*each);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, in.c_str(), O_RDONLY, 0);
  constexpr int writing = O_WRONLY | O_CREAT | O_APPEND;
  posix_spawn_file_actions_addopen(&files, 1, out_.c_str(), writing, 0600);
  posix_spawn_file_actions_addopen(&files, 2, err_.c_str(), writing, 0600);
  const int failed =
      posix_spawn(&id_, WEIR_PROGRAM, &files, nullptr, arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::runtime_error("cannot start " WEIR_PROGRAM);
}

program::~program() {
  if (!is_running()) return;
  signal(SIGKILL);
  wait();
}

std::string program::out() const {
  return content_of(out_);
}

std::string program::err() const {
  return content_of(err_);
}

bool program::shows(const std::filesystem::path& file, std::string_view text) const {
  const auto deadline = clock::now() + longest_event;
  while (clock::now() < deadline) {
    const bool was_running = is_running();
    if (content_of(file).find(text) != std::string::npos) return true;
    if (!was_running) return false;
    wait_a_little();
  }
  return false;
}

bool program::prints(std::string_view text) const {
  return shows(out_, text);
}

bool program::logs(std::string_view text) const {
  return shows(err_, text);
}

void program::signal(int number) const {
  ::kill(id_, number);
}

bool program::is_running() const {
  if (has_ended_) return false;
  has_ended_ = ::waitpid(id_, &status_, WNOHANG) == id_;
  return !has_ended_;
}

int program::wait() {
  const auto deadline = clock::now() + longest_life;
  while (is_running()) {
    if (clock::now() > deadline) return -1;
    wait_a_little();
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

std::string program::banner(std::string_view word) const {
  if (!prints("ready in ")) return {};
  const auto text = out();
  const auto at = text.find(", " + std::string(word) + ' ');
  if (at == std::string::npos) return {};
  const auto begin = at + word.size() + 3;
  return text.substr(begin, text.find(',', begin) - begin);
}

finished run(const scratch_folder& folder, std::vector<std::string> words, std::string_view input) {
  test::program started(folder, std::move(words), input);
  const int code = started.wait();
  return {code, started.out(), started.err()};
}

std::string free_address() {
  return "127.0.0.1:" + std::to_string(free_port());
}

}  // namespace weir::test
