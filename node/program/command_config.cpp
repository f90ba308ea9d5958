// weir config check, show, schema, sql
#include "check_sources.hpp"
#include "program/commands.hpp"

#include <weir/config/load.hpp>
#include <weir/config/print.hpp>
#include <weir/keyspaces/make_sources.hpp>

#include <algorithm>
#include <ostream>
#include <variant>

namespace weir {

std::string summary_of(const config::settings& valid) {
  const auto count = valid.keyspaces.size();
  return "ok: " + std::to_string(count) + (count == 1 ? " keyspace" : " keyspaces") + ", cluster " +
         valid.cluster + '\n';
}

exit_code run_config_check(const command_line& line, const console& to) {
  auto loaded = config::load({.files = line.files, .sets = line.sets}, config::process_outside());
  if (line.opens) check_sources(loaded, look_up::names);
  to.err << config::format_problems(loaded.problems);
  if (!loaded.settings) return exit_code::bad_configuration;
  to.out << summary_of(*loaded.settings);
  return exit_code::ok;
}

exit_code run_config_show(const command_line& line, const console& to) {
  const auto loaded =
      config::load({.files = line.files, .sets = line.sets}, config::process_outside());
  to.err << config::format_problems(loaded.problems);
  if (!loaded.settings) return exit_code::bad_configuration;
  to.out << config::show(*loaded.settings);
  return exit_code::ok;
}

// Asks no database: it prints what the owner of the table is to run there.
exit_code run_config_sql(const command_line& line, const console& to) {
  const auto loaded =
      config::load({.files = line.files, .sets = line.sets}, config::process_outside());
  to.err << config::format_problems(loaded.problems);
  if (!loaded.settings) return exit_code::bad_configuration;
  const auto refuse = [&](const std::string& why) {
    to.err << "weir config sql: " << why << '\n';
    return exit_code::failure;
  };
  const auto& all = loaded.settings->keyspaces;
  const auto is_it = [&](const auto& each) { return each.name == line.keyspace; };
  const auto found = std::find_if(all.begin(), all.end(), is_it);
  if (found == all.end()) return refuse("there is no keyspace \"" + line.keyspace + '"');
  const auto* source = std::get_if<config::postgres_source>(&found->source);
  if (source == nullptr || !source->changes)
    return refuse(
        "the source of \"" + line.keyspace +
        "\" has no changes.listen; only type: postgres can have it"
    );
  if (!source->table)
    return refuse(
        "\"" + line.keyspace +
        "\" has a query of its own, and weir does not know the tables behind it; docs/sources.md "
        "shows a trigger to adapt"
    );
  to.out << postgres_triggers(postgres_options_from(*source, *found));
  return exit_code::ok;
}

exit_code run_config_schema(const console& to) {
  to.out << config::schema_json();
  return exit_code::ok;
}

}  // namespace weir
