#pragma once

#include <weir/engine/membership.hpp>
#include <weir/engine/peer.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace weir {

class keyspace_core;

/// The keyspaces of one node, as the agreement and the members see them; the engine implements it.
/// Thread-safe. Takes only the locks of the set and of each keyspace's shards and makes no other
/// calls, so the agreement and the member table may call it under their locks.
class keyspace_set {
 public:
  virtual ~keyspace_set() = default;

  /// The one of that name as it is now; null = none.
  virtual std::shared_ptr<keyspace_core> find(std::string_view name) const = 0;

  /// Another node changed a key, `on_the_way` ago at most: drops the copy of it (R3).
  virtual void apply_record(const change_record& record, milliseconds on_the_way) = 0;

  /// The lease was lost: drops everything.
  virtual void drop_all() = 0;

  /// Records were missed: drops what was loaded before now (R5).
  virtual void distrust_all() = 0;

  /// Slots are about to come to this node; its near copies of their keys are of the term before.
  virtual void terms_begin(std::uint32_t gain) = 0;

  /// What the other nodes should have in common with this one, sorted by name.
  virtual keyspace_settings_list settings() const = 0;
};

}  // namespace weir
