#pragma once

#include "postgres/pg_result.hpp"

#include <weir/keyspaces/make_sources.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// What a source does to a database. Conditional writes are statements of their own: an upsert with
/// a condition would insert where the row is gone.
enum class pg_act : std::uint8_t { load, create, update, put, erase, erase_if };

/// One statement. $1 is the key, of a load an array of keys; $2 the value, $3 the revision that the
/// row must have, $4 a new one at random.
struct pg_statement {
  std::string sql = {};             ///< empty: the source does not do that
  std::vector<Oid> types = {};      ///< of parameters of which the statement does not tell
  std::string name = {};            ///< "query", "create", ...: for words
  bool takes_no_key_twice = false;  ///< a plain insert: a unique violation is a key that is there
};

using pg_statements = std::array<pg_statement, 6>;

constexpr std::size_t number_of(pg_act act) noexcept {
  return static_cast<std::size_t>(act);
}

inline const pg_statement& statement_of(const pg_statements& all, pg_act act) {
  return all[number_of(act)];
}

/// Those of the options: written for the table, or as given. Each row of a load is key, value and
/// where there is one the revision.
pg_statements pg_statements_of(const postgres_source_options& options);

/// The load with columns of types that need no decoding: text or bytea. A fourth one is the size of
/// the value, which is NULL itself when it is over `max_value`; a fifth one "true" when the value is
/// of another type by now. `columns` are the types that the load has by itself.
std::string pg_bounded_load(
    const std::string& load, const std::vector<Oid>& columns, std::size_t max_value
);

}  // namespace weir
