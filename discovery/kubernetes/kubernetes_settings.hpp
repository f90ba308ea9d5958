#pragma once

#include <weir/discovery/kubernetes_provider.hpp>
#include <weir/engine/result.hpp>
#include <weir/transport/host_port.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace weir {

/// Fills in what the options leave to the pod; throws as kubernetes_provider's constructor.
/// `variable` reads the environment: nullptr where there is none.
kubernetes_options completed(kubernetes_options options, const char* (*variable)(const char*));

/// Where requests go.
struct kubernetes_api {
  host_port server;
  bool is_secure = true;
  std::string base;  ///< path in front of "/apis"
};

/// Reads "https://host[:port][/path]" or http; throws std::invalid_argument.
kubernetes_api parse_kubernetes_api(const std::string& text);

/// The path of the service's slices; a watch from `version`, or a list if that is empty.
std::string kubernetes_target(
    const kubernetes_options& options,
    const kubernetes_api& api,
    const std::string& version,
    std::chrono::seconds timeout
);

/// A regular file of at most `most` bytes, without waiting for one that is none.
/// Fails with errc::too_large, errc::bad_request (not a regular file) or what the system said.
result<std::string> read_small_file(const std::string& path, std::size_t most);

/// The token for the next request, "" if none is wanted. Fails when it cannot be read, is empty or
/// cannot stand in a header.
result<std::string> kubernetes_token(const kubernetes_options& options);

}  // namespace weir
