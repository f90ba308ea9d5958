#pragma once

#include "peer/wire/peer_codec.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace weir {

/// Which of the two ends of a connection: the dialler sends requests, the acceptor serves them.
enum class peer_side : std::uint8_t { dialler, acceptor };

/// Whether the connection of a node that passed every other check may come up: nothing, or where
/// another living process with the same node id is.
using admission = std::function<std::optional<std::string>(const identity&)>;

/// Why a node that says `theirs` cannot be a peer of `self`; nothing if it can.
std::optional<refusal> judge_hello(const hello& theirs, const hello& self, const admission& admit);

/// The first exchange on a connection, as a function of the messages.
///
/// The dialler says hello first. The acceptor judges it and says hello or a refusal; the dialler
/// judges that one. Only then frames of other types are allowed.
class peer_handshake {
 public:
  struct outcome {
    enum class kind : std::uint8_t {
      up,           ///< `peer` is who it says; write `send`
      refused,      ///< by this side: write `send`, then close
      was_refused,  ///< by the other side, for `reason`
      fault,        ///< the other side broke the protocol: `cause`
    } what = kind::fault;
    std::string send;
    identity peer;
    refusal reason;
    peer_fault cause = peer_fault::none;
  };

  peer_handshake(peer_side side, identity self) : side_(side), self_{std::move(self)} {}

  /// What to write before the first message comes.
  std::string opening() const;

  outcome on_message(const frame_message& message, const admission& admit) const;

 private:
  peer_side side_;
  hello self_;
};

/// "other_cluster", for logs.
std::string_view name(refusal_reason reason) noexcept;

/// How long to wait before dialling again: 100 ms after the first loss, doubling to 1 s; a node
/// that was refused for good reason (another cluster, ourselves) is asked again every 5 s. `random`
/// spreads the pause over 75 to 100 %. It counts from where the attempt began, `spent` ago, so that
/// a node that does not answer is dialled as often as one that refuses; `first` is the least.
class redial_pause {
 public:
  redial_pause(milliseconds first, milliseconds longest) : first_(first), longest_(longest) {}

  milliseconds next(
      bool lasting_refusal, std::uint64_t random, milliseconds spent = milliseconds(0)
  );

  void reset() noexcept { losses_ = 0; }

 private:
  milliseconds first_;
  milliseconds longest_;
  unsigned losses_ = 0;
};

inline constexpr milliseconds lasting_refusal_pause{5000};

}  // namespace weir
