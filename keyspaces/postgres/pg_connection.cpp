#include "postgres/pg_connection.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/socket.h>

namespace weir {
namespace {

void ignore_notice(void*, const char*) {}

pg_fault late(const char* what) {
  return {pg_fault::kind::late, {}, what};
}

bool is_fatal(const PGresult* answer) {
  const char* const severity = PQresultErrorField(answer, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == nullptr || std::string_view(severity) != "ERROR";
}

std::vector<const char*> texts_of(const pg_login& login, bool of_values) {
  std::vector<const char*> texts;
  for (const auto& [key, value] : login) texts.push_back((of_values ? value : key).c_str());
  texts.push_back(nullptr);
  return texts;
}

}  // namespace

std::string pg_text(const char* words) {
  const std::string_view text = words == nullptr ? "" : words;
  std::string out;
  for (const char each : text) {  // libpq breaks and indents its lines
    const bool is_blank = each == '\n' || each == '\r' || each == '\t' || each == ' ';
    if (!is_blank) out += each;
    if (is_blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

pg_fault pg_refusal(const PGresult* answer) {
  const auto field = [&](int code) { return pg_text(PQresultErrorField(answer, code)); };
  pg_fault made{pg_fault::kind::refused, field(PG_DIAG_SQLSTATE), field(PG_DIAG_MESSAGE_PRIMARY)};
  if (made.text.empty()) made.text = pg_text(PQresultErrorMessage(answer));
  if (const auto detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    made.text += " (" + detail + ")";
  return made;
}

asio::awaitable<pg_connection::made> pg_connection::async_connect(
    pg_login login, time_point deadline
) {
  const auto keys = texts_of(login, false);
  const auto values = texts_of(login, true);
  made out;
  out.connection.reset(new pg_connection(PQconnectStartParams(keys.data(), values.data(), 0)));
  PGconn* const connecting = out.connection->connection_;
  PQsetNoticeProcessor(connecting, &ignore_notice, nullptr);
  const auto here = co_await asio::this_coro::executor;
  pg_socket socket(here, deadline);
  auto wanted =
      PQstatus(connecting) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
    if (!socket.watch(PQsocket(connecting))) break;
    const auto what = wanted == PGRES_POLLING_READING ? pg_socket::wait_type::wait_read
                                                      : pg_socket::wait_type::wait_write;
    const bool is_in_time = co_await socket.async_wait(what);
    socket.leave();
    if (!is_in_time) {
      out.fault = late("no connection in time");
      break;
    }
    wanted = PQconnectPoll(connecting);
  }
  const bool is_good = wanted == PGRES_POLLING_OK && PQsetnonblocking(connecting, 1) == 0 &&
                       PQenterPipelineMode(connecting) == 1;
  if (!is_good && !out.fault) out.fault = out.connection->lost();
  if (!is_good) out.connection.reset();
  co_return out;
}

// Nothing more is sent: not the rest of a statement that was given up, either.
pg_connection::~pg_connection() {
  const int socket = PQsocket(connection_);
  if (socket >= 0 && PQtransactionStatus(connection_) != PQTRANS_IDLE)
    ::shutdown(socket, SHUT_RDWR);
  PQfinish(connection_);
}

bool pg_connection::is_alive() noexcept {
  constexpr int most_reads = 4;  // a notice, a changed parameter, the server's last words
  for (int i = 0; i != most_reads; ++i) {
    if (PQstatus(connection_) != CONNECTION_OK) return false;
    char next = 0;
    const auto size = ::recv(PQsocket(connection_), &next, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (size == 0 || PQconsumeInput(connection_) != 1) return false;
    PQisBusy(connection_);  // takes in what was read
  }
  return false;
}

void pg_connection::prepare(
    const std::string& name, const std::string& sql, const std::vector<Oid>& types
) {
  const int count = static_cast<int>(types.size());
  const int sent = PQsendPrepare(connection_, name.c_str(), sql.c_str(), count, types.data());
  is_queued_ = is_queued_ && sent == 1;
}

void pg_connection::describe(const std::string& name) {
  is_queued_ = is_queued_ && PQsendDescribePrepared(connection_, name.c_str()) == 1;
}

void pg_connection::execute(
    const std::string& name, std::span<const pg_parameter> parameters, bool wants_binary
) {
  std::vector<const char*> data;
  std::vector<int> sizes, formats;
  for (const auto& each : parameters) {
    data.push_back(each.data);
    sizes.push_back(static_cast<int>(each.size));
    formats.push_back(each.is_binary ? 1 : 0);
  }
  const int count = static_cast<int>(parameters.size());
  const int sent = PQsendQueryPrepared(
      connection_,
      name.c_str(),
      count,
      data.data(),
      sizes.data(),
      formats.data(),
      wants_binary ? 1 : 0
  );
  is_queued_ = is_queued_ && sent == 1;
}

void pg_connection::run(const std::string& sql) {
  const int sent =
      PQsendQueryParams(connection_, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0);
  is_queued_ = is_queued_ && sent == 1;
}

void pg_connection::limit_statements(std::chrono::milliseconds limit) {
  if (limit == limit_) return;
  limit_ = limit;
  const auto for_locks = std::max<std::int64_t>(1, limit.count() - limit.count() / 16);
  run("SELECT set_config('statement_timeout', '" + std::to_string(limit.count()) +
      "', false), set_config('lock_timeout', '" + std::to_string(for_locks) + "', false)");
}

asio::awaitable<pg_answers> pg_connection::async_round(time_point deadline) {
  pg_answers out;
  is_queued_ = is_queued_ && PQpipelineSync(connection_) == 1;
  if (!is_queued_) {
    out.fault = lost();
    co_return out;
  }
  const auto here = co_await asio::this_coro::executor;
  pg_socket socket(here, deadline);
  if (!socket.watch(PQsocket(connection_))) out.fault = lost();
  if (!out.fault) out.fault = co_await flush(socket);
  int ends = 0;
  while (!out.fault || out.fault->what == pg_fault::kind::refused) {
    auto failed = co_await await_answer(socket);
    if (failed) {
      out.fault = std::move(failed);
      break;
    }
    pg_result answer(PQgetResult(connection_));
    ends = answer ? 0 : ends + 1;
    if (ends == 1) continue;  // between two messages
    if (!answer) {
      out.fault = lost();
      break;
    }
    const auto status = PQresultStatus(answer.get());
    if (status == PGRES_PIPELINE_SYNC) break;
    if (status == PGRES_FATAL_ERROR && !out.fault) {
      out.fault = pg_refusal(answer.get());
      if (is_fatal(answer.get())) out.fault->what = pg_fault::kind::lost;
    }
    out.results.push_back(std::move(answer));
  }
  if (out.fault) limit_ = std::chrono::milliseconds(0);  // undone with the rest of the round
  co_return out;
}

asio::awaitable<std::optional<pg_fault>> pg_connection::flush(pg_socket& socket) {
  for (int left = PQflush(connection_); left != 0; left = PQflush(connection_)) {
    if (left < 0) co_return lost();
    const bool is_in_time = co_await socket.async_wait(pg_socket::wait_type::wait_write);
    if (!is_in_time) co_return late("the server did not take all in time");
    if (PQconsumeInput(connection_) != 1) co_return lost();
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<pg_fault>> pg_connection::await_answer(pg_socket& socket) {
  while (PQisBusy(connection_) == 1) {
    const bool is_in_time = co_await socket.async_wait(pg_socket::wait_type::wait_read);
    if (!is_in_time) co_return late("no answer in time");
    if (PQconsumeInput(connection_) != 1) co_return lost();
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<pg_fault>> pg_connection::async_await_notice(time_point deadline) {
  const auto here = co_await asio::this_coro::executor;
  pg_socket socket(here, deadline);
  if (!socket.watch(PQsocket(connection_))) co_return lost();
  const bool is_in_time = co_await socket.async_wait(pg_socket::wait_type::wait_read);
  if (!is_in_time) co_return late("nothing was said");
  if (PQconsumeInput(connection_) != 1) co_return lost();
  co_return std::nullopt;
}

std::vector<std::string> pg_connection::take_notices() {
  std::vector<std::string> out;
  while (auto* const told = PQnotifies(connection_)) {
    out.emplace_back(told->extra);
    PQfreemem(told);
  }
  return out;
}

void pg_connection::shut() noexcept {
  if (const int socket = PQsocket(connection_); socket >= 0) ::shutdown(socket, SHUT_RDWR);
}

pg_fault pg_connection::lost() const {
  auto text = pg_text(PQerrorMessage(connection_));
  if (text.empty()) text = "the connection was lost";
  return {pg_fault::kind::lost, {}, std::move(text)};
}

pg_prepared* pg_connection::prepared(std::size_t statement) noexcept {
  if (statement >= prepared_.size() || !prepared_[statement]) return nullptr;
  return &*prepared_[statement];
}

void pg_connection::keep(std::size_t statement, pg_prepared made) {
  if (statement >= prepared_.size()) prepared_.resize(statement + 1);
  prepared_[statement] = std::move(made);
}

}  // namespace weir
