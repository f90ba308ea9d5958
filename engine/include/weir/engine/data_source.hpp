#pragma once

#include <weir/engine/entry.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/result.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// What a data source answers for one key: a value, or that it has none.
struct loaded {
  bool found = true;
  bytes value;
  std::optional<milliseconds> ttl;        ///< can only shorten the keyspace's; 0 = do not keep
  std::shared_ptr<const metadata> meta;   ///< content type and etag, when the source has them
};

/// What a source may want to know about one load.
struct load_context {
  environment& env;
  time_point deadline;  ///< after it nobody waits for the answer any more
};

/// Loads the value of a key: value, not found, or an error.
///
/// Called by the owner of a key on a miss, once however many callers wait. May throw: the exception is
/// caught and becomes errc::source_failed. Must be safe to call from several event loops at once.
class data_source {
 public:
  virtual ~data_source() = default;

  /// Runs on an event loop and must not block it; see blocking_source.
  virtual asio::awaitable<result<loaded>> async_load(std::string key, load_context context) = 0;

  /// Loads several keys in one call, one answer per key in their order. Only called if is_batched().
  virtual asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context context
  );

  /// True when async_load_many() is better than single loads.
  virtual bool is_batched() const noexcept { return false; }
};

/// A data source that blocks; each call runs on the environment's worker pool.
class blocking_source : public data_source {
 public:
  virtual result<loaded> load(std::string_view key, const load_context& context) = 0;

  /// Override together with is_batched(); the default asks load() key by key.
  virtual std::vector<result<loaded>> load_many(
      const std::vector<std::string>& keys, const load_context& context
  );

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) final;
  asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context context
  ) final;
};

/// A plain function as a source: `result<bytes>(std::string_view)`, run on the worker pool.
std::shared_ptr<data_source> make_source(std::function<result<bytes>(std::string_view)> function);

/// The same for functions that also set a TTL, metadata or absence.
std::shared_ptr<data_source> make_source(std::function<result<loaded>(std::string_view)> function);

/// An awaitable function as a source, run on an event loop.
std::shared_ptr<data_source> make_source(
    std::function<asio::awaitable<result<bytes>>(std::string)> function
);

/// Anything that add_keyspace() takes as a source: one of the functions above, or a shared_ptr to a data_source.
class source_argument {
 public:
  template <class T>
    requires(!std::same_as<std::remove_cvref_t<T>, source_argument>)
  source_argument(T&& from) {  // NOLINT: meant to convert
    if constexpr (std::convertible_to<T, std::shared_ptr<data_source>>) {
      source_ = std::forward<T>(from);
    } else {
      using answer = std::invoke_result_t<T&, std::string>;
      if constexpr (std::same_as<answer, asio::awaitable<result<bytes>>>) {
        source_ = make_source(std::function<answer(std::string)>(std::forward<T>(from)));
      } else if constexpr (std::convertible_to<answer, result<loaded>>) {
        source_ = make_source(std::function<result<loaded>(std::string_view)>(std::forward<T>(from)));
      } else {
        source_ = make_source(std::function<result<bytes>(std::string_view)>(std::forward<T>(from)));
      }
    }
  }

  std::shared_ptr<data_source> take() && { return std::move(source_); }

 private:
  std::shared_ptr<data_source> source_;
};

}  // namespace weir
