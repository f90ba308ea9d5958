#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <sys/stat.h>

namespace weir {

/// What tells one content of a file from another without reading it: which file it is, its size,
/// and when it was last written and last touched in any way.
///
/// The time of the last change (ctime) cannot be set, so a copy that keeps the old time of writing
/// shows too. But the kernel's clock for files ticks every few milliseconds: two changes within one
/// tick look alike. A stamp is therefore proof only once its file has rested for `rest`.
struct file_stamp {
  using time = std::chrono::nanoseconds;  ///< since 1970, as stat(2) has it

  /// More than a tick of any file system in use.
  static constexpr std::chrono::seconds rest{2};

  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  time written{};
  time changed{};

  static file_stamp of(const struct stat& found) noexcept;

  /// Of what `path` leads to; nullopt and errno when there is nothing.
  static std::optional<file_stamp> of(const std::filesystem::path& path) noexcept;

  /// The time on the clock that files are stamped with.
  static time now() noexcept;

  bool is_same_file(const file_stamp& other) const noexcept {
    return device == other.device && inode == other.inode;
  }

  /// How much of `rest` is left at `now`; zero for a file that rests. A change in the future, by a
  /// clock that was set back, is a young one.
  std::chrono::milliseconds left_to_rest(time now) const noexcept;

  friend bool operator==(const file_stamp&, const file_stamp&) = default;
};

}  // namespace weir
