#pragma once

#include <weir/config/settings.hpp>
#include <weir/engine/api.hpp>

#include <string>
#include <vector>

namespace weir WEIR_API {
namespace config {

/// One difference between two configurations. `from` and `to` are as `show` prints them (secrets
/// masked); an added thing has no `from`, a removed one no `to`.
struct change {
  /// `log.level`, or for keyspaces by name: `keyspaces.users`, `keyspaces.users.ttl`.
  std::string path;
  std::string from;
  std::string to;

  friend bool operator==(const change&, const change&) = default;
};

/// What a reload would do.
struct differences {
  /// Applied to a running node: keyspaces, log level, static peers.
  std::vector<change> live;
  /// Take effect only after a restart.
  std::vector<change> restart;

  bool empty() const { return live.empty() && restart.empty(); }
};

/// Compares field by field, in the order of the reference page. Keyspaces are matched by name, so
/// their order does not matter.
differences diff(const settings& running, const settings& wanted);

}  // namespace config
}  // namespace weir
