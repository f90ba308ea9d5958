#pragma once

#include <weir/discovery/provider.hpp>
#include <weir/engine/api.hpp>

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

namespace weir WEIR_API {

struct kubernetes_options {
  std::string service;                 ///< the headless service in front of the nodes
  std::string service_namespace = {};  ///< empty = that of this pod; outside of one "default"
  std::string port_name = "peer";      ///< of the peer port in the service
  std::uint16_t port = 0;              ///< of every node; 0 = the one under `port_name`

  /// "https://10.0.0.1:6443"; empty = from KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT,
  /// with token and authorities of the service account unless others are given here.
  std::string api = {};
  std::string token = {};       ///< the text itself
  std::string token_file = {};  ///< or a file of it, read for every request
  std::string ca_file = {};     ///< PEM, read for every connection; empty with `api` = the system's

  /// Where the files of the service account are.
  std::string account = "/var/run/secrets/kubernetes.io/serviceaccount";

  milliseconds relist{300'000};          ///< +-10 %, between full lists
  milliseconds watch{300'000};           ///< of one watch at most
  milliseconds silence{150'000};         ///< a watch without a byte for this long is given up
  milliseconds linger{3'000};            ///< a pod that terminates or is gone is dropped after it
  milliseconds backoff{500};             ///< after a first failure; doubles up to 10 s
  milliseconds request_timeout{10'000};  ///< of a list; until a watch begins
};

/// Candidates from the EndpointSlices of a Kubernetes service, listed and watched.
///
/// All slices of the service count together. Ids are learnt from the handshake. Pods that are not
/// ready are candidates, those that terminate are not. Failures, empty, malformed and too large
/// answers are counted and change nothing. Thread-safe.
class kubernetes_provider final : public provider {
 public:
  /// Throws std::invalid_argument for a service or namespace that is no DNS label, an api that is
  /// no http or https URL, both token and token_file, times that are not positive, and outside of a
  /// pod for an empty api.
  explicit kubernetes_provider(kubernetes_options options);
  ~kubernetes_provider() override;

  void start(environment& env, answer_callback answer) override;
  void stop() override;
  std::string detail() const override;
  std::vector<answer_count> counts() const override;

  /// With everything filled in.
  const kubernetes_options& options() const noexcept { return options_; }

 private:
  class poller;

  const kubernetes_options options_;
  mutable std::mutex mutex_;
  std::shared_ptr<poller> poller_;
};

}  // namespace weir
