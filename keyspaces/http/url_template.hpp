#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// A URL with `{key}` in its path or query, where a key fills its place and can never leave it.
class url_template {
 public:
  /// Throws std::invalid_argument that says what is wrong: another scheme than http, user
  /// information, a fragment, a host that is only numbers but no address, no `{key}` or one in the
  /// host.
  explicit url_template(std::string text);

  /// The URL for `key`, percent-encoded. Nullopt when a server that decodes the path first would
  /// see a
  /// "." or ".." part in it: such a key could name something outside of its place.
  std::optional<std::string> url_for(std::string_view key) const;

  /// "host:port", for messages.
  const std::string& server() const noexcept { return server_; }

 private:
  std::string text_;
  std::string server_;
  std::vector<std::string> segments_;  // decoded path segments with a place for the key
};

}  // namespace weir
