#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/entry.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/result.hpp>
#include <weir/engine/timespan.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

class change_feed;

/// What a data source answers for one key: a value, or that it has none.
struct loaded {
  bool found = true;
  bytes value;
  std::optional<timespan> ttl = std::nullopt;  ///< can only shorten the keyspace's; 0 = do not keep
  std::shared_ptr<const metadata> meta =
      nullptr;  ///< content type and etag, when the source has them
};

/// What a source says in words about a call that failed: text from outside, for logs, explanations
/// and error::remark(), never mixed with our own. Thread-safe.
class source_remark {
 public:
  static constexpr std::size_t max_text = 1024;

  /// Keeps the first max_text bytes; later words replace earlier ones.
  void say(std::string_view text);
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

/// What a source may want to know about one load.
struct load_context {
  environment& env;
  time_point deadline;                              ///< after it no caller waits for the answer
  std::shared_ptr<source_remark> remark = nullptr;  ///< null outside an engine
  /// The expired value of the key, where this node still has it and the source revalidates(). Never
  /// one that was invalidated: after an invalidation the value is loaded again.
  std::shared_ptr<const loaded> former = nullptr;

  void say(std::string_view text) const {
    if (remark) remark->say(text);
  }
};

/// Loads the value of a key: value, not found, or an error.
///
/// Called by the owner of a key on a miss, once however many callers wait. May throw: the exception
/// is caught and becomes errc::source_failed with its text as the remark; an error code of another
/// category likewise. Must be safe to call from several event loops at once.
class data_source {
 public:
  virtual ~data_source() = default;

  /// Runs on an event loop and must not block it; see blocking_source.
  [[nodiscard]] virtual asio::awaitable<result<loaded>> async_load(
      std::string key, load_context context
  ) = 0;

  /// Loads several keys in one call, one answer per key in their order. Only called if
  /// is_batched().
  [[nodiscard]] virtual asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context context
  );

  /// True when the source can say that load_context::former is still right, which is cheaper than
  /// sending it: it then answers with that value as the result of this load. A value that has an
  /// etag or a last_modified is then kept for ten minutes past its TTL, as long as there is room.
  virtual bool revalidates() const noexcept { return false; }

  /// True when async_load_many() is better than single loads.
  virtual bool is_batched() const noexcept { return false; }

  /// A new feed of the changes that others make at the source; null where it cannot tell of them.
  /// Asked once for each keyspace, on every node.
  virtual std::shared_ptr<change_feed> changes() { return nullptr; }

  /// What kind of source this is, for logs and views, and compared between nodes. Static storage.
  virtual std::string_view type() const noexcept { return "callback"; }
};

/// A data source that blocks; each call runs on the environment's worker pool, and the awaiting
/// coroutine goes on where it was.
///
/// errc::not_found from load() means that there is no such key, and any exception
/// errc::source_failed with its text as the remark. A call that begins after its deadline is not
/// made. errc::overloaded when the pool is full. A call that outlives the caller's interest keeps
/// the source alive if a shared_ptr owns it.
class blocking_source : public data_source, public std::enable_shared_from_this<blocking_source> {
 public:
  [[nodiscard]] virtual result<loaded> load(std::string_view key, const load_context& context) = 0;

  /// Override together with is_batched(); the default asks load() key by key.
  [[nodiscard]] virtual std::vector<result<loaded>> load_many(
      const std::vector<std::string>& keys, const load_context& context
  );

  [[nodiscard]] asio::awaitable<result<loaded>> async_load(std::string key, load_context context)
      final;
  [[nodiscard]] asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context context
  ) final;
};

}  // namespace weir
