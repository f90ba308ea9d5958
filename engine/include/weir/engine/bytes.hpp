#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weir {

/// An immutable sequence of bytes that is cheap to copy.
///
/// Up to `inline_capacity` bytes live inside the object: no allocation, no shared counter. Longer ones
/// share one reference-counted block. Distinct objects may be used from distinct threads, also when
/// they share a block. Construction allocates at most once; copying never does.
class bytes {
 public:
  static constexpr std::size_t inline_capacity = 119;

  bytes() noexcept = default;
  bytes(const char* data, std::size_t size) {
    if (size <= inline_capacity) {
      copy_small(data_, data, size);
      size_ = static_cast<unsigned char>(size);
    } else {
      std::memcpy(reserve(size), data, size);
    }
  }
  bytes(std::string_view text) : bytes(text.data(), text.size()) {}    // NOLINT: a value type
  bytes(const std::string& text) : bytes(text.data(), text.size()) {}  // NOLINT
  bytes(const char* text) : bytes(std::string_view(text)) {}           // NOLINT

  bytes(const bytes& other) noexcept {
    take(other);
    if (is_shared()) block()->references.fetch_add(1, std::memory_order_relaxed);
  }
  bytes(bytes&& other) noexcept {
    take(other);
    other.size_ = 0;
  }
  bytes& operator=(bytes other) noexcept {
    release();
    take(other);
    other.size_ = 0;
    return *this;
  }
  ~bytes() { release(); }

  const char* data() const noexcept { return is_shared() ? block()->data() : data_; }
  std::size_t size() const noexcept { return is_shared() ? block()->size : size_; }
  bool empty() const noexcept { return size() == 0; }
  std::string_view view() const noexcept { return {data(), size()}; }

  /// A copy as text; the bytes need not be text.
  std::string text() const { return std::string(view()); }

  /// True when the bytes live in a shared block (longer than inline_capacity).
  bool is_shared() const noexcept { return size_ == shared_mark; }

  /// Bytes taken beyond the object itself, 0 for inline ones.
  std::size_t heap_size() const noexcept {
    return is_shared() ? sizeof(shared_block) + block()->size : 0;
  }

  /// A value of `size` bytes filled by `fill(char*)` before anybody else sees it; allocates at most once.
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
    std::atomic<std::size_t> references{1};
    std::size_t size = 0;
    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  };
  static constexpr unsigned char shared_mark = 255;

  shared_block* block() const noexcept {
    shared_block* found;
    std::memcpy(&found, data_, sizeof found);
    return found;
  }
  void take(const bytes& other) noexcept {
    std::memcpy(data_, other.data_, sizeof data_);
    size_ = other.size_;
  }
  char* reserve(std::size_t size);
  void release() noexcept {
    if (is_shared() && block()->references.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
  }
  void destroy() noexcept;

  // Of at most inline_capacity bytes, by at most eight moves of fixed size that may overlap: a call of
  // memcpy costs more.
  static void copy_small(char* to, const char* from, std::size_t size) noexcept {
    const auto both_ends = [&](auto half) {
      std::memcpy(to, from, half);
      std::memcpy(to + size - half, from + size - half, half);
    };
    using std::integral_constant;
    if (size > 64) return both_ends(integral_constant<std::size_t, 64>());
    if (size > 32) return both_ends(integral_constant<std::size_t, 32>());
    if (size > 16) return both_ends(integral_constant<std::size_t, 16>());
    if (size >= 8) return both_ends(integral_constant<std::size_t, 8>());
    for (std::size_t i = 0; i != size; ++i) to[i] = from[i];
  }

  // For the store, which keeps of a shared value only its block: 8 bytes instead of the whole object.
  friend class stored_entry;
  static bytes adopt(void* held) noexcept {
    bytes made;
    std::memcpy(made.data_, &held, sizeof held);
    made.size_ = shared_mark;
    return made;
  }
  static bytes share(void* held) noexcept {
    static_cast<shared_block*>(held)->references.fetch_add(1, std::memory_order_relaxed);
    return adopt(held);
  }
  void* give_up() noexcept {
    size_ = 0;
    return block();
  }

  alignas(8) char data_[inline_capacity];
  unsigned char size_ = 0;
};

}  // namespace weir
