#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/store.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// Limits of a memory_store.
struct memory_store_options {
  std::size_t max_bytes = 64u << 20;  ///< of keys and values together, 64 bytes added to each
  std::uint64_t first_tag = 1;        ///< etags count from here
};

/// A store in this process's memory: for tests, demonstrations, and data that may be lost.
///
/// Every write gets an etag of its own, also when a key is erased and made again. A write for which
/// there is no room fails with errc::too_large and changes nothing. The members without `async_`
/// are for writers beside the cache, which does not learn of their writes: invalidate the key
/// afterwards.
/// Thread-safe; each call holds one lock for a look-up.
class memory_store final : public store {
 public:
  explicit memory_store(memory_store_options options = {}) : options_(options) {}

  [[nodiscard]] result<loaded> load(std::string_view key) const;
  [[nodiscard]] result<stored> put(
      std::string_view key, bytes value, const write_condition& condition = {}
  );
  [[nodiscard]] result<stored> erase(std::string_view key, const write_condition& condition = {});
  std::size_t size() const;

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override;
  [[nodiscard]] asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) override;
  [[nodiscard]] asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) override;

 private:
  struct held {
    bytes value;
    std::uint64_t tag = 0;
  };

  using held_map = std::map<std::string, held, std::less<>>;

  bool holds(held_map::const_iterator at, const write_condition& condition) const;

  const memory_store_options options_;
  mutable std::mutex mutex_;  // guards the following
  held_map values_;
  std::size_t used_ = 0;
  std::uint64_t next_tag_ = options_.first_tag;
};

}  // namespace weir
