#include "door_route.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace weir {
namespace {

constexpr std::array<std::pair<std::string_view, door_page>, 9> views{{
    {"/cluster", door_page::cluster},
    {"/cluster/members", door_page::members},
    {"/cluster/ring", door_page::ring},
    {"/cluster/keyspaces", door_page::keyspaces},
    {"/cluster/reload", door_page::reload},
    {"/cluster/drain", door_page::drain},
    {"/livez", door_page::livez},
    {"/readyz", door_page::readyz},
    {"/metrics", door_page::metrics},
}};

bool is_in_list(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const auto end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace

door_route find_route(std::string_view path) noexcept {
  constexpr std::string_view data = "/v1/";
  if (path.starts_with(data)) {
    path.remove_prefix(data.size());
    const auto slash = path.find('/');
    if (slash == std::string_view::npos) return {door_page::keyspace, path, {}};
    return {door_page::key, path.substr(0, slash), path.substr(slash + 1)};
  }
  for (const auto& [address, page] : views) {
    if (path == address) return {page, {}, {}};
  }
  return {};
}

std::string_view allowed_methods(door_page page) noexcept {
  switch (page) {
    case door_page::key:
      return "GET, HEAD, PURGE, OPTIONS";
    case door_page::keyspace:
    case door_page::reload:
    case door_page::drain:
      return "POST, OPTIONS";
    case door_page::members:
      return "GET, HEAD, POST, OPTIONS";
    default:
      return "GET, HEAD, OPTIONS";
  }
}

std::string_view unknown_parameter(std::string_view query, std::string_view known) noexcept {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const auto name = part.substr(0, part.find('='));
    if (!part.empty() && !is_in_list(known, name)) return name.empty() ? part : name;
  }
  return {};
}

}  // namespace weir
