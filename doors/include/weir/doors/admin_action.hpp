#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/errc.hpp>

#include <functional>
#include <optional>
#include <string>

namespace weir WEIR_API {

/// How something that an operator asked the program for has ended.
struct admin_outcome {
  std::optional<errc> failed;  ///< nothing = done
  std::string detail;          ///< what was done, or why nothing was
};

/// Starts it, without blocking, and calls the completion once, on any thread.
using admin_action = std::function<void(completion<admin_outcome>)>;

}  // namespace weir
