#pragma once

#include <weir/config/problem.hpp>
#include <weir/config/settings.hpp>
#include <weir/engine/api.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir WEIR_API {
namespace config {

/// Why a file cannot be read, as the end of a sentence that begins with its name.
struct unreadable {
  std::string reason;
};

/// Everything load() asks the world, passed in so that tests need no process environment.
struct outside {
  /// Value of an environment variable; nullopt when it is not set.
  std::function<std::optional<std::string>(std::string_view name)> variable;
  /// Content of a file of at most `max_bytes`, or why it cannot be had ("is a directory").
  std::function<
      std::variant<std::string, unreadable>(const std::string& path, std::size_t max_bytes)>
      file;
};

/// The process environment and the file system. Reads regular files only: a directory, a FIFO or a
/// device is refused without blocking, a file over the limit without reading it.
outside process_outside();

/// What to load; later files win over earlier ones, `sets` over files.
struct load_request {
  /// Paths of YAML files, read through outside::file, at most 1 MiB each. Maps are merged key by
  /// key, keyspaces by name, lists are replaced.
  std::vector<std::string> files;
  /// `path=value`, as after `--set`: `node.id=n2`, `keyspaces[0].ttl=5s`, `keyspaces.users.ttl=5s`.
  std::vector<std::string> sets;
};

/// Where the source of one keyspace stands: errors without a text, for what only opening it tells.
struct source_place {
  problem whole;
  std::map<std::string, problem, std::less<>> fields;  ///< of its keys, such as `path`
};

/// Settings, or all problems. Warnings may stand beside settings.
struct load_result {
  /// Present when no problem is an error.
  std::optional<config::settings> settings;
  /// By source in the order given, then by line and column.
  std::vector<problem> problems;
  /// One for each of the settings' keyspaces; empty without settings.
  std::vector<source_place> sources;
};

/// Reads, merges and checks a configuration; reports every mistake of all files in one run.
///
/// Never throws on bad input, blocks only in outside::file. Keeps nothing of `world`.
load_result load(const load_request& request, const outside& world);

/// The same for one text that is already in memory; `name` stands in the problems.
load_result load_text(
    std::string_view name,
    std::string_view text,
    const std::vector<std::string>& sets,
    const outside& world
);

}  // namespace config
}  // namespace weir
