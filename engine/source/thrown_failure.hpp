#pragma once

#include <weir/engine/data_source.hpp>

#include <exception>

namespace weir {

/// The error for the exception that is being handled; its words go to the remark.
inline errc thrown_failure(const load_context& context) {
  try {
    throw;
  } catch (const std::exception& thrown) {
    context.say(thrown.what());
  } catch (...) {
    context.say("the source threw something that is no std::exception");
  }
  return errc::source_failed;
}

}  // namespace weir
