#pragma once

#include <weir/engine/api.hpp>

#include <string>
#include <string_view>

namespace weir WEIR_API {
namespace config {

/// The one of `candidates` (separated by `|`) that `word` probably meant; "" when none is close.
std::string closest(std::string_view word, std::string_view candidates);

}  // namespace config
}  // namespace weir
