#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir WEIR_API {

/// The record types that can be asked for, by their numbers on the wire.
enum class dns_type : std::uint16_t { a = 1, aaaa = 28, srv = 33 };

enum class dns_status : std::uint8_t {
  answered,      ///< there is a message with records, not yet looked into
  no_such_name,  ///< NXDOMAIN
  no_records,    ///< the name exists, without records of this type
  failed,        ///< SERVFAIL, REFUSED, or no server could be reached
  timed_out,
  malformed,  ///< c-ares could not read it
  closed,     ///< close() ended the question
};

struct dns_reply {
  dns_status status = dns_status::failed;
  std::vector<unsigned char> message;  ///< as received, at most 64 KiB; empty unless answered
};

struct dns_client_options {
  std::chrono::milliseconds query_timeout{1'000};  ///< per server and try, doubled per round
  int tries = 2;                                   ///< rounds over the servers
  std::string servers;  ///< "10.0.0.2,[fd00::2]:5353"; empty = those of the system
};

/// Questions to DNS servers and their raw answers: c-ares on one executor, without threads.
///
/// Over UDP, and over TCP when an answer was truncated. Short names are looked up in the search
/// domains of the system: a domain that has no answer, or whose server has none, does not end the
/// search. When no name has an answer, a failure goes before "no records" before "no such name".
/// Keeps no answers; the hosts file plays no part. To be used on the
/// executor only, which must run one handler at a time (a loop with one thread, or a strand), and
/// destroyed there or after its last handler.
class dns_client {
 public:
  using callback = std::function<void(dns_reply)>;

  /// Throws std::invalid_argument for servers it cannot read.
  explicit dns_client(asio::any_io_executor executor, const dns_client_options& options = {});
  dns_client(const dns_client&) = delete;
  dns_client& operator=(const dns_client&) = delete;
  ~dns_client();

  /// Asks for the records of `name`. `done` is called once, perhaps before ask() returns.
  void ask(const std::string& name, dns_type type, callback done);

  /// Ends the questions under way with dns_status::closed; those asked later end the same way.
  void close();

 private:
  struct impl;
  const std::unique_ptr<impl> impl_;
};

}  // namespace weir
