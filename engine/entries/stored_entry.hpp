#pragma once

#include <weir/engine/bytes.hpp>
#include <weir/engine/entry.hpp>
#include <weir/engine/environment.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace weir {

/// Why this node holds an entry; a key has at most one entry per node.
enum class entry_kind : std::uint8_t { owned, near_copy, gutter };
inline constexpr std::size_t entry_kind_count = static_cast<std::size_t>(entry_kind::gutter) + 1;

/// The epoch of entries whose time is over and that are kept for their source to confirm. No term
/// has it, so they serve nobody.
inline constexpr std::uint64_t past_epoch = UINT64_MAX;

/// What a new entry is made of.
struct new_entry {
  std::string_view key{};  ///< at most 65,535 bytes
  std::uint64_t hash = 0;  ///< key_hash() of it
  bytes value{};
  std::shared_ptr<const metadata> meta{};
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;
  time_point expires{};  ///< time_point::max() = never
  time_point loaded_at{};
  std::uint16_t slot = 0;
  entry_kind kind = entry_kind::owned;
  bool is_absent = false;    ///< the source does not have the key; no value
  bool has_own_ttl = false;  ///< it was put with one
};

/// One entry in one heap block: links, header, key, small value.
///
/// The links come first, so that all that a hit reads lies together. Values up to
/// bytes::inline_capacity stand behind the key; for a larger one the block keeps a share of the
/// value's own.
class stored_entry {
 public:
  struct deleter {
    void operator()(stored_entry* entry) const noexcept;
  };

  using pointer = std::unique_ptr<stored_entry, deleter>;

  /// Allocates once. Throws std::length_error for a key or a value that is too long,
  /// std::bad_alloc.
  static pointer make(new_entry from);

  stored_entry(const stored_entry&) = delete;
  stored_entry& operator=(const stored_entry&) = delete;

  std::string_view key() const noexcept { return {text(), key_size_}; }

  bool is(std::string_view other, std::uint64_t other_hash) const noexcept {
    return hash == other_hash && key_size_ == other.size() &&
           same_bytes(text(), other.data(), other.size());
  }

  /// The value: small ones are copied, larger ones shared. Never allocates.
  void copy_value(bytes& to) const noexcept {
    if (extras_ & has_shared_value) [[unlikely]] {
      to = bytes::share(value_block());
    } else {
      to.assign_padded(text() + key_size_, small_size_);
    }
  }

  bytes value() const noexcept {
    bytes made;
    copy_value(made);
    return made;
  }

  /// What the source said beside the value; null = nothing.
  std::shared_ptr<const metadata> meta() const noexcept {
    if (extras_ & has_meta) [[unlikely]]
      return *meta_place();
    return nullptr;
  }

  /// A value whose source may be asked whether it still holds.
  bool is_confirmable() const noexcept {
    if (is_absent || (extras_ & has_meta) == 0) return false;
    const auto& said = **meta_place();
    return !said.etag.empty() || !said.last_modified.empty();
  }

  /// It was put with a TTL of its own, which that of the keyspace does not shorten.
  bool has_own_ttl() const noexcept { return (extras_ & own_ttl) != 0; }

  // Used by the eviction policy and the expiry wheel only.
  stored_entry* newer = nullptr;
  stored_entry* older = nullptr;
  stored_entry* expires_next = nullptr;
  stored_entry** expires_link = nullptr;  ///< what points here; null = not in the wheel

  const std::uint64_t hash;
  time_point expires;  ///< change it with entry_table::reschedule()
  time_point loaded_at;
  std::uint64_t epoch;
  std::uint64_t seq;
  std::uint32_t charge = 0;  ///< bytes taken, overhead and share of the index included
  std::uint16_t slot;
  std::uint16_t generation = 0;  ///< of a near copy: the shard's when its owner last vouched for it
  std::uint8_t uses = 0;         ///< hits that the eviction policy wants to know of
  const entry_kind kind;
  const bool is_absent;

 private:
  static constexpr std::uint8_t has_meta = 1, has_shared_value = 2, own_ttl = 4;
  using meta_pointer = std::shared_ptr<const metadata>;

  explicit stored_entry(const new_entry& from) noexcept;
  ~stored_entry();

  char* behind() noexcept { return reinterpret_cast<char*>(this + 1); }

  const char* behind() const noexcept { return reinterpret_cast<const char*>(this + 1); }

  static std::size_t extra_size(std::uint8_t extras) noexcept;

  const char* text() const noexcept { return behind() + text_at_; }

  meta_pointer* meta_place() noexcept { return reinterpret_cast<meta_pointer*>(behind()); }

  const meta_pointer* meta_place() const noexcept {
    return reinterpret_cast<const meta_pointer*>(behind());
  }

  void*& value_block() noexcept;

  void* value_block() const noexcept { return const_cast<stored_entry*>(this)->value_block(); }

  static bool same_bytes(const char* a, const char* b, std::size_t size) noexcept;

  std::uint8_t small_size_ = 0;  // of a value behind the key
  std::uint16_t key_size_;
  std::uint8_t extras_ = 0;
  std::uint8_t text_at_ = 0;  // where the key begins, behind the header and the extras
};

/// Entries that left their table, to be freed when the lock is released.
class entry_list {
 public:
  entry_list() noexcept = default;

  entry_list(entry_list&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}

  entry_list& operator=(entry_list&& other) noexcept {
    std::swap(first_, other.first_);
    return *this;
  }

  ~entry_list() { clear(); }

  void push(stored_entry::pointer entry) noexcept {
    entry->newer = first_;
    first_ = entry.release();
  }

  bool empty() const noexcept { return first_ == nullptr; }

  void clear() noexcept;

 private:
  stored_entry* first_ = nullptr;
};

// Most keys are short, and a call of memcmp costs more than the comparison.
inline bool stored_entry::same_bytes(const char* a, const char* b, std::size_t size) noexcept {
  const auto word = [](const char* at) {
    std::uint64_t read;
    std::memcpy(&read, at, sizeof read);
    return read;
  };
  if (size < 8 || size > 64) [[unlikely]]
    return std::memcmp(a, b, size) == 0;
  for (std::size_t at = 0; at + 8 < size; at += 8) {
    if (word(a + at) != word(b + at)) return false;
  }
  return word(a + size - 8) == word(b + size - 8);
}

}  // namespace weir
