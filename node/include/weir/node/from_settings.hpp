#pragma once

#include <weir/config/settings.hpp>
#include <weir/engine/api.hpp>
#include <weir/engine/data_source.hpp>
#include <weir/engine/options.hpp>
#include <weir/node/node.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace weir WEIR_API {

class http_client;

/// Sources registered from C++, by the name in `source: {type: callback, name: NAME}`.
using callback_sources = std::map<std::string, std::shared_ptr<data_source>, std::less<>>;

/// The node of a checked configuration, without its keyspaces. The peer door is named only when
/// there is a discovery block.
node_options options_from(const config::settings& settings);

/// The bearer tokens of the HTTP door.
std::vector<door_token> tokens_from(const config::auth_settings& settings);

/// The options of one keyspace.
keyspace_options options_from(const config::keyspace_settings& settings);

/// Makes the source of one keyspace; opens files and databases. `client` serves HTTP sources.
///
/// Throws std::invalid_argument that names the keyspace, when the file, folder or statement cannot
/// be used or no callback of that name is registered.
std::shared_ptr<data_source> source_from(
    const config::keyspace_settings& settings,
    const std::shared_ptr<http_client>& client,
    const callback_sources& callbacks
);

/// A client for HTTP sources on the loops of `node`. Destroy it, and the keyspaces that use it,
/// before the node.
std::shared_ptr<http_client> make_http_client(const node& node);

/// A node with all keyspaces of a configuration, not yet started:
///
///     auto loaded = weir::config::load({.files = {"weir.yaml"}}, weir::config::process_outside());
///     weir::callback_sources callbacks{{"prices", weir::make_source(load_price)}};
///     auto node = weir::node_from_settings(*loaded.settings, callbacks);
///     node->start().value();
///
/// Throws like source_from().
std::unique_ptr<node> node_from_settings(
    const config::settings& settings, const callback_sources& callbacks = {}, log_sink log = {}
);

}  // namespace weir
