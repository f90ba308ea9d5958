#pragma once

#include <weir/discovery/provider.hpp>
#include <weir/engine/api.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir WEIR_API {

struct nats_options {
  /// "nats://10.0.0.1:4222" or "tls://nats.example.com:4222", one or more of one NATS cluster.
  std::vector<std::string> servers;
  std::string subject;    ///< of these nodes alone: 1 to 128 of A-Z a-z 0-9 _ - .
  std::string user = {};  ///< with password; or token; or none of them
  std::string password = {};
  std::string token = {};
  std::string ca = {};      ///< PEM file; asks for TLS. Empty = the system's authorities
  std::string secret = {};  ///< signs heartbeats, the same on all nodes; empty = no signatures
  milliseconds heartbeat{1'000};  ///< of all nodes, 100 ms to 10 s
  milliseconds expire{5'000};     ///< without a heartbeat, 3 heartbeats at least
  /// The clock that signed messages are dated with.
  std::function<std::chrono::system_clock::time_point()> wall_clock = [] {
    return std::chrono::system_clock::now();
  };
};

/// Candidates from heartbeats on a NATS subject: core NATS, without JetStream.
///
/// Each node publishes its id, address and incarnation in each heartbeat, and a goodbye on leave().
/// A node not heard for `expire` is dropped, but only while the connection is up and another node
/// is heard: a server that is gone drops no node. Messages that are malformed, too large, without
/// the right signature, old or of another cluster are counted and change nothing. At most 256
/// members. Connects when announce() is called. Thread-safe.
class nats_provider final : public provider {
 public:
  /// Throws std::invalid_argument for servers, a subject, times or a CA file that cannot be used.
  explicit nats_provider(nats_options options);
  ~nats_provider() override;

  void start(environment& env, answer_callback answer) override;
  void stop() override;
  void announce(const identity& self) override;
  void leave() override;
  std::vector<answer_count> counts() const override;

  const nats_options& options() const noexcept { return options_; }

 private:
  class presence;

  const nats_options options_;
  mutable std::mutex mutex_;
  environment* env_ = nullptr;
  answer_callback answer_;
  std::shared_ptr<presence> presence_;
};

}  // namespace weir
