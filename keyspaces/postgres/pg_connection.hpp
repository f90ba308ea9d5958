#pragma once

#include "postgres/pg_result.hpp"
#include "postgres/pg_socket.hpp"

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// One value of a statement. Text must end with a NUL behind `size`.
struct pg_parameter {
  const char* data = nullptr;  ///< null = NULL
  std::size_t size = 0;
  bool is_binary = false;
};

/// A statement that a connection has prepared.
struct pg_prepared {
  std::string name;
  std::vector<Oid> parameters;
  std::vector<Oid> columns;
};

/// How libpq is told to connect: its keywords and their values.
using pg_login = std::vector<std::pair<std::string, std::string>>;

/// One connection to a PostgreSQL server that never blocks.
///
/// Messages are queued and go out as one round, a transaction of its own, with async_round(): after
/// the first one that the server refuses, none is done. Used by one coroutine at a time, on any
/// loop: between rounds it belongs to none. A round that ends with a fault other than `refused`
/// leaves the connection of no use.
class pg_connection {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  struct made {
    std::unique_ptr<pg_connection> connection = nullptr;
    std::optional<pg_fault> fault = std::nullopt;
  };

  /// Connects and logs in. `login` names addresses, no hosts that would have to be looked up.
  static asio::awaitable<made> async_connect(pg_login login, time_point deadline);

  ~pg_connection();

  pg_connection(const pg_connection&) = delete;
  pg_connection& operator=(const pg_connection&) = delete;

  /// Looks, without waiting, whether the other side has closed; to be asked before a round.
  bool is_alive() noexcept;

  /// Queue a message. What libpq does not take shows in async_round().
  void prepare(const std::string& name, const std::string& sql, const std::vector<Oid>& types);
  void describe(const std::string& name);
  void execute(
      const std::string& name, std::span<const pg_parameter> parameters, bool wants_binary
  );
  void run(const std::string& sql);

  /// Statements of the rounds to come end after `limit`, and give up a lock a little before. Queues
  /// a message when that is news.
  void limit_statements(std::chrono::milliseconds limit);

  /// Sends what was queued and waits for all answers.
  asio::awaitable<pg_answers> async_round(time_point deadline);

  /// Waits until the server says something by itself; a fault that is `late` at the deadline.
  asio::awaitable<std::optional<pg_fault>> async_await_notice(time_point deadline);

  /// What NOTIFY told on the channels of LISTEN, in its order; of a round too.
  std::vector<std::string> take_notices();

  /// Ends the connection for whoever waits on it. The only call from another thread.
  void shut() noexcept;

  /// A name for a statement that this connection has not used yet.
  std::string unused_name() { return "weir_" + std::to_string(++names_); }

  /// What was prepared as the statement of that number; null = nothing.
  pg_prepared* prepared(std::size_t statement) noexcept;
  void keep(std::size_t statement, pg_prepared made);

 private:
  explicit pg_connection(PGconn* connection) : connection_(connection) {}

  asio::awaitable<std::optional<pg_fault>> flush(pg_socket& socket);
  asio::awaitable<std::optional<pg_fault>> await_answer(pg_socket& socket);
  pg_fault lost() const;

  PGconn* const connection_;
  std::vector<std::optional<pg_prepared>> prepared_;
  std::chrono::milliseconds limit_{0};
  unsigned names_ = 0;
  bool is_queued_ = true;  // false: a message of this round was not taken
};

}  // namespace weir
