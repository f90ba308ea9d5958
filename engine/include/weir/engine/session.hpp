#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/keyspace.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace weir WEIR_API {

/// Which versions one chain of calls has seen, so that the next ones do not go back.
///
/// Remembers the 1,024 keys used last, or more, by hash, in some 80 KiB at most; of earlier keys
/// only that they may be among the forgotten ones. Not thread-safe.
class session_order {
 public:
  static constexpr std::size_t max_keys = 1024;

  enum class verdict : std::uint8_t {
    good,    ///< nothing speaks against it
    older,   ///< a later one of the same epoch was seen
    unsure,  ///< another epoch, a change of unknown version, or forgotten: the owner knows
  };

  /// Whether `read` of `key` may be given out. A value without version always may.
  verdict judge(std::string_view key, version read) const noexcept;

  /// `key` was read, or left by a change, with this version; of one epoch the latest counts.
  void note(std::string_view key, version seen);

  /// `key`, or every key, was changed to a version that is not known.
  void doubt(std::string_view key) noexcept;
  void doubt_all() noexcept;

 private:
  using version_map = std::unordered_map<std::uint64_t, version>;
  static constexpr std::size_t doubt_bits = 4096;

  const version* find(std::uint64_t hash) const noexcept;

  std::uint64_t& word_of(std::uint64_t hash) noexcept { return doubted_[hash % doubt_bits / 64]; }

  version_map recent_, earlier_;  // half of max_keys each
  std::array<std::uint64_t, doubt_bits / 64> doubted_{};
};

/// Calls on one keyspace that see each other in order (C5): a read never goes back to an older
/// version of one epoch than the session has seen of that key, and it sees the session's own
/// acknowledged changes.
///
/// Any copy is good enough as long as the order allows it; otherwise the key's owner is asked. So a
/// session costs nothing while nodes agree, and a hop where it has forgotten a key (see
/// session_order for its bound). Values without a version, and puts into the cache alone after
/// eviction or the owner's loss, are outside the promise. A cheap handle: copies are the same
/// session. Thread-safe, but calls at the same time have no order among themselves. Members fail as
/// those of weir::keyspace.
class session {
 public:
  session() = default;
  session(weir::keyspace of, environment& env);

  [[nodiscard]] asio::awaitable<result<lookup>> async_find(
      std::string key, get_options options = {}
  );
  [[nodiscard]] result<lookup> find(std::string_view key, get_options options = {});
  [[nodiscard]] asio::awaitable<result<entry>> async_get(std::string key, get_options options = {});
  [[nodiscard]] result<entry> get(std::string_view key, get_options options = {});

  [[nodiscard]] asio::awaitable<result<change_result>> async_put(
      std::string key, bytes value, put_options options = {}
  );
  [[nodiscard]] result<change_result> put(
      std::string_view key, bytes value, put_options options = {}
  );
  [[nodiscard]] asio::awaitable<result<change_result>> async_remove(
      std::string key, change_options options = {}
  );
  [[nodiscard]] result<change_result> remove(std::string_view key, change_options options = {});
  [[nodiscard]] asio::awaitable<result<change_result>> async_invalidate(
      std::string key, change_options options = {}
  );
  [[nodiscard]] result<change_result> invalidate(std::string_view key, change_options options = {});
  [[nodiscard]] asio::awaitable<result<change_result>> async_clear(change_options options = {});
  [[nodiscard]] result<change_result> clear(change_options options = {});
  [[nodiscard]] asio::awaitable<result<updated>> async_update(
      std::string key, update_function compute, update_options options = {}
  );
  [[nodiscard]] result<updated> update(
      std::string_view key, update_function compute, update_options options = {}
  );

  /// The keyspace it is about.
  const weir::keyspace& keyspace() const noexcept { return keyspace_; }

 private:
  struct memory {
    std::mutex mutex;
    session_order order;
  };

  bool must_ask_owner(std::string_view key, const result<lookup>& found, const get_options& options)
      const;
  time_point began() const;
  get_options asking_owner(get_options options, time_point since) const;
  void saw(std::string_view key, const result<lookup>& found) const;
  void changed(std::string_view key, const result<change_result>& done) const;

  weir::keyspace keyspace_;
  environment* env_ = nullptr;  ///< the keyspace's, for the time that a second question has left
  std::shared_ptr<memory> memory_;
};

}  // namespace weir
