#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/data_source.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// What the source must hold for a write to happen.
struct write_condition {
  enum class kind : std::uint8_t { none, absent, matches } when = kind::none;
  std::string etag;  ///< for `matches`

  static write_condition if_absent() { return {kind::absent, {}}; }

  static write_condition if_matches(std::string tag) { return {kind::matches, std::move(tag)}; }
};

/// What a store says about a write that succeeded.
struct stored {
  std::string etag;  ///< of what it holds now; empty after an erase, and from a store without etags
};

/// Whether a store names each state of a key with an entity tag.
enum class entity_tags : std::uint8_t { given, none };

/// A data source that can also write, under a condition.
///
/// The owner of a key calls it, one write per key at a time, and puts what it took into the cache
/// with its new etag. Judging the condition and writing must be one step: two writers with the same
/// etag, on two nodes or in another program, must not both succeed. Two writes never get the same
/// etag, whatever the clock says, unless it is a hash of the value and they wrote the same one; then
/// a value that was another meanwhile passes a condition. async_load() gives the etag in
/// loaded::meta.
///
/// Errors say what became of the write:
/// - errc::conflict: the condition does not hold, nothing was written. So is a `matches` on an
///   absent key.
/// - errc::overloaded, errc::unavailable: busy, nothing was written, try later.
/// - errc::too_large, errc::bad_request, errc::method_not_allowed, errc::source_failed: refused,
///   nothing was written.
/// - errc::unknown_outcome, errc::deadline_exceeded, an exception, and whatever else: it may have
///   happened, or may still. The cache then drops the key, and keeps no load of it for a while.
class store : public data_source {
 public:
  /// `none`: conditional writes are refused with errc::method_not_allowed before they reach the
  /// store. Asked often; must not change.
  virtual entity_tags tags() const noexcept { return entity_tags::given; }

  /// Makes `value` the value of `key`. Runs on an event loop and must not block it.
  [[nodiscard]] virtual asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) = 0;

  /// Makes `key` absent; an absent key is no error where there is no condition. The condition is
  /// never `absent`.
  [[nodiscard]] virtual asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) = 0;
};

/// A store that blocks; each call runs on the environment's worker pool. See blocking_source.
///
/// An exception from put() or erase() becomes errc::unknown_outcome with its text as the remark. A
/// call that the full pool refuses, and one that would begin after its deadline, is
/// errc::overloaded and was not made.
class blocking_store : public store, public std::enable_shared_from_this<blocking_store> {
 public:
  [[nodiscard]] virtual result<loaded> load(std::string_view key, const load_context& context) = 0;

  /// As async_put() and async_erase(). The arguments are valid during the call; a copy of `value`
  /// may be kept.
  [[nodiscard]] virtual result<stored> put(
      std::string_view key,
      const bytes& value,
      const write_condition& condition,
      const load_context& context
  ) = 0;
  [[nodiscard]] virtual result<stored> erase(
      std::string_view key, const write_condition& condition, const load_context& context
  ) = 0;

  [[nodiscard]] asio::awaitable<result<loaded>> async_load(std::string key, load_context context)
      final;
  [[nodiscard]] asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) final;
  [[nodiscard]] asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) final;
};

/// Plain functions as a store, run on the worker pool as those of a blocking_store.
struct store_functions {
  std::function<result<loaded>(std::string_view key)> load;
  std::function<
      result<stored>(std::string_view key, const bytes& value, const write_condition& condition)>
      put;  ///< empty: errc::method_not_allowed
  std::function<result<stored>(std::string_view key, const write_condition& condition)>
      erase;  ///< empty: errc::method_not_allowed
  entity_tags tags = entity_tags::given;
};

/// Throws std::invalid_argument without a load function.
std::shared_ptr<store> make_store(store_functions functions);

}  // namespace weir
