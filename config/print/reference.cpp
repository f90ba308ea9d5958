#include "print/reference_notes.hpp"
#include "table/table.hpp"

#include <weir/config/print.hpp>

#include <string>

namespace weir::config {

namespace {

constexpr std::string_view introduction = R"(# Configuration

<!-- Printed from the table in config/table*.cpp; change it there. `weir_config_pages` writes this page. -->

A node reads YAML: `weir serve -c weir.yaml`. The smallest useful file is

```yaml
keyspaces: [{name: users, source: {type: http, url: "http://127.0.0.1:9000/users/{key}"}}]
```

`weir config check FILE` checks a file without starting anything; with `--open` it opens the sources too, read-only,
prepares their statements and looks up the names of hosts, so that it says what `weir serve` would. `weir config show
FILE` prints it with every default filled in, and `weir config schema` prints the JSON Schema for editors
(`config/weir.schema.json`).
`config/samples/` holds complete files.

## Strictness

Every mistake of all files is reported in one run, and nothing is started (exit code 3):

    weir.yaml:41:7: error: keyspaces[1] ("products"): unknown key "tll"
       41 |       tll: 30s
          |       ^^^ did you mean "ttl"?

Refused are unknown and duplicate keys, wrong types, empty values and `null`, anchors, aliases, tags and `<<` (settings
that keyspaces share belong into `defaults`), a second document, invalid UTF-8, nesting deeper than 32, more than
100,000 values, and files over 1 MiB. Booleans are `true` and `false` only. A file must be a regular file.

## Forms

| form | examples | remarks |
|---|---|---|
| duration | `250ms` `30s` `1h30m` `7d` `0` | always with unit, except 0; units d, h, m, s, ms |
| size | `64MiB` `64MB` `512B` `0` | binary (KiB, MiB, GiB, TiB) or decimal (KB, MB, GB, TB), whole numbers |
| ratio | `10%` `0.1` | |
| address | `host:port` `"127.0.0.1:7421"` `"[::]:7420"` `":7420"` | port 1 to 65535; 0 in `listen` = any free port; no IPv6 zones |
| peer | `"n1=10.0.0.1:7420"` | node id and address |
| secret | `{env: NAME}` `{file: path}` or text | masked wherever it is shown |

Paths of files are relative to the working directory.

## Variables

`${VAR}` is replaced inside values, after the YAML is parsed, so that a value never becomes structure. It must be set.
`${VAR:-default}` has a default for an unset or empty variable, `${VAR:?message}` an error message, and `$${` stands
for `${`. What a variable contains is not searched for variables again. Keys are never replaced.

## Several files and `--set`

Later `-c` files win over earlier ones: maps are merged key by key, keyspaces by `name`, lists are replaced. A `source`
of another type replaces the whole source. `--set path=value` wins over all files: `--set node.id=n2`,
`--set keyspaces.users.ttl=5s`, `--set keyspaces[0].ttl=5s`, `--set 'discovery.static.peers=["n1=10.0.0.1:7420"]'`.
Errors name the option.

## Reload

A reload applies rows marked *live* to the running node, keyspaces that come or go included. If a row marked *restart*
differs, nothing is applied and the rows are named. Entries stay where `source`, `max_entry` and `consistency` stay; see
[Signals](cli.md#signals).
)";

std::string_view type_name(kind type) {
  switch (type) {
    case kind::text:
      return "text";
    case kind::boolean:
      return "true, false";
    case kind::integer:
      return "whole number";
    case kind::number:
      return "number";
    case kind::ratio:
      return "ratio";
    case kind::duration:
      return "duration";
    case kind::size:
      return "size";
    case kind::address:
      return "address";
    case kind::choice:
      return "word";
    case kind::list:
    case kind::tokens:
      return "list of maps";
    case kind::peers:
      return "list of peers";
    case kind::servers:
      return "list of addresses";
    case kind::texts:
      return "list of texts";
    case kind::secret:
      return "text or secret";
    case kind::headers:
      return "map of name to text or secret";
    default:
      return "map";
  }
}

constexpr std::string_view sqlite_text = R"(
The key is bound as text, and a column of numbers converts it: on `id INTEGER` the keys `42`, `042`, `42.0` and ` 42 `
find one row, but are different keys to weir, and invalidating one leaves the others. Where clients may write the key in
several ways, compare text: `WHERE CAST(id AS TEXT) = ?1`, with an index on that expression.

A lock of another process is waited for as long as the load may take (`loads.timeout`), or as long as a PUT has time;
then the answer is `overloaded`, and its reason names the file. A database that is locked when the node starts is looked
at by the first load. One in WAL mode needs a folder that can be written, also to be read.

The file may be replaced while weir runs, by another of that name or by one written over it (`cp`, `cat >`,
`rsync --inplace`): the next load opens it anew, and so does the next PUT, before it writes. Invalidate the keys
afterwards, or `clear`: what is kept is kept. Two things cannot be made safe, for no program that uses SQLite: writing
over the file in the very moment in which somebody commits, and replacing a database in WAL mode whose `-wal` file still
holds changes of the former one; take `sqlite3 live.db ".restore new.db"` for both. On a network file system the
replacement shows when its attribute cache allows.

A store, for `CREATE TABLE users (id TEXT PRIMARY KEY, json TEXT, revision INTEGER NOT NULL)`:

```yaml
keyspaces:
  - name: users
    writes: allow
    source:
      type: sqlite
      path: users.db
      query: SELECT json, revision FROM users WHERE id = ?1
      put: >-
        INSERT INTO users (id, json, revision) VALUES (?1, ?2, random())
        ON CONFLICT (id) DO UPDATE SET json = excluded.json, revision = excluded.revision
        WHERE revision = ?3
      delete: DELETE FROM users WHERE id = ?1 AND revision = ?3
```

The same statements work in the `sqlite3` shell:

    sqlite> .parameter set ?1 "'42'"
    sqlite> .parameter set ?2 "'{}'"
    sqlite> .parameter set ?3 null
    sqlite> INSERT INTO users (id, json, revision) VALUES (?1, ?2, random())
       ...> ON CONFLICT (id) DO UPDATE SET json = excluded.json, revision = excluded.revision WHERE revision = ?3;

weir reads the row's revision, judges the condition itself, runs the statement with that revision as `?3`, reads the new
one and commits: one transaction. So `?3` may be left out; comparing it costs nothing and guards the statement where
others use it too. The revision, an integer or a text, is the store's etag. Every write must give the row one that it
never had, also after it was deleted: `random()`, not a counter in the row. Programs that write beside weir must do so
too, and invalidate the key. A put that leaves the revision as it was is undone and fails with `source_failed`; what a
constraint of the table refuses is `bad_request`, also a `UNIQUE` one. The key is bound as text, the value as text
where it is UTF-8, else as a blob. Without a column for the revision there are puts and removes, but none with a
condition, and no `update()`.
)";

constexpr std::string_view postgres_text = R"(
Either `table` or `query` and the statements that write. What is atomic, what an outage does and the limits are in
[sources.md](sources.md).
)";

constexpr std::string_view redis_text = R"(
What is atomic, what an outage does and the limits are in [sources.md](sources.md).
)";

constexpr std::string_view file_text = R"(
A file that changed less than 2 s ago may still be half written: it is answered, but kept only until it is 2 s old. Write
a new file and rename it, and no half is ever read.
)";

std::string code(std::string_view text) {
  return text.empty() ? "" : "`" + std::string(text) + "`";
}

std::string range_of(const field& row) {
  if (row.type == kind::choice) {
    std::string words;
    for (std::string_view rest = row.choices; !rest.empty();) {
      const std::string_view word = rest.substr(0, rest.find('|'));
      rest.remove_prefix(std::min(rest.size(), word.size() + 1));
      words += (words.empty() ? "" : ", ") + code(word);
    }
    return words;
  }
  if (row.high.empty()) return "";
  std::string range = row.low.empty() ? "to " + std::string(row.high)
                                      : std::string(row.low) + " to " + std::string(row.high);
  if (row.type == kind::text) range += row.charset.empty() ? " bytes" : " of " + code(row.charset);
  if (row.type == kind::list || row.type == kind::peers || row.type == kind::servers ||
      row.type == kind::texts || row.type == kind::tokens)
    range += " items";
  return range;
}

std::string default_of(const field& row) {
  if (row.needed == presence::required) return "required";
  return code(row.fallback);
}

void table_of(const shape& rows, std::string& out) {
  out += "| key | type | default | range | reload | |\n|---|---|---|---|---|---|\n";
  for (const auto& row : rows.fields) {
    if (!rows.has(row)) continue;
    out += "| " + code(row.name) + " | " + std::string(type_name(row.type)) + " | " +
           default_of(row) + " | " + range_of(row) + " | " +
           (row.when == reload::live ? "live" : "restart") + " | " + std::string(row.text) + " |\n";
  }
}

void later_of(const shape& rows, std::string& out) {
  if (rows.unavailable.empty()) return;
  out += "\nRefused by name, as not available in this version:";
  for (const auto& each : rows.unavailable) {
    out += (&each == &rows.unavailable.front() ? " " : ", ") + code(each.name);
  }
  out += ".\n";
}

void section(const shape& rows, const std::string& path, std::string& out) {
  out += "\n## " + (path.empty() ? std::string("Top level") : code(path)) + "\n\n";
  table_of(rows, out);
  later_of(rows, out);
  for (const auto& row : rows.fields) {
    if (!rows.has(row)) continue;
    const std::string below = (path.empty() ? "" : path + ".") + std::string(row.name) +
                              (row.type == kind::list ? "[]" : "");
    if (row.name == "defaults") {
      out += "\n## `defaults`\n\nTakes, for all keyspaces:";
      for (const auto& each : row.rows->fields) {
        if (row.rows->has(each)) out += " " + code(each.name);
      }
      out += ".\n";
      continue;
    }
    if (row.rows != nullptr) section(*row.rows, below, out);
    for (const auto& each : row.alternatives) {
      out += "\n## " + code(below + ": {type: " + std::string(each.type) + "}") + "\n\n" +
             std::string(each.text) + "\n\n";
      table_of(*each.rows, out);
      later_of(*each.rows, out);
      for (const auto& inner : each.rows->fields) {
        if (inner.rows == nullptr) continue;
        out += "\nKeys of " + code(inner.name) + ":\n\n";
        table_of(*inner.rows, out);
      }
      if (each.type == "http") out += http_note();
      if (each.type == "sqlite") out += sqlite_text;
      if (each.type == "postgres") out += postgres_text;
      if (each.type == "redis") out += redis_text;
      if (each.type == "file") out += file_text;
    }
  }
}

}  // namespace

std::string reference_markdown() {
  std::string out(introduction);
  section(settings_shape(), "", out);
  return out;
}

}  // namespace weir::config
