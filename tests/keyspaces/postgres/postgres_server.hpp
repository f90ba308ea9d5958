#pragma once

#include "tests/support/scratch_folder.hpp"

#include <cstdint>
#include <libpq-fe.h>
#include <mutex>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace weir::test {

/// A real PostgreSQL in a folder of its own, on a port of loopback, without and with TLS; the user is
/// "weir", the database "postgres". Its processes are ended by their ids.
///
/// Programs have one, which every test finds running: see server().
class postgres_server {
 public:
  static constexpr const char* password = "p w'\\d";

  postgres_server();
  ~postgres_server();

  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// "postgresql://weir@127.0.0.1:PORT/postgres".
  std::string url() const { return url_at(address()); }

  static std::string url_at(const std::string& address) {
    return "postgresql://weir@" + address + "/postgres";
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// PEM file of the authority of its certificate, which is for 127.0.0.1 and localhost.
  std::string ca() const { return folder_.file("ca.crt"); }

  /// Runs statements as another program would; the first cell of the last answer, "-" without one.
  /// From any thread.
  std::string run(const std::string& sql);

  /// kill -9 of all its processes.
  void kill();
  /// Starts it and waits until it takes connections.
  void start();

  /// All its processes stand still.
  void freeze() const;
  void thaw() const;

 private:
  void make_database();
  void write_certificates();
  pid_t spawn(std::vector<std::string> words, const std::string& log) const;
  std::vector<pid_t> processes() const;
  void signal(int number) const;
  void connect();

  scratch_folder folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  std::mutex mutex_;  // of the connection
  PGconn* connection_ = nullptr;
};

/// The one of this program, running.
postgres_server& server();

}  // namespace weir::test
