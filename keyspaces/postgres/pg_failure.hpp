#pragma once

#include "postgres/pg_result.hpp"
#include "postgres/pg_statements.hpp"

#include <weir/engine/errc.hpp>

namespace weir {

/// What a load that failed so is.
errc pg_load_error(const pg_fault& fault) noexcept;

/// What a write is of which the server said no. What is not known to mean that nothing was written
/// is errc::unknown_outcome.
errc pg_write_error(const pg_fault& refused, const pg_statement& of) noexcept;

/// The server does not take a key as one: a source that has no such key.
bool is_key_fault(const pg_fault& fault) noexcept;

}  // namespace weir
