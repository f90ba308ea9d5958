#pragma once

#include "transport/peer/wire/peer_codec.hpp"

#include <string>
#include <vector>

namespace weir::test {

/// What a peer makes of bytes: the messages before the first fault, as texts.
struct feed_result {
  std::vector<std::string> messages;
  peer_fault fault = peer_fault::none;
  bool idle = true;
};

/// Feeds `input` in pieces of these sizes, the last one repeated.
feed_result feed(
    const std::string& input,
    frame_decoder::phase allowed,
    std::vector<std::size_t> sizes = {SIZE_MAX}
);

}  // namespace weir::test
