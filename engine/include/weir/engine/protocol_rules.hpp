#pragma once

namespace weir {

/// The rules that make the promises hold, one switch each. All on in the product.
///
/// The simulator turns one off at a time to prove that it is needed; nothing else may.
struct protocol_rules {
  bool fence_at_load_end = true;      ///< R2: a load that was overtaken is not kept
  bool leave_overtaken_flights = true;  ///< R1: nobody joins a flight that was overtaken
  bool fence_on_eviction = true;      ///< R4
  bool floor_on_clear = true;         ///< R5
  bool new_epoch_per_term = true;     ///< R8
};

}  // namespace weir
