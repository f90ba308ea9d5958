#pragma once

#include "program/command_line.hpp"
#include "program/console.hpp"

#include <weir/engine/entry.hpp>
#include <weir/transport/http_client.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// "250ms", "30s", "1h30m"; nullopt on anything else.
std::optional<milliseconds> parse_time(std::string_view text);

/// Why a command ends without doing what it was asked to.
struct command_failure {
  exit_code code = exit_code::failure;
  std::string text;  ///< what failed, where, and what to do; one line
};

/// What a node answered, good or bad.
using node_answer = http_client_response;

/// The command line's way to a node: its HTTP door.
class node_client {
 public:
  using fetcher = std::function<result<http_client_response>(http_client_request)>;
  using fields = std::vector<std::pair<std::string, std::string>>;

  /// `fetch` does one request; tests pass their own. `token` goes with every request.
  node_client(std::string server, milliseconds timeout, fetcher fetch, std::string token = {});

  /// Sends one request to `target` ("/v1/users/42"). A status of 400 and above is an answer; the
  /// failure is that there is none.
  boost::system::result<node_answer, command_failure> send(
      http_method method, std::string_view target, bytes body = {}, fields extra = {}
  ) const;

  const std::string& server() const noexcept { return server_; }

 private:
  std::string server_;
  milliseconds timeout_;
  fetcher fetch_;
  std::string token_;  // empty = none is sent
};

/// Lets result<T, command_failure>::value() throw.
[[noreturn]] void throw_exception_from_error(
    const command_failure& failure, const boost::source_location& where
);

/// "/v1/users/a%2Fb".
std::string data_target(std::string_view keyspace, std::string_view key);

/// What a failed answer (status 400 and above) says, for a command that was about `what`.
command_failure failure_of(
    const node_answer& answer, std::string_view what, const std::string& server
);

/// Prints "weir get: ..." on stderr and returns the code to end with.
exit_code report(const console& to, std::string_view command, const command_failure& failure);

}  // namespace weir
