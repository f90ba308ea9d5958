// The SQL that makes a table tell of its changes. Installed by its owner, never by weir.

#include "postgres/pg_types.hpp"

#include <weir/keyspaces/make_sources.hpp>

namespace weir {
namespace {

// A payload of 8,000 bytes or more is an error that would end the writer's transaction.
constexpr const char* longest_payload = "7999";

std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

std::string tell(const std::string& channel, const std::string& payload) {
  return "pg_notify(" + channel + ", CASE WHEN octet_length(" + payload +
         ") <= " + longest_payload + " THEN " + payload + " ELSE '' END);\n";
}

}  // namespace

std::string postgres_triggers(const postgres_source_options& options) {
  check(options);
  if (!options.table || options.listen.empty())
    throw std::invalid_argument("postgres triggers need a table and a channel to listen on");
  const auto& table = *options.table;
  const auto on = pg_identifier(table.name);
  const auto channel = in_quotes(options.listen, '\'');
  const auto name = [&](const char* part) {
    return in_quotes("weir_" + options.listen + part, '"');
  };
  const auto key = in_quotes(table.key, '"');
  const auto text_of = [&](const std::string& row) { return row + '.' + key + "::text"; };
  auto after = text_of("NEW");
  if (!table.revision.empty()) {
    const auto revision = table.revision == "xmin" ? "xmin" : in_quotes(table.revision, '"');
    after += " || chr(31) || NEW." + revision + "::text";
  }
  return "-- " + table.name + " tells on the channel " + options.listen +
         " which keys have changed. Run it as the owner of the table.\n"
         "BEGIN;\n"
         "CREATE OR REPLACE FUNCTION " +
         name("_row") +
         "() RETURNS trigger LANGUAGE plpgsql AS $weir$\n"
         "BEGIN\n"
         "  IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND OLD." +
         key + " IS DISTINCT FROM NEW." + key +
         ") THEN\n"
         "    PERFORM " +
         tell(channel, text_of("OLD")) +
         "  END IF;\n"
         "  IF TG_OP <> 'DELETE' THEN\n"
         "    PERFORM " +
         tell(channel, after) +
         "  END IF;\n"
         "  RETURN NULL;\n"
         "END $weir$;\n"
         "CREATE OR REPLACE FUNCTION " +
         name("_all") +
         "() RETURNS trigger LANGUAGE plpgsql AS $weir$\n"
         "BEGIN\n"
         "  PERFORM pg_notify(" +
         channel +
         ", '');\n"
         "  RETURN NULL;\n"
         "END $weir$;\n"
         "CREATE OR REPLACE TRIGGER " +
         name("_row") + " AFTER INSERT OR UPDATE OR DELETE ON " + on +
         "\n  FOR EACH ROW EXECUTE FUNCTION " + name("_row") +
         "();\n"
         "CREATE OR REPLACE TRIGGER " +
         name("_all") + " AFTER TRUNCATE ON " + on + "\n  FOR EACH STATEMENT EXECUTE FUNCTION " +
         name("_all") +
         "();\n"
         "COMMIT;\n";
}

}  // namespace weir
