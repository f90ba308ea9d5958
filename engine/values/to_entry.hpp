#pragma once

#include <weir/engine/entry.hpp>
#include <weir/engine/error.hpp>

#include <utility>

namespace weir {

/// An answer for a caller to whom an absent key is the error `not_found`.
inline result<entry> to_entry(result<lookup> found) {
  if (!found) return found.error();
  if (!found->found) return errc::not_found;
  return std::move(found->entry);
}

}  // namespace weir
