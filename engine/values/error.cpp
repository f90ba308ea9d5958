#include <weir/engine/error.hpp>

#include <boost/throw_exception.hpp>

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t max_shown_key = 64;

bool is_shown(std::string_view key) noexcept {
  const auto is_printable = [](char c) { return c >= ' ' && c <= '~'; };
  return !key.empty() && key.size() <= max_shown_key &&
         std::all_of(key.begin(), key.end(), is_printable);
}

}  // namespace

std::string error::message() const {
  std::string out = error_code::message();
  for (const auto words : {detail(), remark()}) {
    if (!words.empty()) out.append(": ").append(words);
  }
  return out;
}

std::string error::what() const {
  std::string out;
  if (!keyspace().empty()) out.append("keyspace \"").append(keyspace()).append("\"");
  if (is_shown(key())) out.append(out.empty() ? "" : ", ").append("key \"").append(key()) += '"';
  if (!out.empty()) out.append(": ");
  return out + message();
}

operation_error::operation_error(weir::error of)
    : system_error(of.code()),
      error_(std::move(of)),
      text_(error_.what() + " [" + error_.to_string() + "]") {}

void throw_exception_from_error(const error& of, const boost::source_location& where) {
  boost::throw_with_location(operation_error(of), where);
}

}  // namespace weir
