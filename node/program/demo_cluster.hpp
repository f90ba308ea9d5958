#pragma once

#include <weir/discovery/static_provider.hpp>
#include <weir/node/node.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// Three nodes on ephemeral loopback ports in this process, over one slow source.
class demo_cluster {
 public:
  static constexpr milliseconds source_delay{200};

  demo_cluster();
  ~demo_cluster();

  /// Starts the nodes and waits until each has all three in its ring, for some seconds at most.
  boost::system::result<void, start_error> start();

  std::size_t size() const noexcept { return nodes_.size(); }

  const node& at(std::size_t index) const { return *nodes_[index]; }

  /// A node that has to ask another one for `key`.
  const node& not_owner_of(const std::string& key) const;

  struct herd_result {
    std::size_t answers = 0;  ///< with a value
    std::size_t loads = 0;    ///< calls of the source
    std::chrono::microseconds took{0};
  };

  /// `size` gets of `key` at the same time, spread over the nodes.
  herd_result herd(const std::string& key, std::size_t size);

 private:
  bool wait_for_rings();

  std::atomic<std::size_t> loads_{0};
  std::vector<std::shared_ptr<static_provider>> providers_;
  std::vector<std::unique_ptr<node>> nodes_;
  std::vector<keyspace> users_;
};

}  // namespace weir
