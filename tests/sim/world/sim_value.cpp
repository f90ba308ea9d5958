#include "tests/sim/world/sim_value.hpp"

#include "tests/sim/world/sim_random.hpp"

#include <cstdio>
#include <sstream>

namespace weir::sim {

namespace {

constexpr std::size_t checksum_size = 16;

std::string checksum(std::string_view text) {
  std::uint64_t sum = text.size();
  for (const unsigned char c : text) sum = (sum ^ c) * 0x100000001b3;
  char hex[checksum_size + 1];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(mix(sum)));
  return hex;
}

}  // namespace

std::string write_value(const value_label& label, std::size_t padding) {
  std::string text = label.keyspace + ' ' + label.key + ' ' + std::to_string(label.version) +
                     (label.made_by == maker::load ? " load " : " put ") +
                     std::to_string(label.number) + ' ';
  text.append(padding, static_cast<char>('a' + label.number % 26));
  return text + checksum(text);
}

std::optional<value_label> read_value(std::string_view bytes) {
  if (bytes.size() < checksum_size) return std::nullopt;
  const std::string text(bytes.substr(0, bytes.size() - checksum_size));
  if (checksum(text) != bytes.substr(text.size())) return std::nullopt;
  value_label label;
  std::string made_by;
  std::istringstream in(text);
  if (!(in >> label.keyspace >> label.key >> label.version >> made_by >> label.number))
    return std::nullopt;
  label.made_by = made_by == "put" ? maker::put : maker::load;
  return label;
}

}  // namespace weir::sim
