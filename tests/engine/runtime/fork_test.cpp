// A process that was forked off: no thread of the cache went with it.
#include "tests/engine/keyspace/cache_fixture.hpp"

#include <sys/wait.h>
#include <unistd.h>

namespace weir::test {
namespace {

TEST_F(CacheTest, InAForkedProcessAHitAnswersAndTheRestFailsAtOnce) {
  get("kept");
  const auto child = ::fork();
  if (child == 0) {
    const bool is_right = get("kept") == "value of kept" && get("other") == "unavailable" &&
                          users_.get_many({"other"}).at(0).error() == errc::unavailable &&
                          users_.put("kept", "x").error() == errc::unavailable &&
                          users_.put_many({{"kept", "x"}}).at(0).error() == errc::unavailable;
    ::_exit(is_right ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(get("other"), "value of other");
}

}  // namespace
}  // namespace weir::test
