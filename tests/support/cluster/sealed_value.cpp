#include "tests/support/cluster/sealed_value.hpp"

#include <sstream>
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace weir::test {
namespace {

constexpr std::size_t sum_size = 17;  // 16 hex digits and a line end

std::string sum_of(std::string_view text) {
  auto left = XXH3_64bits(text.data(), text.size());
  std::string out(16, '0');
  for (auto digit = out.rbegin(); digit != out.rend(); ++digit, left >>= 4) {
    *digit = "0123456789abcdef"[left & 15];
  }
  return out;
}

}  // namespace

std::string seal(const sealed_value& value, std::size_t size) {
  auto text =
      value.key + ' ' + std::to_string(value.version) + ' ' + std::to_string(value.load) + ' ';
  if (text.size() + sum_size < size) text.append(size - sum_size - text.size(), '.');
  return sum_of(text) + '\n' + text;
}

std::optional<sealed_value> unseal(std::string_view text) {
  if (text.size() < sum_size || text[16] != '\n') return std::nullopt;
  const auto content = text.substr(sum_size);
  if (sum_of(content) != text.substr(0, 16)) return std::nullopt;
  std::istringstream words{std::string(content)};
  sealed_value out;
  if (!(words >> out.key >> out.version >> out.load)) return std::nullopt;
  return out;
}

}  // namespace weir::test
