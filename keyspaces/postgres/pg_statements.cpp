#include "postgres/pg_statements.hpp"

#include "postgres/pg_types.hpp"

namespace weir {
namespace {

const std::vector<Oid> no_value{0, pg_text_type};
const std::vector<Oid> no_revision{0, 0, pg_text_type};

/// The statements of a table. `row` is the row as it is, `excluded` as the insert wants it.
class table_writer {
 public:
  explicit table_writer(const postgres_table& of)
      : has_revision_(!of.revision.empty()),
        own_revision_(has_revision_ && of.revision != "xmin"),
        table_(pg_identifier(of.name)),
        key_(column(of.key)),
        value_(column(of.value)),
        revision_(own_revision_ ? column(of.revision) : "xmin") {}

  pg_statement load() const {
    const auto columns = key_ + ", " + value_ + (has_revision_ ? ", " + revision_ : "");
    return {"SELECT " + columns + " FROM " + table_ + " WHERE " + key_ + " = ANY($1)", {}, "query"};
  }

  /// A NULL counts as absent.
  pg_statement create() const {
    return {insert() + " AND row." + value_ + " IS NULL" + returning(), no_revision, "create"};
  }

  pg_statement put() const { return {insert() + returning(), no_revision, "put"}; }

  pg_statement update() const {
    const auto change = value_ + " = $2" + (own_revision_ ? ", " + revision_ + " = $4" : "");
    return {
        "UPDATE " + table_ + " AS row SET " + change + row_of_key() + unchanged() + returning(),
        {},
        "update"};
  }

  pg_statement erase() const {
    return {"DELETE FROM " + table_ + " AS row" + row_of_key(), no_value, "delete"};
  }

  pg_statement erase_if() const {
    return {"DELETE FROM " + table_ + " AS row" + row_of_key() + unchanged(), no_value, "delete"};
  }

 private:
  static std::string column(const std::string& name) {
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
    return quoted + "\"";
  }

  // Where the column takes two spellings for one key, only the row's own is that key.
  std::string insert() const {
    const auto columns = key_ + ", " + value_ + (own_revision_ ? ", " + revision_ : "");
    return "INSERT INTO " + table_ + " AS row (" + columns + ") VALUES ($1, $2" +
           (own_revision_ ? ", $4" : "") + ") ON CONFLICT (" + key_ + ") DO UPDATE SET " + value_ +
           " = excluded." + value_ +
           (own_revision_ ? ", " + revision_ + " = excluded." + revision_ : "") + " WHERE row." +
           key_ + "::text COLLATE \"C\" = excluded." + key_ + "::text";
  }

  std::string row_of_key() const {
    return " WHERE row." + key_ + " = $1 AND row." + key_ + "::text COLLATE \"C\" = $1::text";
  }

  std::string unchanged() const {
    return " AND row." + revision_ + "::text = $3 AND row." + value_ + " IS NOT NULL";
  }

  std::string returning() const {
    return has_revision_ ? " RETURNING row." + revision_ + "::text" : "";
  }

  const bool has_revision_, own_revision_;
  const std::string table_, key_, value_, revision_;
};

pg_statements of_table(const postgres_table& table) {
  const table_writer writer(table);
  pg_statements all{writer.load(), {}, {}, writer.put(), writer.erase(), {}};
  if (table.revision.empty()) return all;
  all[number_of(pg_act::create)] = writer.create();
  all[number_of(pg_act::update)] = writer.update();
  all[number_of(pg_act::erase_if)] = writer.erase_if();
  return all;
}

/// Without the semicolon at the end, as it may become a part of another one.
std::string bare(std::string sql) {
  while (!sql.empty() && std::string_view("; \t\r\n").find(sql.back()) != std::string_view::npos)
    sql.pop_back();
  return sql;
}

std::vector<Oid> types_of_insert(const std::string& sql) {
  const bool skips_revision = sql.find("$4") != sql.npos && sql.find("$3") == sql.npos;
  return skips_revision ? no_revision : std::vector<Oid>{};
}

/// With an ON CONFLICT of its own a statement has dealt with the key; what is then not unique is
/// another column.
bool is_plain_insert(const std::string& sql) {
  return sql.find("CONFLICT") == sql.npos && sql.find("conflict") == sql.npos;
}

std::vector<Oid> types_of_keys(pg_key_type key) {
  switch (key) {
    case pg_key_type::text:
      return {pg_text_array_type};
    case pg_key_type::bytea:
      return {pg_bytea_array_type};
    case pg_key_type::as_stated:
      break;
  }
  return {};
}

}  // namespace

pg_statements pg_statements_of(const postgres_source_options& options) {
  if (options.table) return of_table(*options.table);
  const auto erase = bare(options.erase);
  const auto create = bare(options.create);
  const auto put = bare(options.put);
  const bool has_tags = !options.update.empty();
  return {
      pg_statement{bare(options.query), types_of_keys(options.key), "query"},
      pg_statement{create, types_of_insert(create), "create", is_plain_insert(create)},
      pg_statement{bare(options.update), {}, "update"},
      pg_statement{put, types_of_insert(put), "put"},
      pg_statement{erase, no_value, "delete"},
      pg_statement{has_tags ? erase : std::string(), no_value, "delete"},
  };
}

std::string pg_bounded_load(
    const std::string& load, const std::vector<Oid>& columns, std::size_t max_value
) {
  const auto plain = [&](std::size_t i, const char* name) {
    const bool is_bytes = columns[i] == pg_bytea_type;
    return std::string("own.") + name + (is_bytes ? "" : "::text");
  };
  const auto value = plain(1, "v");
  const auto revision = columns.size() > 2 ? std::string("own.r::text") : std::string("NULL::text");
  const std::string names = columns.size() > 2 ? "(k, v, r)" : "(k, v)";
  const auto changed = "pg_typeof(own.v)::oid <> " + std::to_string(columns[1]);
  return "SELECT k, CASE WHEN size <= " + std::to_string(max_value) +
         " THEN v END, r, size::text, changed::text FROM (SELECT " + plain(0, "k") + " AS k, " +
         value + " AS v, " + revision + " AS r, octet_length(" + value + ") AS size, " + changed +
         " AS changed FROM (" + load + "\n) AS own" + names + ") AS bounded";
}

}  // namespace weir
