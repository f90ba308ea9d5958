#include <weir/engine/api.hpp>

namespace weir::abi {

#ifdef _GLIBCXX_DEBUG
const char library_was_built_with_GLIBCXX_DEBUG = 1;
#else
const char library_was_built_without_GLIBCXX_DEBUG = 1;
#endif

}  // namespace weir::abi
