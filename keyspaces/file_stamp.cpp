#include "file_stamp.hpp"

#include <ctime>

namespace weir {
namespace {

file_stamp::time time_of(const timespec& given) noexcept {
  return std::chrono::seconds(given.tv_sec) + std::chrono::nanoseconds(given.tv_nsec);
}

}  // namespace

file_stamp file_stamp::of(const struct stat& found) noexcept {
  return {
      found.st_dev, found.st_ino, found.st_size, time_of(found.st_mtim), time_of(found.st_ctim)};
}

std::optional<file_stamp> file_stamp::of(const std::filesystem::path& path) noexcept {
  struct stat found;
  if (::stat(path.c_str(), &found) != 0) return std::nullopt;
  return of(found);
}

file_stamp::time file_stamp::now() noexcept {
  timespec read{};
  ::clock_gettime(CLOCK_REALTIME, &read);
  return time_of(read);
}

std::chrono::milliseconds file_stamp::left_to_rest(time now) const noexcept {
  if (now < changed) return rest;
  if (now - changed >= rest) return std::chrono::milliseconds(0);
  return std::chrono::ceil<std::chrono::milliseconds>(rest - (now - changed));
}

}  // namespace weir
