#include "program/node_client.hpp"

#include "utf8.hpp"

#include <weir/transport/http_target.hpp>
#include <weir/transport/text.hpp>

#include <boost/json/parse.hpp>
#include <boost/throw_exception.hpp>

#include <charconv>
#include <ostream>

namespace weir {
namespace {

namespace json = boost::json;

/// The node answers by its own deadline; a little later it counts as unreachable.
constexpr milliseconds grace{500};

/// Of what a command line may say; a hundred years fit into every clock.
constexpr milliseconds longest_time = std::chrono::hours(100 * 365 * 24);

command_failure unreachable(const std::string& server, const error_code& why) {
  if (why == errc::bad_request) {
    return {
        exit_code::usage,
        "\"" + printable(server) +
            "\" is not an http:// or https:// URL; give the node's with --server or WEIR_SERVER"};
  }
  if (why.category() == tls_category()) {
    return {
        exit_code::unreachable,
        "cannot trust " + server + ": " + why.message() +
            "; give its authority with --ca or WEIR_CA"};
  }
  if (why == errc::protocol) {
    return {
        exit_code::unreachable,
        server + " does not speak HTTP; is it the http door of a weir node?"};
  }
  if (why == errc::deadline_exceeded) {
    return {
        exit_code::unreachable,
        server + " did not answer in time; look at the node, or wait longer with --timeout"};
  }
  if (why == asio::error::host_not_found || why == asio::error::host_not_found_try_again) {
    return {
        exit_code::unreachable,
        "cannot find the host of " + server + ": " + why.message() +
            "; check the name in --server or WEIR_SERVER, and DNS"};
  }
  const bool was_cut = why == asio::error::eof || why == asio::error::connection_reset;
  const std::string other = server.starts_with("https:") ? "plain http" : "https";
  return {
      exit_code::unreachable,
      "cannot reach " + server + ": " + why.message() + "; is the node running" +
          (was_cut ? ", and does it speak " + other + "? Give its URL" : "? Give its address") +
          " with --server or WEIR_SERVER",
  };
}

std::string advice_for(std::string_view code) {
  if (code == "no_keyspace") return "see `weir keyspaces`";
  if (code == "method_not_allowed") return "set writes: allow for this keyspace";
  if (code == "conflict") return "read it again, then retry";
  if (code == "overloaded" || code == "unavailable") return "retry after a while";
  if (code == "source_failed") return "look at the source and the node's log";
  if (code == "deadline_exceeded") return "look at the source, or wait longer with --timeout";
  if (code == "unauthorized") return "set WEIR_TOKEN to a token of the node";
  if (code == "forbidden") return "use a token that allows it";
  if (code == "unknown_outcome") return "it may have happened: read, then decide";
  return {};
}

exit_code code_for(std::string_view code) {
  if (code == "not_found") return exit_code::not_found;
  if (code == "deadline_exceeded" || code == "unavailable") return exit_code::unreachable;
  return exit_code::failure;
}

std::string string_member(const json::value& from, std::string_view name) {
  const auto* object = from.if_object();
  const auto* found = object != nullptr ? object->if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

}  // namespace

std::optional<milliseconds> parse_time(std::string_view text) {
  const auto time = parse_duration(text);
  return time && *time <= longest_time ? time : std::nullopt;
}

node_client::node_client(std::string server, milliseconds timeout, fetcher fetch, std::string token)
    : server_(std::move(server)),
      timeout_(timeout),
      fetch_(std::move(fetch)),
      token_(std::move(token)) {
  while (server_.ends_with('/')) server_.pop_back();
}

boost::system::result<node_answer, command_failure> node_client::send(
    http_method method, std::string_view target, bytes body, fields extra
) const {
  http_client_request request{
      .method = method,
      .url = server_ + std::string(target),
      .fields = std::move(extra),
      .body = std::move(body),
      .deadline = std::chrono::steady_clock::now() + timeout_ + grace,
  };
  request.fields.emplace_back("Weir-Timeout", std::to_string(timeout_.count()) + "ms");
  if (!token_.empty()) request.fields.emplace_back("Authorization", "Bearer " + token_);
  auto answer = fetch_(std::move(request));
  if (!answer) return unreachable(server_, answer.error());
  return std::move(*answer);
}

void throw_exception_from_error(
    const command_failure& failure, const boost::source_location& where
) {
  boost::throw_exception(std::runtime_error(failure.text), where);
}

std::string data_target(std::string_view keyspace, std::string_view key) {
  return "/v1/" + encode_path_segment(keyspace) + '/' + encode_path_segment(key);
}

command_failure failure_of(
    const node_answer& answer, std::string_view what, const std::string& server
) {
  error_code failed;
  const auto document = json::parse(answer.body, failed);
  const auto code = failed ? std::string() : string_member(document, "code");
  auto text = printable(what) + ": ";
  text += code.empty() ? "HTTP status " + std::to_string(answer.status) : printable(code);
  const auto detail = string_member(document, "detail");
  const auto source = string_member(document, "source");  // its words, as they are
  if (!detail.empty() || !source.empty()) {
    const auto* colon = detail.empty() || source.empty() ? "" : ": ";
    text += " (" + printable(detail) + colon + printable(source) + ")";
  }
  text += ", says " + server;
  const bool advises = detail.find(';') != std::string::npos;  // the node has said what to do
  if (const auto advice = advice_for(code); !advises && !advice.empty()) text += "; " + advice;
  return {code_for(code), std::move(text)};
}

exit_code report(const console& to, std::string_view command, const command_failure& failure) {
  to.err << tinted(to, tint::bad, "weir " + std::string(command)) << ": " << failure.text << '\n';
  return failure.code;
}

}  // namespace weir
