#include "http/door_route.hpp"

#include <weir/transport/http_target.hpp>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr std::array<std::pair<std::string_view, door_page>, 10> views{{
    {"/cluster", door_page::cluster},
    {"/cluster/members", door_page::members},
    {"/cluster/ring", door_page::ring},
    {"/cluster/keyspaces", door_page::keyspaces},
    {"/cluster/reload", door_page::reload},
    {"/cluster/drain", door_page::drain},
    {"/cluster/stats", door_page::stats},
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
      return "GET, POST, OPTIONS";
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

std::string_view doubled_parameter(std::string_view query) noexcept {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto name = query.substr(0, end).substr(0, query.substr(0, end).find('='));
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!name.empty() && query_parameter(query, name)) return name;
  }
  return {};
}

bool is_near_miss(std::string_view typed, std::string_view known) {
  constexpr std::size_t longest = 64;
  if (typed.size() > longest || known.size() > longest) return false;
  // Levenshtein distance, one row at a time.
  std::vector<std::size_t> row(known.size() + 1);
  for (std::size_t i = 0; i != row.size(); ++i) row[i] = i;
  for (std::size_t i = 0; i != typed.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j != known.size(); ++j) {
      const auto changed = diagonal + (typed[i] == known[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, diagonal + 1});
    }
  }
  return row.back() <= (known.size() > 3 ? 2U : 1U);
}

}  // namespace weir
