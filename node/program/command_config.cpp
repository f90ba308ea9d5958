// weir config check, show, schema
#include "check_sources.hpp"
#include "program/commands.hpp"

#include <weir/config/load.hpp>
#include <weir/config/print.hpp>

#include <ostream>

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

exit_code run_config_schema(const console& to) {
  to.out << config::schema_json();
  return exit_code::ok;
}

}  // namespace weir
