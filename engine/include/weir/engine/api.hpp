#pragma once

#if __cplusplus < 202002L
#error "weir needs C++20: compile with -std=c++20 or later"
#endif

/// On the namespace of every public header: what it declares is seen outside of a shared library.
/// Everything else is hidden.
#define WEIR_API __attribute__((visibility("default")))

// Standard containers have another layout with _GLIBCXX_DEBUG, and a program that differs from the
// library in it would link and read nonsense. So every file of a program asks for the one of these
// two that the library has if it was compiled alike; the linker's message names the other.
namespace weir::abi {

#ifdef _GLIBCXX_DEBUG
extern const char library_was_built_with_GLIBCXX_DEBUG WEIR_API;
[[gnu::used]] inline const char* const needed_with_debug = &library_was_built_with_GLIBCXX_DEBUG;
#else
// NOLINTNEXTLINE(readability-identifier-naming): the linker's message names the macro
extern const char library_was_built_without_GLIBCXX_DEBUG WEIR_API;
[[gnu::used]] inline const char* const needed_without_debug =
    &library_was_built_without_GLIBCXX_DEBUG;
#endif

}  // namespace weir::abi
