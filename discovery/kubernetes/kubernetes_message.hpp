#pragma once

#include <weir/engine/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// What is read out of EndpointSlices.
struct kubernetes_wanted {
  std::string service;
  std::string port_name = "peer";
  std::uint16_t port = 0;  ///< of every node; 0 = the port of each slice under `port_name`
};

/// One node of a slice.
struct kubernetes_endpoint {
  std::string address;  ///< a literal
  std::string pod;      ///< the same text for the same pod; the address where there is none
  bool is_terminating = false;
  std::optional<bool> is_serving = std::nullopt;  ///< empty = the server does not say

  friend bool operator==(const kubernetes_endpoint&, const kubernetes_endpoint&) = default;
};

/// One EndpointSlice, as far as it matters here. Those that hold names instead of addresses have no
/// endpoints.
struct kubernetes_slice {
  std::string name;
  std::vector<kubernetes_endpoint> endpoints;
  std::uint16_t port = 0;  ///< 0 = it has no such port

  friend bool operator==(const kubernetes_slice&, const kubernetes_slice&) = default;
};

/// An EndpointSliceList.
struct kubernetes_list {
  std::string version;  ///< to watch from
  std::vector<kubernetes_slice> slices;
};

/// A line of a watch.
struct kubernetes_change {
  enum class kind : std::uint8_t { set, removed, bookmark, error };

  kind what = kind::bookmark;
  std::string version;     ///< to watch from afterwards; of an error empty
  kubernetes_slice slice;  ///< what it is now, or the name of one that was removed
  unsigned status = 0;     ///< of an error, as in HTTP
};

/// What one document or line may be at most.
struct kubernetes_limits {
  std::size_t document = 4'194'304;  ///< bytes of a list
  std::size_t line = 1'048'576;      ///< bytes of an event
  std::size_t depth = 32;            ///< of nesting
  std::size_t memory = 33'554'432;   ///< bytes that reading one takes
  std::size_t slices = 256;
  std::size_t endpoints = 1'024;  ///< of one slice, as in the API
};

/// Reads the answer to a list; its sender is not trusted.
///
/// Fails with errc::bad_request when it is not what an API server sends, names an address
/// that cannot be dialled, a port 0 or another service; errc::too_large when it is over a limit.
/// One wrong endpoint refuses the whole answer. Takes time linear in its size.
result<kubernetes_list> read_kubernetes_list(
    std::string_view text, const kubernetes_wanted& wanted, const kubernetes_limits& limits = {}
);

/// The message of an API server that refuses a request, at most 200 bytes of printable ASCII; empty
/// when `text` is no Status object.
std::string read_kubernetes_message(std::string_view text, const kubernetes_limits& limits = {});

/// Reads one line of a watch; fails as above.
result<kubernetes_change> read_kubernetes_change(
    std::string_view line, const kubernetes_wanted& wanted, const kubernetes_limits& limits = {}
);

}  // namespace weir
