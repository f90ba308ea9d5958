// Bytes from a NATS server: the parser, the JSON of INFO, and what nodes publish.
//
// Byte 0: size of the pieces that arrive. The rest is the stream. A heartbeat that is understood
// must survive being written and read again.

#include "discovery/nats/nats_presence.hpp"
#include "transport/nats/nats_parser.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace weir;

constexpr std::string_view secret = "correct horse battery";
constexpr nats_limits limits{.max_line = 512, .max_info = 4'096, .max_message = 512};

void expect(bool holds) {
  if (!holds) std::abort();
}

void understand(const nats_input& got) {
  if (got.op == nats_op::info) {
    nats_info info;
    static_cast<void>(read_nats_info(got.text, info));
  }
  if (got.op != nats_op::message) return;
  expect(got.text.size() <= limits.max_message);
  nats_presence from, again;
  expect(read_nats_presence(got.text, "demo", secret, from) != nats_outcome::too_large);
  if (read_nats_presence(got.text, "demo", "", from) != nats_outcome::heard) return;
  const auto text = write_nats_presence(from, secret);
  expect(read_nats_presence(text, "demo", secret, again) == nats_outcome::heard && again == from);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  nats_parser parser(limits);
  const std::size_t piece = data[0] == 0 ? size : data[0];
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!stream.empty()) {
    const std::string part(stream.substr(0, piece));  // exact size, so that reading beyond it shows
    stream.remove_prefix(part.size());
    std::string_view rest = part;
    while (true) {
      nats_input got;
      const auto what = parser.next(rest, got);
      expect(parser.held() <= limits.max_info + limits.max_message + 1);
      if (what == nats_parser::status::failed) return 0;
      if (what == nats_parser::status::need_more) break;
      if (what == nats_parser::status::input) understand(got);
    }
    expect(rest.empty());
  }
  return 0;
}
