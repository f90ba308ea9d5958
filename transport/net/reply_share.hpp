#pragma once

#include <weir/transport/reply_budget.hpp>

#include <memory>
#include <utility>

namespace weir {

/// What one connection has of the budget; gives it back when it goes. Used by one thread at a time.
class reply_share {
 public:
  explicit reply_share(std::shared_ptr<reply_budget> of) noexcept : of_(std::move(of)) {}

  reply_share(const reply_share&) = delete;
  reply_share& operator=(const reply_share&) = delete;

  ~reply_share() { set(0); }

  /// Takes `size` bytes more; false when they are not there.
  bool grow(std::size_t size) noexcept {
    if (!of_->take(size)) return false;
    size_ += size;
    return true;
  }

  /// From here on the connection holds `size` bytes, whether they are there or not.
  void set(std::size_t size) noexcept {
    if (size > size_) of_->force(size - size_);
    if (size < size_) of_->give_back(size_ - size);
    size_ = size;
  }

  std::size_t size() const noexcept { return size_; }

  const reply_budget& budget() const noexcept { return *of_; }

 private:
  std::shared_ptr<reply_budget> of_;
  std::size_t size_ = 0;
};

}  // namespace weir
