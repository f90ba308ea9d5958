#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir::test {

/// One endpoint of a slice, as the endpoint slice controller writes it.
struct api_endpoint {
  std::string pod;
  std::string address;
  bool is_ready = true;
  bool is_terminating = false;
};

struct api_slice {
  std::vector<api_endpoint> endpoints;
  std::uint16_t port = 7420;
  std::string port_name = "peer";
  std::string family = "IPv4";
  std::string service = "weir-peers";
};

/// A slice as the API server sends it, with all the fields that do not matter.
std::string slice_json(const std::string& name, std::uint64_t version, const api_slice& slice);

std::string list_json(std::uint64_t version, const std::vector<std::string>& slices);

/// {"type":...,"object":...} without the line break.
std::string event_json(const std::string& type, const std::string& object);

std::string bookmark_json(std::uint64_t version);

std::string status_json(unsigned code, const std::string& reason);

}  // namespace weir::test
