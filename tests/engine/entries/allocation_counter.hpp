#pragma once

#include <cstddef>

namespace weir::test {

/// Calls of operator new so far, by all threads of this test program.
std::size_t allocation_count() noexcept;

}  // namespace weir::test
