#include "yaml/builder.hpp"

#include "text/text.hpp"

#include <utility>

namespace weir::config {

namespace {

constexpr std::size_t max_members = 1'000;

/// Bytes of the quoted scalar at the start of `raw`, quotes included; 0 when it is never closed.
std::size_t quoted_bytes(std::string_view raw) {
  const char quote = raw.front();
  for (std::size_t i = 1; i < raw.size(); ++i) {
    if (quote == '"' && raw[i] == '\\') {
      ++i;
    } else if (raw[i] == quote) {
      if (quote == '"' || i + 1 == raw.size() || raw[i + 1] != '\'') return i + 1;
      ++i;
    }
  }
  return 0;
}

}  // namespace

origin builder::at(const YAML::Mark& mark, std::size_t width) const {
  return {
      source_,
      static_cast<std::uint32_t>(mark.line) + 1,
      static_cast<std::uint32_t>(mark.column) + 1,
      static_cast<std::uint32_t>(width)};
}

place builder::where() const {
  place found;
  for (const auto& each : open_) {
    if (each.value.form == node::shape::list) {
      found = found.item(each.value.items.size());
    } else if (!each.wants_key && each.key_usable) {
      found = found.child(each.key);
    }
  }
  return found;
}

std::string_view builder::raw(const YAML::Mark& mark) const {
  const std::string_view line = problems_.line_of(source_, static_cast<std::size_t>(mark.line) + 1);
  const std::string_view text = problems_.text_of(source_);
  const auto begin = static_cast<std::size_t>(line.data() - text.data());
  const auto column = static_cast<std::size_t>(mark.column);
  return line.data() == nullptr || column > line.size() ? "" : text.substr(begin + column);
}

void builder::OnDocumentStart(const YAML::Mark& mark) {
  if (++documents_ == 1) return;
  const bool marked = raw(mark).starts_with("---");
  problems_.error(
      at(mark, marked ? 3 : 1),
      {},
      {marked ? "a second document" : "text after the end of the document",
       "a configuration is one YAML document; give further files with further -c options"}
  );
  throw stop{};
}

void builder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  node value;
  value.at = at(mark, 1);
  refuse_extras(value.at, {}, anchor);
  count(value.at);
  if (open_.empty()) return;  // an empty document
  frame& top = open_.back();
  value.form = node::shape::refused;
  if (top.value.form == node::shape::map && top.wants_key) {
    problems_.error(value.at, where(), {"a key is missing before \":\"", ""});
  } else if (top.value.form == node::shape::map) {
    problems_.error(
        top.key_usable ? top.key_at : value.at,
        where(),
        {"has no value", "give a value, or remove the key; write \"null\" in quotes for that text"}
    );
  } else {
    problems_.error(value.at, where(), {"an empty list item", "give a value, or remove it"});
  }
  add(std::move(value));
}

void builder::OnAlias(const YAML::Mark& mark, YAML::anchor_t) {
  node value;
  value.form = node::shape::refused;
  value.at = at(mark, 1);
  problems_.error(
      value.at,
      where(),
      {"aliases (*name) are not supported", "repeat the value, or use defaults: for keyspaces"}
  );
  count(value.at);
  add(std::move(value));
}

void builder::OnScalar(
    const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value
) {
  node scalar;
  scalar.form = node::shape::scalar;
  scalar.at = at(mark, count_characters(std::string_view(value).substr(0, value.find('\n'))));
  scalar.text = value;
  scalar.quoted = tag == "!";
  const std::string_view here = raw(mark);
  if (here.starts_with('"') || here.starts_with('\'')) {
    scalar.at.width = static_cast<std::uint32_t>(quoted_width(scalar.at, here));
  }
  refuse_extras(scalar.at, tag, anchor);
  count(scalar.at);
  add(std::move(scalar));
}

void builder::OnSequenceStart(
    const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value
) {
  open(node::shape::list, mark, tag, anchor);
}

void builder::OnSequenceEnd() {
  close();
}

void builder::OnMapStart(
    const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YAML::EmitterStyle::value
) {
  open(node::shape::map, mark, tag, anchor);
}

void builder::OnMapEnd() {
  close();
}

void builder::open(
    node::shape form, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor
) {
  frame opened;
  opened.value.form = form;
  opened.value.at = at(mark, 1);
  refuse_extras(opened.value.at, tag, anchor);
  count(opened.value.at);
  if (open_.size() >= max_depth) {
    const std::string limit = std::to_string(max_depth);
    problems_.error(opened.value.at, {}, {"nested more than " + limit + " deep", ""});
    throw stop{};
  }
  open_.push_back(std::move(opened));
}

void builder::close() {
  node value = std::move(open_.back().value);
  open_.pop_back();
  add(std::move(value));
}

void builder::add(node value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return;
  }
  frame& top = open_.back();
  if (top.value.form == node::shape::list) {
    top.value.items.push_back(std::move(value));
  } else if (top.wants_key) {
    add_key(std::move(value));
  } else {
    add_member(std::move(value));
  }
}

void builder::add_key(node key) {
  frame& top = open_.back();
  const place map = where();
  top.wants_key = false;
  top.key_usable = false;
  if (key.form == node::shape::list || key.form == node::shape::map) {
    problems_.error(
        key.at,
        map,
        {"a key must be text, not " + std::string(describe(key)),
         "put a value that starts with [ or { in quotes"}
    );
  }
  if (key.form != node::shape::scalar) return;
  if (key.text == "<<") {
    problems_.error(
        key.at, map, {"merge keys (<<) are not supported", "use defaults: for keyspaces"}
    );
    return;
  }
  if (const member* first = top.value.find(key.text)) {
    problems_.error(
        key.at,
        map,
        {"duplicate key " + quoted(key.text),
         "first given in line " + std::to_string(first->at.line) + "; remove one"}
    );
    return;
  }
  if (top.value.members.size() >= max_members) {
    const std::string limit = std::to_string(max_members);
    problems_.error(key.at, map, {"a map with more than " + limit + " keys", ""});
    throw stop{};
  }
  top.key = std::move(key.text);
  top.key_at = key.at;
  top.key_usable = true;
}

void builder::add_member(node value) {
  frame& top = open_.back();
  top.wants_key = true;
  if (!top.key_usable) return;
  top.value.members.push_back({std::move(top.key), top.key_at, std::move(value)});
}

void builder::refuse_extras(const origin& at, const std::string& tag, YAML::anchor_t anchor) {
  if (anchor != 0) {
    problems_.error(
        at,
        where(),
        {"anchors (&name) are not supported", "repeat the value, or use defaults: for keyspaces"}
    );
  }
  if (tag.empty() || tag == "?" || tag == "!") return;
  problems_.error(
      at,
      where(),
      {"tags (such as !!str) are not supported", "remove it; quotes make a number a text"}
  );
}

std::size_t builder::quoted_width(const origin& at, std::string_view raw) {
  const std::size_t bytes = quoted_bytes(raw);
  if (bytes == 0) {
    // yaml-cpp takes the rest of the file as the value.
    problems_.error(at, where(), {"the quote that opens here is never closed", ""});
    throw stop{};
  }
  const std::string_view text = raw.substr(0, bytes);
  return count_characters(text.substr(0, text.find('\n')));
}

void builder::count(const origin& at) {
  if (++nodes_ <= max_nodes) return;
  problems_.error(at, {}, {"more than " + std::to_string(max_nodes) + " values", ""});
  throw stop{};
}

}  // namespace weir::config
