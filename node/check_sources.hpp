#pragma once

#include <weir/config/load.hpp>
#include <weir/engine/api.hpp>

#include <cstdint>

namespace weir WEIR_API {

struct postgres_source_options;
struct sqlite_source_options;

/// Whether hosts of http sources are asked for by name, which may take seconds.
enum class look_up : std::uint8_t { names, nothing };

/// Tries the source of each keyspace of a configuration as `weir serve` opens it, but read-only, and
/// adds what is wrong to its problems, each at its place; then there are no settings any more. Binds
/// nothing and runs no statement. A database that is locked gives a warning.
void check_sources(config::load_result& loaded, look_up how);

sqlite_source_options sqlite_options_from(
    const config::sqlite_source& from, const config::keyspace_settings& keyspace
);
postgres_source_options postgres_options_from(
    const config::postgres_source& from, const config::keyspace_settings& keyspace
);

}  // namespace weir
