#include "tests/transport/peer/peer_feed.hpp"

#include "tests/transport/peer/peer_samples.hpp"

#include <algorithm>

namespace weir::test {
namespace {

peer_fault decode_one(const frame_message& message, std::vector<std::string>& messages) {
  if (is_request(message.header.type)) {
    peer_request request;
    const auto fault = read_request(message, request);
    if (fault == peer_fault::none) messages.push_back(describe(request));
    return fault;
  }
  peer_reply reply;
  const auto fault = read_reply(message, reply);
  if (fault == peer_fault::none) messages.push_back(describe(reply));
  return fault;
}

}  // namespace

feed_result feed(
    const std::string& input, frame_decoder::phase allowed, std::vector<std::size_t> sizes
) {
  frame_decoder decoder({}, allowed);
  feed_result result;
  std::string_view rest = input;
  std::size_t turn = 0;
  while (!rest.empty() && result.fault == peer_fault::none) {
    std::string piece(
        rest.substr(0, std::max<std::size_t>(1, sizes[std::min(turn++, sizes.size() - 1)]))
    );
    rest.remove_prefix(piece.size());
    std::string_view view = piece;
    frame_message message;
    frame_decoder::status now;
    while ((now = decoder.next(view, message)) == frame_decoder::status::message &&
           result.fault == peer_fault::none) {
      result.fault = decode_one(message, result.messages);
    }
    if (now == frame_decoder::status::failed) result.fault = decoder.fault();
  }
  result.idle = decoder.idle();
  return result;
}

}  // namespace weir::test
