#pragma once

#include "agreement/engine_context.hpp"

#include <weir/engine/environment.hpp>
#include <weir/engine/peer.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

namespace weir {

/// Names the keys of a node that leaves to their new owners, which then ask it for what it has kept
/// (R8).
///
/// A few at a time, in the order given. Ends when all have been named, or at the deadline.
/// Thread-safe.
class hand_over : public std::enable_shared_from_this<hand_over> {
 public:
  struct item {
    std::string keyspace;
    std::string key;
    int tries = 0;
  };

  /// `done` is called once, with the number of entries that their new owners have now.
  hand_over(
      std::shared_ptr<engine_context> context,
      std::deque<item> items,
      time_point deadline,
      completion<std::size_t> done
  );

  void begin();

 private:
  void pause();
  void pump();
  bool send(item what);
  void ended(item what, const result<peer_reply>& reply);

  const std::shared_ptr<engine_context> context_;
  const time_point deadline_;
  std::mutex mutex_;
  std::deque<item> items_;
  std::size_t running_ = 0;
  std::size_t taken_ = 0;
  bool is_pausing_ = false;
  completion<std::size_t> done_;
};

}  // namespace weir
