#include "file/content_type.hpp"

#include <algorithm>
#include <array>

namespace weir {
namespace {

struct known {
  std::string_view extension;
  std::string_view type;
};

constexpr std::array types{
    known{"bin", "application/octet-stream"},
    known{"css", "text/css"},
    known{"csv", "text/csv; charset=utf-8"},
    known{"gif", "image/gif"},
    known{"gz", "application/gzip"},
    known{"htm", "text/html; charset=utf-8"},
    known{"html", "text/html; charset=utf-8"},
    known{"ico", "image/vnd.microsoft.icon"},
    known{"jpeg", "image/jpeg"},
    known{"jpg", "image/jpeg"},
    known{"js", "text/javascript"},
    known{"json", "application/json"},
    known{"jsonl", "application/jsonl"},
    known{"md", "text/markdown; charset=utf-8"},
    known{"mjs", "text/javascript"},
    known{"mp3", "audio/mpeg"},
    known{"mp4", "video/mp4"},
    known{"pdf", "application/pdf"},
    known{"png", "image/png"},
    known{"svg", "image/svg+xml"},
    known{"tar", "application/x-tar"},
    known{"toml", "application/toml"},
    known{"txt", "text/plain; charset=utf-8"},
    known{"wasm", "application/wasm"},
    known{"webp", "image/webp"},
    known{"woff2", "font/woff2"},
    known{"xml", "application/xml"},
    known{"yaml", "application/yaml"},
    known{"yml", "application/yaml"},
    known{"zip", "application/zip"},
    known{"zst", "application/zstd"},
};

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool same(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return lower(x) == lower(y);
  });
}

}  // namespace

std::string_view content_type_of(std::string_view file_name) noexcept {
  const auto dot = file_name.rfind('.');
  if (dot == std::string_view::npos || file_name.find('/', dot) != std::string_view::npos)
    return {};
  const auto extension = file_name.substr(dot + 1);
  const auto found = std::find_if(types.begin(), types.end(), [&](const known& each) {
    return same(each.extension, extension);
  });
  return found == types.end() ? std::string_view() : found->type;
}

}  // namespace weir
