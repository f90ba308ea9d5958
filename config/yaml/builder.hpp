#pragma once

#include "yaml/document.hpp"
#include "yaml/reporter.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <string>
#include <vector>

namespace weir::config {

/// Builds the node tree from the events of yaml-cpp, and reports what YAML allows and a strict
/// file must not have. Working on events, not on YAML::Node, is what makes duplicate keys, tags,
/// anchors and nulls visible, and keeps aliases from multiplying.
class builder : public YAML::EventHandler {
 public:
  /// Thrown after a problem that makes reading on pointless was reported.
  struct stop {};

  builder(std::uint32_t source, reporter& problems) : problems_(problems), source_(source) {
    root_.at = {source};
  }

  /// The tree; form null when the document was empty.
  node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override;

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t anchor,
      const std::string& value
  ) override;
  void OnSequenceStart(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t anchor,
      YAML::EmitterStyle::value style
  ) override;
  void OnSequenceEnd() override;
  void OnMapStart(
      const YAML::Mark& mark,
      const std::string& tag,
      YAML::anchor_t anchor,
      YAML::EmitterStyle::value style
  ) override;
  void OnMapEnd() override;

 private:
  struct frame {
    node value;
    bool wants_key = true;    ///< of a map: the next event is a key
    bool key_usable = false;  ///< whether `key` may be added
    std::string key;
    origin key_at;
  };

  origin at(const YAML::Mark& mark, std::size_t width) const;
  place where() const;
  std::string_view raw(const YAML::Mark& mark) const;
  void open(
      node::shape form, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor
  );
  void close();
  void add(node value);
  void add_key(node key);
  void add_member(node value);
  void refuse_extras(const origin& at, const std::string& tag, YAML::anchor_t anchor);
  std::size_t quoted_width(const origin& at, std::string_view raw);
  void count(const origin& at);

  reporter& problems_;
  std::uint32_t source_;
  std::size_t documents_ = 0;
  std::size_t nodes_ = 0;
  std::vector<frame> open_;
  node root_;
};

}  // namespace weir::config
