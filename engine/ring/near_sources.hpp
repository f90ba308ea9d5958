#pragma once

#include "ring/routing.hpp"

#include <weir/engine/environment.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace weir {

/// The nodes of which this node may hold near copies: per slot the owner's epoch and which node
/// that is, per node until when it was heard (rules N1, N2). Reads take no lock; thread-safe.
class near_sources {
 public:
  near_sources() : slots_(new slot_source[slot_count]) {}

  /// `id` answered a heartbeat that was good until `until`.
  void heard(const std::string& id, time_point until);

  /// `id` answered as owner of `slot` in the term `epoch`; later routing changes end that.
  void accept(std::uint16_t slot, std::uint64_t epoch, const std::string& id);

  /// The node that the slot's near copies came from no longer owns it.
  void end(std::uint16_t slot) noexcept { slots_[slot].epoch.store(0, std::memory_order_release); }

  bool is_live(std::uint16_t slot, std::uint64_t epoch, time_point now) const noexcept {
    const auto& of = slots_[slot];
    return of.epoch.load(std::memory_order_acquire) == epoch &&
           now.time_since_epoch().count() <
               until_[of.source.load(std::memory_order_relaxed)].load(std::memory_order_relaxed);
  }

 private:
  struct slot_source {
    std::atomic<std::uint64_t> epoch{0};
    std::atomic<std::uint16_t> source{0};
  };

  static constexpr std::size_t max_sources = 512;

  std::uint16_t index_of(const std::string& id);

  std::unique_ptr<slot_source[]> slots_;
  std::array<std::atomic<steady_duration::rep>, max_sources> until_{};
  std::mutex mutex_;
  std::map<std::string, std::uint16_t> indices_;
};

}  // namespace weir
