#pragma once

#include <weir/discovery/provider.hpp>
#include <weir/engine/api.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace weir WEIR_API {

/// The records that name the nodes: one address family with a port for all, or SRV, which has the
/// port of each node.
enum class dns_records : std::uint8_t { a, aaaa, srv };

struct dns_options {
  std::string name;  ///< "weir.example.com"; short ones use the search domains
  dns_records type = dns_records::a;
  std::uint16_t port = 7420;     ///< of every node; SRV has its own
  milliseconds interval{5'000};  ///< between polls at most, 1 s to 5 s; a shorter TTL counts
  std::string servers = {};      ///< "10.0.0.2,[fd00::2]:5353"; empty = those of the system
  /// Per server; there are two rounds, the second twice as long.
  milliseconds query_timeout{1'000};
};

/// Candidates from DNS: every address under one name, polled.
///
/// Ids are learnt from the handshake. NXDOMAIN, failures, time-outs, empty and malformed answers
/// and answers with more than 256 addresses are counted and change nothing; an address is dropped
/// when three answers in a row do not name it. Thread-safe.
class dns_provider final : public provider {
 public:
  /// Throws std::invalid_argument for an empty name, port 0 or an interval outside its range.
  explicit dns_provider(dns_options options);
  ~dns_provider() override;

  /// Throws std::invalid_argument for servers it cannot read.
  void start(environment& env, answer_callback answer) override;
  void stop() override;
  std::vector<answer_count> counts() const override;

  const dns_options& options() const noexcept { return options_; }

 private:
  class poller;

  const dns_options options_;
  mutable std::mutex mutex_;
  std::shared_ptr<poller> poller_;
};

}  // namespace weir
