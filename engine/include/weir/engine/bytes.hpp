#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
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
  bytes(const char* data, std::size_t size) { std::memcpy(reserve(size), data, size); }
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

  alignas(8) char data_[inline_capacity];
  unsigned char size_ = 0;
};

}  // namespace weir
