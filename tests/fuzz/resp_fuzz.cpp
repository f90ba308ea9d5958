// Bytes from a server that speaks RESP.
//
// Byte 0: size of the pieces that arrive. The rest is the stream. In pieces it must be read as it is
// in one, and within the limits.

#include <weir/transport/resp_parser.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace weir;

constexpr resp_limits limits{
    .max_line = 64, .max_bulk = 32, .max_promised = 1'000, .max_items = 100, .max_depth = 4};

void expect(bool holds) {
  if (!holds) std::abort();
}

/// Elements of the value; checks them, and makes it comparable: "not a number" is unlike itself.
std::size_t understand(resp_value& got, std::size_t depth) {
  expect(depth <= limits.max_depth);
  expect(got.text.size() <= std::max(limits.max_line, limits.max_bulk));
  if (got.kind == resp_kind::bulk) expect(got.text.size() <= limits.max_bulk);
  if (got.real != got.real) got.real = 0;
  std::size_t items = got.items.size();
  for (auto& each : got.items) items += understand(each, depth + 1);
  return items;
}

struct reading {
  std::vector<resp_value> values = {};
  bool is_malformed = false;
};

reading read(std::string_view stream, std::size_t piece) {
  resp_parser parser(limits);
  reading out;
  while (!stream.empty()) {
    const std::string part(stream.substr(0, piece));  // exact size, so that reading beyond it shows
    stream.remove_prefix(part.size());
    std::string_view rest = part;
    while (true) {
      resp_value got;
      const auto what = parser.next(rest, got);
      if (what == resp_parser::status::need_more) break;
      out.is_malformed = what == resp_parser::status::malformed;
      if (out.is_malformed) return out;
      expect(understand(got, 0) <= limits.max_items);
      out.values.push_back(std::move(got));
    }
    expect(rest.empty());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = read(stream, stream.size());
  const auto parts = read(stream, data[0] == 0 ? 1 : data[0]);
  expect(whole.values == parts.values && whole.is_malformed == parts.is_malformed);
  return 0;
}
