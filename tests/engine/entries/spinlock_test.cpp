#include "engine/entries/spinlock.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>

namespace weir::test {
namespace {

TEST(SpinlockTest, LetsOneThreadInAtATime) {
  spinlock mutex;
  int count = 0;
  const auto work = [&] {
    for (int i = 0; i != 20000; ++i) {
      const std::lock_guard lock(mutex);
      ++count;
    }
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(count, 40000);
}

TEST(SpinlockTest, TriesWithoutWaiting) {
  spinlock mutex;
  EXPECT_TRUE(mutex.try_lock());
  EXPECT_FALSE(mutex.try_lock());
  mutex.unlock();
  EXPECT_TRUE(mutex.try_lock());
  mutex.unlock();
}
}  // namespace
}  // namespace weir::test
