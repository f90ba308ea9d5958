#include "decode/decode.hpp"

#include "text/text.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::config {

namespace {

constexpr const char* smallest_keyspaces =
    "[{name: users, source: {type: http, url: \"http://127.0.0.1:9000/users/{key}\"}}]";

/// A type with its article and an example, for messages.
std::string_view expectation(const field& row) {
  switch (row.type) {
    case kind::boolean:
      return "true or false";
    case kind::integer:
      return "a whole number";
    case kind::number:
      return "a number";
    case kind::ratio:
      return "a ratio such as 10%";
    case kind::duration:
      return "a duration such as 30s";
    case kind::size:
      return "a size such as 64MiB";
    case kind::address:
      return "an address such as 127.0.0.1:7420";
    case kind::choice:
      return "a word";
    case kind::text:
      return "text";
    case kind::list:
    case kind::peers:
    case kind::servers:
    case kind::texts:
    case kind::tokens:
      return "a list";
    default:
      return "a map";
  }
}

bool is_number(kind type) {
  return type == kind::boolean || type == kind::integer || type == kind::number;
}

/// Every name that could stand in `rows`, separated by `|`.
std::string names_of(const shape& rows) {
  std::string names;
  for (const auto& each : rows.fields) {
    if (rows.has(each)) names += (names.empty() ? "" : "|") + std::string(each.name);
  }
  return names;
}

/// "; known here: static, dns" where the keys are few, else nothing.
std::string known_here(const shape& rows) {
  constexpr std::ptrdiff_t most = 6;
  auto names = names_of(rows);
  if (names.empty() || std::count(names.begin(), names.end(), '|') >= most) return {};
  for (auto at = names.find('|'); at != std::string::npos; at = names.find('|', at))
    names.replace(at, 1, ", ");
  return "; known here: " + names;
}

/// The path below `rows` under which `name` is a setting; "" when there is none.
std::string find_elsewhere(const shape& rows, std::string_view name, const std::string& prefix) {
  for (const auto& each : rows.fields) {
    if (!rows.has(each)) continue;
    std::string path = (prefix.empty() ? "" : prefix + ".") + std::string(each.name);
    if (each.name == name) return path;
    if (each.rows == nullptr || each.name == "defaults") continue;
    const std::string below = path + (each.type == kind::list ? "[]" : "");
    if (auto found = find_elsewhere(*each.rows, name, below); !found.empty()) return found;
  }
  return {};
}

class decoder {
 public:
  decoder(const outside& world, reporter& problems) : world_(world), problems_(problems) {}

  void map(const shape& rows, const node& given, const place& where, void* object) {
    if (given.form == node::shape::refused) return;
    if (given.form != node::shape::map) {
      report_type(given, where, "a map", problems_);
      return;
    }
    for (const auto& each : given.members) {
      if (const field* row = rows.find(each.key)) {
        one(*row, each, where.child(each.key), object);
      } else {
        unknown(rows, each, where);
      }
    }
    for (const auto& row : rows.fields) {
      if (row.needed == presence::optional || !rows.has(row) || given.find(row.name)) continue;
      const std::string value = row.type == kind::source                        ? "{type: ...}"
                                : where.path.empty() && row.name == "keyspaces" ? smallest_keyspaces
                                                                                : "...";
      problems_.error(
          given.at,
          where,
          {quoted(row.name) + " is missing", "add " + std::string(row.name) + ": " + value}
      );
    }
  }

 private:
  void one(const field& row, const member& given, const place& where, void* object) {
    if (given.value.form == node::shape::refused) return;
    switch (row.type) {
      case kind::group:
        // A wrong type must not create an optional group.
        if (given.value.form != node::shape::map) {
          report_type(given.value, where, expectation(row), problems_);
        } else {
          map(*row.rows, given.value, where, row.member.open(object));
        }
        return;
      case kind::list:
        return keyspaces(row, given.value, where, object);
      case kind::source:
        return source(row, given.value, where, row.member.open(object));
      case kind::peers:
        return decode_peers(
            row,
            given.value,
            where,
            *static_cast<std::vector<static_peer>*>(row.member.open(object)),
            problems_
        );
      case kind::servers:
        return decode_servers(
            row,
            given.value,
            where,
            *static_cast<std::vector<address>*>(row.member.open(object)),
            problems_
        );
      case kind::texts:
        return decode_texts(
            row,
            given.value,
            where,
            *static_cast<std::vector<std::string>*>(row.member.open(object)),
            problems_
        );
      case kind::secret:
        return decode_secret(
            row,
            given.value,
            where,
            *static_cast<secret_text*>(row.member.open(object)),
            world_,
            problems_
        );
      case kind::headers:
        return decode_headers(
            row,
            given.value,
            where,
            *static_cast<std::vector<http_header>*>(row.member.open(object)),
            world_,
            problems_
        );
      case kind::tokens:
        return tokens(row, given.value, where, row.member.open(object));
      default:
        return scalar(row, given.value, where, object);
    }
  }

  void scalar(const field& row, const node& given, const place& where, void* object) {
    if (given.form != node::shape::scalar) {
      report_type(given, where, expectation(row), problems_);
      return;
    }
    if (given.quoted && !given.loose && is_number(row.type)) {
      problems_.error(
          given.at,
          where,
          {"text in quotes, expected " + std::string(expectation(row)), "write it without quotes"}
      );
      return;
    }
    if (!given.quoted && !given.loose && row.type == kind::text && looks_typed(given.text)) {
      problems_.error(
          given.at,
          where,
          {given.text + " is not text to YAML", "put it in quotes: \"" + given.text + "\""}
      );
      return;
    }
    auto decoded = decode_text(row, given.text);
    if (decoded) {
      row.member.set(object, *decoded);
    } else {
      problems_.error(given.at, where, decoded.error());
    }
  }

  void source(const field& row, const node& given, const place& where, void* object) {
    if (given.form != node::shape::map) {
      report_type(given, where, expectation(row), problems_);
      return;
    }
    std::string types;
    for (const auto& each : row.alternatives) {
      types += (types.empty() ? "" : "|") + std::string(each.type);
    }
    std::string listed = types;
    for (std::size_t at; (at = listed.find('|')) != listed.npos;) listed.replace(at, 1, ", ");
    const member* type = given.find("type");
    if (type == nullptr) {
      problems_.error(given.at, where, {"\"type\" is missing", "one of " + listed});
      return;
    }
    if (type->value.form == node::shape::refused) return;
    const auto found = std::find_if(
        row.alternatives.begin(),
        row.alternatives.end(),
        [&](const alternative& each) { return each.type == type->value.text; }
    );
    if (found == row.alternatives.end()) {
      const std::string near = closest(type->value.text, types);
      problems_.error(
          type->value.at,
          where.child("type"),
          {quoted(type->value.text) + " is not a type of source",
           near.empty() ? "one of " + listed : "did you mean " + quoted(near) + "?"}
      );
      return;
    }
    node rest = given;
    std::erase_if(rest.members, [](const member& each) { return each.key == "type"; });
    map(*found->rows, rest, where, found->open(object));
  }

  void keyspaces(const field& row, const node& given, const place& where, void* object) {
    if (given.form != node::shape::list) {
      report_type(given, where, "a list", problems_);
      return;
    }
    const auto most = static_cast<std::size_t>(*parse_integer(row.high));
    if (given.items.empty() || given.items.size() > most) {
      problems_.error(
          given.at,
          where,
          {given.items.empty() ? "the list is empty"
                               : "more than " + std::to_string(most) + " items",
           given.items.empty() ? "add at least one keyspace" : ""}
      );
      return;
    }
    auto& root = *static_cast<settings*>(object);
    for (std::size_t i = 0; i < given.items.size(); ++i) {
      place each = where.item(i);
      const member* name = given.items[i].find("name");
      if (name != nullptr && name->value.form == node::shape::scalar) {
        each.label = each.path + " (" + quoted(name->value.text) + ")";
      }
      keyspace_settings decoded = root.defaults;
      map(*row.rows, given.items[i], each, &decoded);
      root.keyspaces.push_back(std::move(decoded));
    }
  }

  void tokens(const field& row, const node& given, const place& where, void* member) {
    if (given.form != node::shape::list) return report_type(given, where, "a list", problems_);
    if (given.items.size() > *parse_integer(row.high)) {
      problems_.error(given.at, where, {"more than " + std::string(row.high) + " tokens", ""});
      return;
    }
    auto& all = *static_cast<std::vector<token_settings>*>(member);
    for (std::size_t i = 0; i < given.items.size(); ++i) {
      token_settings decoded;
      map(*row.rows, given.items[i], where.item(i), &decoded);
      all.push_back(std::move(decoded));
    }
  }

  void unknown(const shape& rows, const member& given, const place& where) {
    for (const auto& each : rows.unavailable) {
      if (each.name != given.key) continue;
      problems_.error(
          given.at, where, {quoted(given.key) + " " + std::string(each.text), "remove it"}
      );
      return;
    }
    std::string hint;
    if (const auto near = closest(given.key, names_of(rows)); !near.empty()) {
      hint = "did you mean " + quoted(near) + "?";
    } else if (const auto path = find_elsewhere(settings_shape(), given.key, ""); !path.empty()) {
      hint = "it belongs to " + path;
    } else {
      hint = "remove it" + known_here(rows);
    }
    problems_.error(given.at, where, {"unknown key " + quoted(given.key), std::move(hint)});
  }

  const outside& world_;
  reporter& problems_;
};

}  // namespace

void report_type(
    const node& given, const place& where, std::string_view expected, reporter& problems
) {
  if (given.form == node::shape::refused) return;
  const std::string found =
      given.form == node::shape::scalar ? quoted(given.text) : std::string(describe(given));
  problems.error(given.at, where, {"expected " + std::string(expected) + ", found " + found, ""});
}

settings decode(const node& root, const outside& world, reporter& problems) {
  settings decoded;
  decoder work(world, problems);
  // `defaults` first, as each keyspace starts as a copy of it, wherever it stands in the file.
  node ordered = root;
  std::stable_partition(ordered.members.begin(), ordered.members.end(), [](const member& each) {
    return each.key == "defaults";
  });
  work.map(settings_shape(), ordered, {}, &decoded);
  return decoded;
}

}  // namespace weir::config
