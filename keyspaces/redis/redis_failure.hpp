#pragma once

#include <weir/engine/errc.hpp>
#include <weir/transport/resp_connection.hpp>

#include <string>

namespace weir {

/// What Redis said, and where it helps what to do about it.
std::string redis_words(const std::string& said);

/// What a load is of which Redis answered so, and one that came to nothing.
errc redis_load_error(const std::string& said) noexcept;
errc redis_load_error(const resp_fault& fault) noexcept;

/// What a write is of which Redis answered so: what is not known to mean that nothing was written is
/// errc::unknown_outcome, as a proxy may have said it.
errc redis_write_error(const std::string& said) noexcept;
errc redis_write_error(const resp_fault& fault) noexcept;

}  // namespace weir
