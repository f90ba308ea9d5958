#include "decode/check.hpp"
#include "decode/decode.hpp"
#include "text/text.hpp"
#include "yaml/document.hpp"
#include "yaml/expand.hpp"
#include "yaml/merge.hpp"
#include "yaml/reporter.hpp"

#include <weir/config/load.hpp>

#include <algorithm>
#include <deque>
#include <utility>

namespace weir::config {

namespace {

/// A byte order mark is dropped and CRLF becomes LF; columns stay as an editor shows them.
std::string normalised(std::string_view text) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i];
  }
  return out;
}

/// The option as problems name it: one line, not too long, and without what may be a secret.
std::string shown_option(std::string_view option) {
  constexpr std::size_t longest = 100;
  const std::size_t equals = option.find('=');
  const auto names = [&](std::string_view word) {
    return option.substr(0, equals).find(word) != option.npos;
  };
  const bool secret = names("headers") || names("password") || names("token") || names("secret");
  if (secret && equals != option.npos) return printable(option.substr(0, equals)) + "=...";
  const std::size_t end = start_of_character(option, std::min(option.size(), longest));
  return printable(option.substr(0, end)) + (end < option.size() ? "..." : "");
}

node empty_map(const origin& at) {
  node made;
  made.form = node::shape::map;
  made.at = at;
  return made;
}

std::vector<source_place> places_of_sources(const node& root, const reporter& problems) {
  std::vector<source_place> all;
  const member* keyspaces = root.find("keyspaces");
  if (keyspaces == nullptr) return all;
  for (const auto& each : keyspaces->value.items) {
    const auto where = place{"keyspaces", {}}.item(all.size()).child("source");
    const member* source = each.find("source");
    source_place made{problems.located(source ? source->value.at : each.at, where), {}};
    if (source) {
      for (const auto& [key, at, value] : source->value.members) {
        made.fields.emplace(key, problems.located(value.at, where.child(key)));
      }
    }
    all.push_back(std::move(made));
  }
  return all;
}

class loader {
 public:
  explicit loader(const outside& world) : world_(world) {}

  void file(const std::string& path) {
    auto content = world_.file(path, max_file_bytes);
    if (const auto* bad = std::get_if<unreadable>(&content)) {
      problems_.error({problems_.add_file(path, {})}, {}, {bad->reason, ""});
      complete_ = false;
      return;
    }
    text(path, std::get<std::string>(content));
  }

  void text(std::string_view name, std::string_view content) {
    if (content.size() > max_file_bytes) {
      problems_.error(
          {problems_.add_file(std::string(name), {})}, {}, {"is larger than 1024 KiB", ""}
      );
      complete_ = false;
      return;
    }
    const std::string& kept = texts_.emplace_back(normalised(content));
    const std::uint32_t source = problems_.add_file(std::string(name), kept);
    node parsed = parse_document(source, problems_);
    if (parsed.form == node::shape::null) {
      // An empty file adds nothing; alone, it lacks the keyspaces.
      parsed.form = node::shape::map;
    } else if (parsed.form != node::shape::map) {
      report_type(parsed, {}, "a map of settings such as \"keyspaces: [...]\"", problems_);
      complete_ = false;
      return;
    }
    expand(parsed, world_.variable, problems_);
    if (root_.form == node::shape::null) {
      root_ = std::move(parsed);
    } else {
      merge(root_, std::move(parsed));
    }
  }

  void set(const std::string& option) {
    const std::uint32_t source = problems_.add_option("--set " + shown_option(option));
    if (root_.form == node::shape::null) root_ = empty_map({source});
    apply_set(root_, option, source, world_.variable, problems_);
  }

  load_result finish() {
    load_result result;
    // After a syntax error the rest is unknown; what it lacks is no news.
    if (complete_) {
      if (root_.form == node::shape::null) root_ = empty_map({problems_.add_option("weir")});
      settings decoded = decode(root_, world_, problems_);
      cross_check(decoded, root_, problems_);
      if (problems_.errors() == 0) {
        result.settings = std::move(decoded);
        result.sources = places_of_sources(root_, problems_);
      }
    }
    result.problems = problems_.take();
    return result;
  }

 private:
  const outside& world_;
  reporter problems_;
  std::deque<std::string> texts_;  // reporter and nodes refer to them
  node root_;
  bool complete_ = true;
};

}  // namespace

load_result load(const load_request& request, const outside& world) {
  loader work(world);
  for (const auto& each : request.files) work.file(each);
  for (const auto& each : request.sets) work.set(each);
  return work.finish();
}

load_result load_text(
    std::string_view name,
    std::string_view text,
    const std::vector<std::string>& sets,
    const outside& world
) {
  loader work(world);
  work.text(name, text);
  for (const auto& each : sets) work.set(each);
  return work.finish();
}

}  // namespace weir::config
