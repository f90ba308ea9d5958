#include "yaml/merge.hpp"

#include "text/text.hpp"
#include "yaml/scalars.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace weir::config {

namespace {

/// The text of member `key` of a map; nullptr when it has none.
const std::string* text_of(const node& map, std::string_view key) {
  const member* found = map.find(key);
  return found && found->value.form == node::shape::scalar ? &found->value.text : nullptr;
}

void merge_keyspaces(node& base, node later) {
  for (auto& each : later.items) {
    const std::string* name = text_of(each, "name");
    const auto same = std::find_if(base.items.begin(), base.items.end(), [&](const node& other) {
      const std::string* other_name = text_of(other, "name");
      return name != nullptr && other_name != nullptr && *name == *other_name;
    });
    if (same == base.items.end()) {
      base.items.push_back(std::move(each));
    } else {
      merge(*same, std::move(each));
    }
  }
}

bool changes_type(const node& base, const node& later) {
  const std::string* before = text_of(base, "type");
  const std::string* after = text_of(later, "type");
  return before != nullptr && after != nullptr && *before != *after;
}

struct step {
  std::string key;
  std::optional<std::size_t> index;  ///< instead of a key
};

constexpr const char* example = "write --set path=value, such as --set node.id=n2";

/// `keyspaces[0].source.url` as steps; nullopt when malformed.
std::optional<std::vector<step>> parse_path(std::string_view path) {
  std::vector<step> steps;
  bool expect_key = true;
  while (!path.empty()) {
    if (path.front() == '[' && !expect_key) {
      const std::size_t close = path.find(']');
      const auto index = parse_integer(path.substr(1, close == path.npos ? 0 : close - 1));
      if (!index) return std::nullopt;
      steps.push_back({{}, static_cast<std::size_t>(*index)});
      path.remove_prefix(close + 1);
      continue;
    }
    if (!expect_key) {
      if (path.front() != '.') return std::nullopt;
      path.remove_prefix(1);
    }
    const std::string_view key = path.substr(0, path.find_first_of(".["));
    if (key.empty()) return std::nullopt;
    steps.push_back({std::string(key), std::nullopt});
    path.remove_prefix(key.size());
    expect_key = false;
  }
  if (steps.empty() || steps.size() > max_depth) return std::nullopt;
  return steps;
}

/// Walks to the place that an option names, creating maps on the way.
class walker {
 public:
  walker(origin at, reporter& problems) : at_(at), problems_(problems) {}

  /// nullptr after a reported problem.
  node* walk(node& root, const std::vector<step>& steps) {
    node* here = &root;
    for (const auto& each : steps) {
      here = next(*here, each);
      if (here == nullptr) return nullptr;
    }
    return here;
  }

 private:
  node* next(node& here, const step& to) {
    if (here.form == node::shape::list && (to.index || where_.path == "keyspaces")) {
      return to.index ? item(here, *to.index) : named(here, to.key);
    }
    if (to.index) {
      problems_.error(
          at_, where_, {"is not a list", "remove the [" + std::to_string(*to.index) + "]"}
      );
      return nullptr;
    }
    if (where_.path == "keyspaces") {
      problems_.error(at_, where_, {"there is no keyspace " + quoted(to.key), "add it in a file"});
      return nullptr;
    }
    where_ = where_.child(to.key);
    if (here.form != node::shape::map) {
      here = {};
      here.form = node::shape::map;
      here.at = at_;
    }
    if (member* found = here.find(to.key)) return &found->value;
    here.members.push_back({to.key, at_, {}});
    here.members.back().value.at = at_;
    return &here.members.back().value;
  }

  node* item(node& list, std::size_t index) {
    if (index >= list.items.size()) {
      const std::string size = std::to_string(list.items.size());
      problems_.error(
          at_, where_.item(index), {"the list has " + size + " items", "indexes start at 0"}
      );
      return nullptr;
    }
    where_ = where_.item(index);
    return &list.items[index];
  }

  node* named(node& list, const std::string& name) {
    std::string names;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      const std::string* found = text_of(list.items[i], "name");
      if (found == nullptr) continue;
      if (*found == name) return item(list, i);
      names += (names.empty() ? "" : "|") + *found;
    }
    const std::string near = closest(name, names);
    problems_.error(
        at_,
        where_,
        {"there is no keyspace " + quoted(name),
         near.empty() ? "add it in a file" : "did you mean " + quoted(near) + "?"}
    );
    return nullptr;
  }

  origin at_;
  reporter& problems_;
  place where_;
};

/// All of `value` gets the place of the option.
void relocate(node& value, const origin& at) {
  value.at = at;
  value.loose = true;
  for (auto& each : value.items) relocate(each, at);
  for (auto& each : value.members) {
    each.at = at;
    relocate(each.value, at);
  }
}

node parse_option_value(std::string_view text, const origin& at, reporter& problems) {
  node value;
  const bool list = text.starts_with('[') && text.ends_with(']');
  const bool map = text.starts_with('{') && text.ends_with('}');
  if (list || map) {
    reporter inner;
    value = parse_document(inner.add_file({}, text), inner);
    for (auto& each : inner.take()) {
      const place where{each.path, {}};
      problems.error(at, where, {std::move(each.text), std::move(each.hint)});
    }
  } else {
    value.form = node::shape::scalar;
    value.text = text;
  }
  relocate(value, at);
  return value;
}

}  // namespace

void merge(node& base, node later) {
  if (base.form != node::shape::map || later.form != node::shape::map) {
    base = std::move(later);
    return;
  }
  for (auto& each : later.members) {
    member* before = base.find(each.key);
    if (before == nullptr) {
      base.members.push_back(std::move(each));
      continue;
    }
    node& value = before->value;
    before->at = each.at;
    const bool lists = value.form == node::shape::list && each.value.form == node::shape::list;
    if (each.key == "keyspaces" && lists) {
      merge_keyspaces(value, std::move(each.value));
    } else if (each.key == "source" && changes_type(value, each.value)) {
      value = std::move(each.value);
    } else {
      merge(value, std::move(each.value));
    }
  }
}

void apply_set(
    node& root,
    std::string_view option,
    std::uint32_t source,
    const lookup& variable,
    reporter& problems
) {
  const origin at{source};
  const std::size_t equals = option.find('=');
  if (equals == option.npos) {
    problems.error(at, {}, {"there is no \"=\"", example});
    return;
  }
  const std::string_view text = option.substr(equals + 1);
  const auto steps = parse_path(option.substr(0, equals));
  if (!steps) {
    problems.error(at, {}, {quoted(option.substr(0, equals)) + " is not a path", example});
    return;
  }
  if (option.size() > max_file_bytes || find_invalid_utf8(option)) {
    problems.error(at, {}, {"the value is not valid UTF-8, or over 1 MiB", ""});
    return;
  }
  node value = parse_option_value(text, at, problems);
  expand(value, variable, problems);
  if (value.form == node::shape::refused) return;
  if (node* target = walker(at, problems).walk(root, *steps)) *target = std::move(value);
}

}  // namespace weir::config
