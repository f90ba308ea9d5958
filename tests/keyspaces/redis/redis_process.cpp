#include "tests/keyspaces/redis/redis_process.hpp"

#include "tests/support/certificates.hpp"
#include "tests/support/free_port.hpp"

#include <weir/transport/resp_commands.hpp>
#include <weir/transport/resp_parser.hpp>

#include <boost/asio/write.hpp>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

std::string quoted_word(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
  return out + '"';
}

std::string text_of(const resp_value& answer) {
  switch (answer.kind) {
    case resp_kind::null:
      return "-";
    case resp_kind::integer:
      return std::to_string(answer.number);
    case resp_kind::array:
      return std::to_string(answer.items.size());
    default:
      return answer.text;
  }
}

pid_t spawn_redis(const std::string& configuration, const std::string& log) {
  std::vector<std::string> words{
      "/usr/bin/setpriv", "--pdeathsig=KILL", WEIR_REDIS_SERVER, configuration};
  std::vector<char*> arguments;
  for (auto& each : words) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  pid_t id = -1;
  const int failed = ::posix_spawn(&id, arguments[0], &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) throw std::runtime_error("cannot start " + words[0]);
  return id;
}

}  // namespace

redis_process::redis_process() {
  const auto ports = free_ports(2);
  port_ = ports[0];
  tls_port_ = ports[1];
  const weir_test::authority authority("redis");
  weir_test::certificate_request request;
  request.names = {"localhost"};
  request.addresses = {"127.0.0.1"};
  const auto own = authority.issue(request);
  folder_.write("ca.crt", authority.pem());
  folder_.write(
      "redis.conf",
      "bind 127.0.0.1\nport " + std::to_string(port_) + "\ntls-port " + std::to_string(tls_port_) +
          "\ntls-cert-file " + folder_.write("server.crt", own.cert) + "\ntls-key-file " +
          folder_.write("server.key", own.key) + "\ntls-ca-cert-file " + ca() +
          "\ntls-auth-clients no\nsave \"\"\nappendonly no\ndir " + folder_.path().string() +
          "\nuser weir on " + quoted_word(std::string(">") + password) +
          " ~* &* +@all\nuser reader on >r ~* &* +@read +@connection\n"
  );
  start();
}

redis_process::~redis_process() {
  if (pid_ > 0) kill();
}

void redis_process::start() {
  const auto log = folder_.file("server.log");
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  while (std::chrono::steady_clock::now() < give_up) {
    if (pid_ <= 0) pid_ = spawn_redis(folder_.file("redis.conf"), log);
    if (connect()) return;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    ::poll(nullptr, 0, 10);
  }
  std::ifstream in(log);
  throw std::runtime_error(
      "Redis does not start: " + std::string(std::istreambuf_iterator<char>(in), {})
  );
}

bool redis_process::connect() {
  using boost::asio::ip::tcp;
  boost::system::error_code failed;
  connection_ = tcp::socket(loop_);
  connection_.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port_), failed);
  return !failed;
}

resp_value redis_process::ask(const std::vector<std::string>& words) {
  resp_commands command;
  command.begin(words.size());
  for (const auto& each : words) command.argument(each);
  boost::asio::write(connection_, boost::asio::buffer(command.text()));
  resp_parser parser({.max_bulk = 1u << 26});
  std::array<char, 65'536> buffer;
  while (true) {
    std::string_view got(buffer.data(), connection_.read_some(boost::asio::buffer(buffer)));
    resp_value answer;
    const auto read = parser.next(got, answer);
    if (read == resp_parser::status::value) return answer;
    if (read == resp_parser::status::malformed) throw std::runtime_error("no RESP");
  }
}

std::string redis_process::run(const std::vector<std::string>& words) {
  const std::lock_guard lock(mutex_);
  const auto answer = ask(words);
  if (answer.is_error()) throw std::runtime_error(words.front() + ": " + answer.text);
  return text_of(answer);
}

void redis_process::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void redis_process::freeze() const {
  ::kill(pid_, SIGSTOP);
}

void redis_process::thaw() const {
  ::kill(pid_, SIGCONT);
}

redis_process& server() {
  static redis_process one;
  return one;
}

}  // namespace weir::test
