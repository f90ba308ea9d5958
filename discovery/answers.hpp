#pragma once

#include <weir/discovery/provider.hpp>

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

// What providers that work on their own loop have in common.
namespace weir {

/// The callback for a provider's answers, until the provider stops. Thread-safe.
class answer_slot {
 public:
  explicit answer_slot(provider::answer_callback to) : to_(std::move(to)) {}

  void tell(result<std::vector<candidate>> found) {
    const std::lock_guard lock(mutex_);
    if (to_) to_(std::move(found));
  }

  /// No answer is given once this has returned.
  void close() {
    const std::lock_guard lock(mutex_);
    to_ = nullptr;
  }

 private:
  std::mutex mutex_;  // held while answering
  provider::answer_callback to_;
};

/// What `count` says of each of the outcomes, with its name.
template <class Outcome, class Count>
std::vector<answer_count> counts_of(std::size_t outcomes, const Count& count) {
  std::vector<answer_count> out;
  for (std::size_t i = 0; i != outcomes; ++i) {
    const auto each = static_cast<Outcome>(i);
    out.push_back({name(each), count(each)});
  }
  return out;
}

}  // namespace weir
