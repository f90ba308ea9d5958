#include "print/render.hpp"
#include "table/table.hpp"
#include "yaml/scalars.hpp"

#include <weir/config/diff.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace weir::config {

namespace {

struct leaf {
  std::string path;
  std::string shown;
  std::string compared;  ///< differs from `shown` only for secrets
  reload when;
};

/// All scalar rows below an object, in the order of the table.
class flattener {
 public:
  std::vector<leaf> flatten(const shape& shape, const void* object, const std::string& prefix) {
    rows(shape, object, prefix);
    return std::move(leaves_);
  }

 private:
  void rows(const shape& shape, const void* object, const std::string& prefix) {
    for (const auto& row : shape.fields) {
      if (shape.has(row)) one(row, object, prefix + std::string(row.name));
    }
  }

  void one(const field& row, const void* object, const std::string& path) {
    if (path == "defaults" || path == "keyspaces") return;  // compared keyspace by keyspace
    const void* member = row.member.peek ? row.member.peek(object) : nullptr;
    switch (row.type) {
      case kind::group:
        if (member != nullptr) rows(*row.rows, member, path + ".");
        // Whether an optional group is there at all; a change of that is the group's own.
        if (path.starts_with("discovery.") || path == "tls")
          add(row, path, member ? "present" : "");
        return;
      case kind::source:
        for (const auto& each : row.alternatives) {
          const void* source = each.peek(member);
          if (source == nullptr) continue;
          add(row, path + ".type", std::string(each.type));
          rows(*each.rows, source, path + ".");
        }
        return;
      case kind::peers:
        return peers(row, path, *static_cast<const std::vector<static_peer>*>(member));
      case kind::servers:
        return add(row, path, render_servers(*static_cast<const std::vector<address>*>(member)));
      case kind::texts:
        return add(row, path, render_texts(*static_cast<const std::vector<std::string>*>(member)));
      case kind::secret: {
        if (member == nullptr) return add(row, path, "");
        const auto& secret = *static_cast<const secret_text*>(member);
        const std::string shown = render_secret(secret);
        // Its file is read anew for every request.
        const bool is_followed =
            path == "discovery.kubernetes.token" && secret.from == secret_text::origin::file;
        leaves_.push_back({path, shown, is_followed ? shown : shown + secret.value, row.when});
        return;
      }
      case kind::tokens:
        for (const auto& each : *static_cast<const std::vector<token_settings>*>(member)) {
          rows(*row.rows, &each, path + "." + each.name + ".");
        }
        return;
      case kind::headers:
        for (const auto& each : *static_cast<const std::vector<http_header>*>(member)) {
          const std::string shown = render_header(each);
          leaves_.push_back({path + "." + each.name, shown, shown + each.value.value, row.when});
        }
        return;
      default:
        return scalar(row, path, object);
    }
  }

  void scalar(const field& row, const std::string& path, const void* object) {
    std::string text = render(row, row.member.get(object));
    if (text.empty() && row.name == "max_memory")
      text = print_size(static_cast<const keyspace_settings*>(object)->budget);
    add(row, path, text);
  }

  void peers(const field& row, const std::string& path, const std::vector<static_peer>& all) {
    std::string text = "[";
    for (const auto& each : all) text += (text.size() > 1 ? ", " : "") + render_peer(each);
    add(row, path, text + "]");
  }

  void add(const field& row, const std::string& path, const std::string& text) {
    leaves_.push_back({path, text, text, row.when});
  }

  std::vector<leaf> leaves_;
};

void compare(const std::vector<leaf>& before, const std::vector<leaf>& after, differences& into) {
  std::map<std::string_view, const leaf*> old;
  for (const auto& each : before) old.emplace(each.path, &each);
  const auto add = [&](reload when, change what) {
    (when == reload::live ? into.live : into.restart).push_back(std::move(what));
  };
  for (const auto& each : after) {
    const auto found = old.find(each.path);
    if (found == old.end()) {
      add(each.when, {each.path, "", each.shown});
      continue;
    }
    if (found->second->compared != each.compared) {
      add(each.when, {each.path, found->second->shown, each.shown});
    }
    old.erase(found);
  }
  for (const auto& [path, each] : old) add(each->when, {each->path, each->shown, ""});
}

const keyspace_settings* find(const std::vector<keyspace_settings>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const keyspace_settings& each) {
    return each.name == name;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

differences diff(const settings& running, const settings& wanted) {
  differences found;
  const shape& root = settings_shape();
  compare(flattener().flatten(root, &running, ""), flattener().flatten(root, &wanted, ""), found);
  // A provider that comes or goes takes its settings along; only the first is a change.
  const auto drop_below = [](std::vector<change>& from, std::string_view prefix) {
    std::erase_if(from, [&](const change& each) { return each.path.starts_with(prefix); });
  };
  if (running.discovery.fixed.has_value() != wanted.discovery.fixed.has_value()) {
    drop_below(found.live, "discovery.static.");
  }
  if (running.discovery.dns.has_value() != wanted.discovery.dns.has_value()) {
    drop_below(found.restart, "discovery.dns.");
  }
  if (running.discovery.nats.has_value() != wanted.discovery.nats.has_value()) {
    drop_below(found.restart, "discovery.nats.");
  }
  if (running.discovery.kubernetes.has_value() != wanted.discovery.kubernetes.has_value()) {
    drop_below(found.restart, "discovery.kubernetes.");
  }
  if (running.tls.has_value() != wanted.tls.has_value()) drop_below(found.restart, "tls.");
  const shape& rows = *root.find("keyspaces")->rows;
  for (const auto& each : wanted.keyspaces) {
    const std::string path = "keyspaces." + each.name;
    const keyspace_settings* before = find(running.keyspaces, each.name);
    if (before == nullptr) {
      found.live.push_back({path, "", "added"});
    } else {
      compare(
          flattener().flatten(rows, before, path + "."),
          flattener().flatten(rows, &each, path + "."),
          found
      );
    }
  }
  for (const auto& each : running.keyspaces) {
    if (find(wanted.keyspaces, each.name) == nullptr) {
      found.live.push_back({"keyspaces." + each.name, "removed", ""});
    }
  }
  return found;
}

}  // namespace weir::config
