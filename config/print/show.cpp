#include "print/render.hpp"
#include "table/table.hpp"
#include "yaml/scalars.hpp"

#include <weir/config/print.hpp>

#include <string>

namespace weir::config {

namespace {

class printer {
 public:
  std::string print(const settings& value) {
    rows(settings_shape(), &value, "", "");
    return std::move(out_);
  }

 private:
  /// `first` starts the first line, `indent` the others.
  void rows(const shape& shape, const void* object, std::string first, const std::string& indent) {
    for (const auto& row : shape.fields) {
      if (!shape.has(row)) continue;
      const std::size_t before = out_.size();
      one(row, object, first, indent);
      if (out_.size() > before) first = indent;
    }
  }

  void one(
      const field& row, const void* object, const std::string& first, const std::string& indent
  ) {
    const std::string name = first + std::string(row.name) + ":";
    const std::string deeper = indent + "  ";
    const void* member = row.member.peek ? row.member.peek(object) : nullptr;
    switch (row.type) {
      case kind::group:
        return group(row, member, name, deeper);
      case kind::list:
        out_ += name + "\n";
        for (const auto& each : *static_cast<const std::vector<keyspace_settings>*>(member)) {
          rows(*row.rows, &each, indent + "  - ", indent + "    ");
        }
        return;
      case kind::source:
        for (const auto& each : row.alternatives) {
          const void* source = each.peek(member);
          if (source == nullptr) continue;
          out_ += name;
          out_ += "\n";
          out_ += deeper;
          out_ += "type: ";
          out_ += each.type;
          out_ += "\n";
          rows(*each.rows, source, deeper, deeper);
        }
        return;
      case kind::peers:
        out_ += name + "\n";
        for (const auto& each : *static_cast<const std::vector<static_peer>*>(member)) {
          out_ += deeper + "- " + render_peer(each) + "\n";
        }
        return;
      case kind::servers:
        out_ += name + " " + render_servers(*static_cast<const std::vector<address>*>(member));
        out_ += "\n";
        return;
      case kind::texts:
        out_ += name + " " + render_texts(*static_cast<const std::vector<std::string>*>(member));
        out_ += "\n";
        return;
      case kind::secret:
        if (member == nullptr) return;
        out_ += name + " " + render_secret(*static_cast<const secret_text*>(member)) + "\n";
        return;
      case kind::tokens: {
        const auto& all = *static_cast<const std::vector<token_settings>*>(member);
        if (all.empty()) return;
        out_ += name + "\n";
        for (const auto& each : all) rows(*row.rows, &each, indent + "  - ", indent + "    ");
        return;
      }
      case kind::headers:
        return headers(*static_cast<const std::vector<http_header>*>(member), name, deeper);
      default:
        return scalar(row, object, name, indent);
    }
  }

  /// A group without any row of its own (`discovery` without provider) is left out.
  void group(
      const field& row, const void* member, const std::string& name, const std::string& deeper
  ) {
    if (member == nullptr) return;
    const std::size_t before = out_.size();
    out_ += name + "\n";
    const std::size_t after = out_.size();
    rows(*row.rows, member, deeper, deeper);
    if (out_.size() == after) out_.resize(before);
  }

  void headers(
      const std::vector<http_header>& all, const std::string& name, const std::string& deeper
  ) {
    if (all.empty()) return;
    out_ += name + "\n";
    for (const auto& each : all) {
      out_ += deeper + render_text(each.name) + ": " + render_header(each) + "\n";
    }
  }

  void scalar(
      const field& row, const void* object, const std::string& name, const std::string& indent
  ) {
    const std::string text = render(row, row.member.get(object));
    if (!text.empty()) {
      out_ += name + " " + text + "\n";
    } else if (row.name == "max_memory") {
      const auto& keyspace = *static_cast<const keyspace_settings*>(object);
      out_ += indent + "# max_memory: " + print_size(keyspace.budget) +
              ", its share of node.max_memory\n";
    }
  }

  std::string out_;
};

}  // namespace

std::string show(const settings& value) {
  return printer().print(value);
}

}  // namespace weir::config
