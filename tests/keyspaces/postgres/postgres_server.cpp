#include "tests/keyspaces/postgres/postgres_server.hpp"

#include "tests/support/certificates.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/waiting.hpp"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <pwd.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

/// PostgreSQL refuses to run as root.
const passwd* other_user() {
  if (::geteuid() != 0) return nullptr;
  const auto* const found = ::getpwnam("postgres");
  return found != nullptr ? found : ::getpwnam("nobody");
}

void give_away(const std::filesystem::path& path) {
  const auto* const user = other_user();
  if (user == nullptr) return;
  if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0)
    throw std::runtime_error("cannot give " + path.string() + " away");
}

std::string text_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The processes that `of` has started, as /proc tells.
std::vector<pid_t> children_of(pid_t of) {
  std::vector<pid_t> found;
  for (const auto& each : std::filesystem::directory_iterator("/proc")) {
    const auto name = each.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    const auto stat = text_of(each.path() / "stat");
    const auto end = stat.rfind(')');  // of the name, which may hold blanks
    if (end == stat.npos || stat.size() < end + 4) continue;
    if (std::strtol(stat.c_str() + end + 4, nullptr, 10) == of) found.push_back(std::stoi(name));
  }
  return found;
}

}  // namespace

postgres_server::postgres_server() {
  give_away(folder_.path());
  make_database();
  write_certificates();
  start();
}

postgres_server::~postgres_server() {
  PQfinish(connection_);
  if (pid_ > 0) kill();
}

pid_t postgres_server::spawn(std::vector<std::string> words, const std::string& log) const {
  if (const auto* const user = other_user()) {
    const std::string as[] = {
        "/usr/bin/setpriv",
        "--reuid=" + std::to_string(user->pw_uid),
        "--regid=" + std::to_string(user->pw_gid),
        "--clear-groups",
        "--pdeathsig=QUIT"};
    words.insert(words.begin(), std::begin(as), std::end(as));
  }
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

void postgres_server::make_database() {
  const auto secret = folder_.write("password", std::string(password) + "\n");
  give_away(secret);
  const auto log = folder_.file("initdb.log");
  const auto id = spawn(
      {WEIR_POSTGRES_BIN "/initdb",
       "--pgdata=" + folder_.file("data"),
       "--username=weir",
       "--pwfile=" + secret,
       "--auth=scram-sha-256",
       "--encoding=UTF8",
       "--locale=C.UTF-8",
       "--no-sync"},
      log
  );
  int status = -1;
  if (::waitpid(id, &status, 0) != id || status != 0)
    throw std::runtime_error("initdb failed: " + text_of(log));
}

void postgres_server::write_certificates() {
  const weir_test::authority authority("postgres");
  weir_test::certificate_request request;
  request.names = {"localhost"};
  request.addresses = {"127.0.0.1"};
  const auto own = authority.issue(request);
  folder_.write("ca.crt", authority.pem());
  give_away(folder_.write("server.crt", own.cert));
  const auto key = folder_.write("server.key", own.key);
  std::filesystem::permissions(key, std::filesystem::perms::owner_read);
  give_away(key);
}

void postgres_server::start() {
  if (port_ == 0) port_ = free_port();
  const auto log = folder_.file("server.log");
  const std::vector<std::string> words{
      WEIR_POSTGRES_BIN "/postgres",
      "-D",
      folder_.file("data"),
      "-p",
      std::to_string(port_),
      "-c",
      "listen_addresses=127.0.0.1",
      "-c",
      "unix_socket_directories=",
      "-c",
      "fsync=off",
      "-c",
      "max_connections=60",
      "-c",
      "shared_buffers=16MB",
      "-c",
      "ssl=on",
      "-c",
      "ssl_cert_file=" + folder_.file("server.crt"),
      "-c",
      "ssl_key_file=" + folder_.file("server.key")};
  // After kill -9 the memory that the processes shared is in use for a moment still.
  const auto give_up = std::chrono::steady_clock::now() + 20s;
  const auto where = "host=127.0.0.1 port=" + std::to_string(port_);
  while (std::chrono::steady_clock::now() < give_up) {
    if (pid_ <= 0) pid_ = spawn(words, log);
    if (PQping(where.c_str()) == PQPING_OK) return connect();
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
    ::poll(nullptr, 0, 10);
  }
  throw std::runtime_error("PostgreSQL does not start: " + text_of(log));
}

void postgres_server::connect() {
  PQfinish(connection_);
  const auto port = std::to_string(port_);
  const char* const keys[] = {"host", "port", "user", "dbname", "password", "sslmode", nullptr};
  const char* const values[] = {
      "127.0.0.1", port.c_str(), "weir", "postgres", password, "disable", nullptr};
  connection_ = PQconnectdbParams(keys, values, 0);
  PQsetNoticeProcessor(
      connection_, [](void*, const char*) {}, nullptr
  );
  if (PQstatus(connection_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(connection_));
}

std::string postgres_server::run(const std::string& sql) {
  const std::lock_guard lock(mutex_);
  auto* const answer = PQexec(connection_, sql.c_str());
  const auto status = PQresultStatus(answer);
  const bool has_cell = PQntuples(answer) > 0 && PQgetisnull(answer, 0, 0) == 0;
  std::string cell = has_cell ? PQgetvalue(answer, 0, 0) : "-";
  PQclear(answer);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
    throw std::runtime_error(sql + ": " + PQerrorMessage(connection_));
  return cell;
}

std::vector<pid_t> postgres_server::processes() const {
  auto all = children_of(pid_);
  all.push_back(pid_);
  return all;
}

void postgres_server::signal(int number) const {
  for (const auto each : processes()) ::kill(each, number);
}

void postgres_server::kill() {
  signal(SIGSTOP);  // none is started anew meanwhile
  signal(SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void postgres_server::freeze() const {
  signal(SIGSTOP);
}

void postgres_server::thaw() const {
  signal(SIGCONT);
}

postgres_server& server() {
  static postgres_server one;
  return one;
}

}  // namespace weir::test
