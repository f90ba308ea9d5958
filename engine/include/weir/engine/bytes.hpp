#pragma once

#include <weir/engine/api.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace weir WEIR_API {

/// An immutable sequence of bytes that is cheap to copy.
///
/// Up to `inline_capacity` bytes live inside the object: no allocation, no shared counter. Longer
/// ones share one reference-counted block; of some 32 KiB and more it lies in pages of its own,
/// which go back to the system with it and leave no hole among smaller ones. Distinct objects may
/// be used from distinct threads, also when they share a block. Construction allocates at most
/// once; copying never does.
class bytes {
 public:
  static constexpr std::size_t inline_capacity = 119;

  bytes() noexcept = default;

  bytes(const char* data, std::size_t size) { std::memcpy(reserve(size), data, size); }

  bytes(std::string_view text) : bytes(text.data(), text.size()) {}  // NOLINT: a value type

  bytes(const std::string& text) : bytes(text.data(), text.size()) {}  // NOLINT

  bytes(const char* text) : bytes(std::string_view(text)) {}  // NOLINT

  bytes(const bytes& other) noexcept {
    take(other);
    if (is_shared()) block()->references.fetch_add(1, std::memory_order_relaxed);
  }

  bytes(bytes&& other) noexcept {
    take(other);
    other.content_.set_size(0);
  }

  bytes& operator=(bytes other) noexcept {
    release();
    take(other);
    other.content_.set_size(0);
    return *this;
  }

  ~bytes() { release(); }

  const char* data() const noexcept { return is_shared() ? block()->data() : content_.data; }

  std::size_t size() const noexcept { return is_shared() ? block()->size : small_size(); }

  bool empty() const noexcept { return size() == 0; }

  std::string_view view() const noexcept { return {data(), size()}; }

  /// A copy as text; the bytes need not be text.
  std::string text() const { return std::string(view()); }

  /// True when the bytes live in a shared block (longer than inline_capacity).
  bool is_shared() const noexcept { return small_size() == shared_mark; }

  /// Bytes taken beyond the object itself, whole pages where it has pages of its own; 0 for inline
  /// ones.
  std::size_t heap_size() const noexcept;

  /// A value of `size` bytes filled by `fill(char*)` before anybody else sees it; allocates at most
  /// once.
  template <class Fill>
  static bytes build(std::size_t size, Fill&& fill) {
    bytes made;
    fill(made.reserve(size));
    return made;
  }

  friend bool operator==(const bytes& a, const bytes& b) noexcept { return a.view() == b.view(); }

  friend bool operator==(const bytes& a, std::string_view b) noexcept { return a.view() == b; }

 private:
  struct shared_block {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t pages = 0;  // of its own; 0 = from operator new
    std::size_t size = 0;

    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  };

  static constexpr unsigned char shared_mark = 255;

  // Copied by moves of fixed size, and written in the same pieces where a copy may soon follow: a
  // processor waits when it reads a word of which a part was just written.
  struct content {
    content() noexcept { set_size(0); }

    // Also clears what lies behind byte 111.
    void set_size(std::uint64_t size) noexcept {
      const auto last = std::endian::native == std::endian::little ? size << 56 : size;
      std::memcpy(data + 112, &last, sizeof last);
    }

    alignas(8) char data[inline_capacity + 1];  // the last one is the size
  };

  shared_block* block() const noexcept {
    shared_block* found;
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the pointer itself
    std::memcpy(&found, content_.data, sizeof found);
    return found;
  }

  unsigned char small_size() const noexcept {
    return static_cast<unsigned char>(content_.data[inline_capacity]);
  }

  void take(const bytes& other) noexcept { content_ = other.content_; }

  char* reserve(std::size_t size);

  void release() noexcept {
    if (is_shared() && block()->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }

  void destroy() noexcept;

  // For stored entries. They keep only the block of a shared value, 8 bytes instead of the whole
  // object, and pad short ones, to copy them by whole words: a call of memcpy costs more, and so
  // does copying a value whose words were not written as they are read.
  friend class stored_entry;

  static constexpr std::size_t padded(std::size_t size) noexcept {
    return size > 112 ? size : (size + 15) / 16 * 16;
  }

  void assign_padded(const char* data, std::size_t size) noexcept {
    release();
    for (std::size_t at = 0; at < size && at != 112; at += 16) {
      __builtin_memcpy(content_.data + at, data + at, 16);  // hardened memcpy is a call
    }
    content_.set_size(size);
    if (size > 112) [[unlikely]]
      std::memcpy(content_.data + 112, data + 112, size - 112);
  }

  static bytes adopt(void* held) noexcept {
    bytes made;
    std::memcpy(made.content_.data, &held, sizeof held);
    made.content_.set_size(shared_mark);
    return made;
  }

  static bytes share(void* held) noexcept {
    static_cast<shared_block*>(held)->references.fetch_add(1, std::memory_order_relaxed);
    return adopt(held);
  }

  void* give_up() noexcept {
    content_.set_size(0);
    return block();
  }

  content content_;
};

}  // namespace weir
