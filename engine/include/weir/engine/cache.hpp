#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>

#include <memory>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// How an in-process cache is made.
struct cache_options {
  runtime_options runtime = {};  ///< event loops and worker threads
};

/// The engine without a network: keyspaces with callbacks inside one process, no sockets.
///
///     weir::cache cache;
///     auto users = cache.add_keyspace({.name = "users", .ttl = 60s}, load_user);
///     users.get("42");
///
/// Its own threads run the sources and the timers. Thread-safe. See examples/1_embedded.cpp.
class cache {
 public:
  explicit cache(cache_options options = {});

  /// Fails what waits with errc::unavailable and waits for running sources; handles stay safe to
  /// call.
  ~cache();

  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;

  /// Adds a keyspace in front of `source`: a function (blocking or awaitable) or a
  /// weir::data_source. Throws std::invalid_argument for bad options or a name that is taken.
  keyspace add_keyspace(keyspace_options options, source_argument source);

  /// As engine::update_keyspace() and the others of the same name.
  keyspace_update update_keyspace(keyspace_options options);
  keyspace_update update_keyspace(keyspace_options options, source_argument source);
  [[nodiscard]] result<void> remove_keyspace(std::string_view name);
  keyspace find_keyspace(std::string_view name) const;
  std::vector<keyspace> keyspaces() const;

 private:
  std::shared_ptr<runtime> runtime_;
  std::unique_ptr<engine> engine_;
};

}  // namespace weir
