#include "keyspaces/file_stamp.hpp"

#include "tests/support/scratch_folder.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr file_stamp changed_at(file_stamp::time when) {
  return {.device = 1, .inode = 2, .size = 3, .written = 0s, .changed = when};
}

TEST(FileStampTest, a_file_rests_two_seconds_after_its_last_change) {
  const auto stamp = changed_at(100s);
  EXPECT_EQ(stamp.left_to_rest(100s), 2000ms);
  EXPECT_EQ(stamp.left_to_rest(101s + 1ns), 1000ms);
  EXPECT_EQ(stamp.left_to_rest(102s - 1ns), 1ms);
  EXPECT_EQ(stamp.left_to_rest(102s), 0ms);
}

TEST(FileStampTest, a_change_in_the_future_is_a_young_one) {
  EXPECT_EQ(changed_at(100s).left_to_rest(99s), 2000ms);
}

TEST(FileStampTest, tells_a_copy_with_the_same_size_and_date) {
  const test::scratch_folder folder;
  const auto path = folder.write("a", "one");
  const timespec then[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), then, 0), 0);
  const auto before = file_stamp::of(std::filesystem::path(path));
  ASSERT_TRUE(before);
  auto after = before;
  do {  // until the clock of the file system ticks
    folder.write("a", "two");
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), then, 0), 0);
    after = file_stamp::of(std::filesystem::path(path));
    ASSERT_TRUE(after);
  } while (after->changed == before->changed);
  EXPECT_EQ(after->written, before->written);
  EXPECT_TRUE(after->is_same_file(*before));
  EXPECT_NE(after, before);
}

TEST(FileStampTest, a_missing_file_has_none) {
  EXPECT_EQ(file_stamp::of(std::filesystem::path("/nowhere/at/all")), std::nullopt);
}

}  // namespace
}  // namespace weir
