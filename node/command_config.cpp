// weir config check, show, schema
#include "commands.hpp"

#include <weir/config/load.hpp>
#include <weir/config/print.hpp>

#include <ostream>

namespace weir {

exit_code run_config_check(const command_line& line, const console& to) {
  const auto loaded =
      config::load({.files = line.files, .sets = line.sets}, config::process_outside());
  to.err << config::format_problems(loaded.problems);
  if (!loaded.settings) return exit_code::bad_configuration;
  to.out << "ok: " << loaded.settings->keyspaces.size() << " keyspaces, cluster "
         << loaded.settings->cluster << '\n';
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
