#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/result.hpp>
#include <weir/engine/stats.hpp>
#include <weir/engine/update.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

class keyspace_core;
class session;

/// One change of put_many().
struct put_item {
  std::string key;
  bytes value;
  put_options options = {};
};

/// A key whose value a node keeps.
struct kept_key {
  std::string key;
  milliseconds ttl;      ///< that it has left
  bool is_near = false;  ///< a copy of another node's
};

/// A named cache in front of one data source, shared by all nodes.
///
/// A key lives on the node that owns its slot; other nodes ask the owner. A cheap handle: copies
/// refer to the same keyspace, through every update_keyspace(), and after its removal every call
/// fails with errc::no_keyspace.
/// Thread-safe: any member may be called from any thread. Blocking members throw std::logic_error
/// on a thread that runs an event loop; from a data source on the worker pool they are safe.
class keyspace {
 public:
  keyspace() = default;

  explicit keyspace(std::shared_ptr<keyspace_core> core) : core_(std::move(core)) {}

  /// The name it was added under; empty for a default-constructed handle.
  std::string_view name() const noexcept;

  /// Returns the entry of `key`; concurrent misses share one load.
  ///
  /// Fails with errc::not_found, errc::deadline_exceeded, errc::overloaded or the source's failure;
  /// no failure is cached. See examples/2_async.cpp.
  [[nodiscard]] asio::awaitable<result<entry>> async_get(std::string key, get_options options = {});

  /// Blocking async_get(). A hit costs one look-up under a shard lock on the calling thread: no
  /// allocation, no hop, no copy of a large value. See examples/1_embedded.cpp.
  [[nodiscard]] result<entry> get(std::string_view key, get_options options = {});

  /// As async_get(), but absence is an answer with a version of its own instead of errc::not_found.
  [[nodiscard]] asio::awaitable<result<lookup>> async_find(
      std::string key, get_options options = {}
  );
  [[nodiscard]] result<lookup> find(std::string_view key, get_options options = {});

  /// Several keys, at most 1,000: one request per owner, each answer with its own version or error,
  /// in the order of `keys`. A key that stands twice is loaded once.
  [[nodiscard]] asio::awaitable<std::vector<result<lookup>>> async_get_many(
      std::vector<std::string> keys, get_options options = {}
  );
  [[nodiscard]] std::vector<result<lookup>> get_many(
      std::vector<std::string> keys, get_options options = {}
  );

  /// The copy this node holds, if it may serve it now: no load, no hop, never blocks. A hit counts
  /// as a read, unless `attempt` says that the read was counted already.
  std::optional<lookup> peek(std::string_view key, read_attempt attempt = read_attempt::first);

  /// The version of `key` at its owner, of an absent key too, for a later precondition. Loads
  /// nothing.
  [[nodiscard]] asio::awaitable<result<version>> async_observe(
      std::string key, get_options options = {}
  );
  [[nodiscard]] result<version> observe(std::string_view key, get_options options = {});

  /// Sets the value, at the key's owner. Where the source is a store it is written there first, and
  /// only what it took reaches the cache; elsewhere the value lasts until eviction, TTL or the
  /// owner's loss.
  ///
  /// Fails with errc::method_not_allowed unless the keyspace has `writes::allow`, errc::conflict
  /// when the precondition does not hold, errc::too_large, errc::unavailable when the owner cannot
  /// be asked, and errc::unknown_outcome when it, or the store, was asked and did not answer. With
  /// a store a version confirms only an entry that its owner still holds: the version of an evicted
  /// entry is a conflict, as is one that observe() gave of a key that was never read. Over a store
  /// without etags a precondition is errc::method_not_allowed.
  [[nodiscard]] asio::awaitable<result<change_result>> async_put(
      std::string key, bytes value, put_options options = {}
  );
  [[nodiscard]] result<change_result> put(
      std::string_view key, bytes value, put_options options = {}
  );

  /// Makes the key absent, at the source where it is a store, and in the cache for its negative
  /// TTL. Fails as async_put(); an absent key is no error.
  [[nodiscard]] asio::awaitable<result<change_result>> async_remove(
      std::string key, change_options options = {}
  );
  [[nodiscard]] result<change_result> remove(std::string_view key, change_options options = {});

  /// Several puts or removes, at most 1,000, of which some run at the same time: one answer per
  /// item, in their order. Not atomic: each succeeds or fails for itself. The second and later
  /// items of one key are errc::bad_request.
  [[nodiscard]] asio::awaitable<std::vector<result<change_result>>> async_put_many(
      std::vector<put_item> items
  );
  [[nodiscard]] std::vector<result<change_result>> put_many(std::vector<put_item> items);
  [[nodiscard]] asio::awaitable<std::vector<result<change_result>>> async_remove_many(
      std::vector<std::string> keys, change_options options = {}
  );
  [[nodiscard]] std::vector<result<change_result>> remove_many(
      std::vector<std::string> keys, change_options options = {}
  );

  /// Reads, computes and writes if nothing has changed meanwhile, again and again with growing,
  /// jittered delays until that succeeds.
  ///
  /// One update of a key runs at a time on this node. Safe against all other writers where the
  /// source is a store with etags; else against those of one term of the key's owner. Fails with
  /// errc::conflict after `max_attempts`, errc::deadline_exceeded, errc::not_found without
  /// `create`, the function's own error, and as async_put(); errc::unknown_outcome is not tried
  /// again. The function runs where async_update() is awaited, and must not block there; update()
  /// calls it on the calling thread. An update of the same key within it waits for itself until its
  /// deadline. Throws std::invalid_argument for an empty function.
  [[nodiscard]] asio::awaitable<result<updated>> async_update(
      std::string key, update_function compute, update_options options = {}
  );
  [[nodiscard]] result<updated> update(
      std::string_view key, update_function compute, update_options options = {}
  );

  /// Drops what the nodes hold: the next read loads again. Allowed in every keyspace.
  ///
  /// OK when every member has applied it, or enough members have voted that a missing one holds no
  /// lease. Then no node serves the old value any more, whatever happened to it meanwhile. Partial
  /// when the deadline came first (see change_result). Fails with errc::unavailable when too few
  /// members took note of it: some may have dropped the key; repeat it. With a precondition only
  /// the owner can order it: errc::conflict when the key has changed since, errc::unavailable when
  /// the owner cannot be asked, and nothing is dropped then.
  [[nodiscard]] asio::awaitable<result<change_result>> async_invalidate(
      std::string key, change_options options = {}
  );
  [[nodiscard]] result<change_result> invalidate(std::string_view key, change_options options = {});

  /// Drops every entry on every node. Takes effect at once, memory comes back in slices.
  [[nodiscard]] asio::awaitable<result<change_result>> async_clear(change_options options = {});
  [[nodiscard]] result<change_result> clear(change_options options = {});

  /// A new session: its reads do not go back, and see its own changes. Include
  /// <weir/engine/session.hpp>.
  weir::session session() const;

  /// The options it has now. Throws std::logic_error on a handle that refers to nothing.
  keyspace_options options() const;

  /// options().max_key without the copy; 0 on a handle that refers to nothing.
  std::size_t max_key() const noexcept;

  /// False for a default-constructed handle.
  explicit operator bool() const noexcept { return core_ != nullptr; }

  /// Counters of this keyspace on this node.
  keyspace_stats stats() const;

  /// Keys of values that this node keeps now, at most `limit`, the hottest of each part of its
  /// memory first. Does not count as a use of them. Walks under one lock at a time: the list is no
  /// snapshot.
  std::vector<kept_key> keys(std::size_t limit) const;

  /// Whether its source answers this node, and what it said at its last failure.
  source_state source() const;

  /// The state of its feed of changes on this node; nullopt where the source has none.
  std::optional<feed_status> feed() const;

 private:
  std::shared_ptr<keyspace_core> current() const;

  std::shared_ptr<keyspace_core> core_;
};

/// What update_keyspace() did on this node.
struct keyspace_update {
  weir::keyspace keyspace;
  bool is_replaced = false;   ///< it started empty: the source or `consistency` is another
  std::uint64_t dropped = 0;  ///< entries that it lost, to that or to smaller limits
};

}  // namespace weir
