// Bytes from a peer: the frame decoder, every message, and the handshake.
//
// Byte 0: what the other side may send, and from 128 on the checksums stay as they come, else they
// are made right, as a hostile peer would. Byte 1: size of the pieces that arrive. The rest is the
// stream. A message that is understood must survive being written and read again.

#include "tests/transport/peer/peer_samples.hpp"
#include "transport/peer/peer_handshake.hpp"

#include <cstdint>
#include <cstdlib>
#include <string>

namespace {

using namespace weir;

void expect(bool holds) {
  if (!holds) std::abort();
}

template <class Message, class Read>
void expect_round_trip(
    const Message& message, const std::string& again, frame_decoder::phase allowed, Read read
) {
  frame_decoder decoder({}, allowed);
  std::string_view rest = again;
  frame_message frame;
  expect(decoder.next(rest, frame) == frame_decoder::status::message && rest.empty());
  Message second;
  expect(read(frame, second) == peer_fault::none);
  expect(test::describe(message) == test::describe(second));
}

bool understand(const frame_message& frame) {
  if (frame.header.type == frame_type::hello || frame.header.type == frame_type::refusal) {
    const peer_handshake handshake(peer_side::acceptor, {"fuzz", "n1", 1, 1, ""});
    return handshake.on_message(frame, {}).what != peer_handshake::outcome::kind::fault;
  }
  if (frame.header.type == frame_type::fault) {
    error_code error;
    return read_fault(frame, error) == peer_fault::none;
  }
  if (frame.header.type == frame_type::loading) return frame.payload.empty();
  if (is_request(frame.header.type)) {
    static peer_request request;  // reused, as a connection does
    if (read_request(frame, request) != peer_fault::none) return false;
    if (check_request(request, {})) return true;
    expect_round_trip(request, test::wire(request), frame_decoder::phase::requests, read_request);
    return true;
  }
  peer_reply reply;
  if (read_reply(frame, reply) != peer_fault::none) return false;
  expect_round_trip(reply, test::wire(reply), frame_decoder::phase::replies, read_reply);
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  frame_decoder decoder({}, static_cast<frame_decoder::phase>(data[0] % 3));
  const std::size_t piece = data[1] == 0 ? size : data[1];
  std::string bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  if (data[0] < 128) bytes = test::resealed(std::move(bytes));
  std::string_view stream = bytes;
  bool good = true;
  while (!stream.empty() && good) {
    const std::string part(stream.substr(0, piece));  // exact size, so that reading beyond it shows
    stream.remove_prefix(part.size());
    std::string_view rest = part;
    frame_message frame;
    auto status = frame_decoder::status::need_more;
    while (good && (status = decoder.next(rest, frame)) == frame_decoder::status::message) {
      good = understand(frame);
    }
    expect(decoder.held() <= size);
    if (status == frame_decoder::status::failed) {
      expect(decoder.fault() != peer_fault::none);
      good = false;
    }
  }
  return 0;
}
