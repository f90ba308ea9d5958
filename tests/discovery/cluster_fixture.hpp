#pragma once

#include <weir/discovery/provider.hpp>
#include <weir/node/node.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::test {

/// Nodes of one process that have nothing but their discovery to find each other.
class cluster_fixture : public testing::Test {
 protected:
  void TearDown() override;

  /// Node "n<number>", not started, with a keyspace "users" that gives "value of <key>".
  node& add_node(int number, std::string peer_address, std::shared_ptr<provider> discovery);

  void start_all();

  /// All nodes that were not stopped have this many members in the same ring, and a lease.
  bool agree_on(std::size_t members) const;

  /// How often that node logged this event.
  int logged(int number, const std::string& event);

  /// How many answers of this outcome the node's discovery counted.
  static int answers(const node& of, std::string_view outcome);

 private:
  std::mutex mutex_;
  std::map<std::pair<int, std::string>, int> logged_;

 protected:
  std::vector<std::unique_ptr<node>> nodes_;
};

}  // namespace weir::test
