#include <weir/config/load.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace weir::config {

namespace {

class descriptor {
 public:
  explicit descriptor(int fd) : fd_(fd) {}

  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

unreadable because(int error) {
  switch (error) {
    case ENOENT:
      return {"does not exist"};
    case EACCES:
      return {"may not be read by this user (permission denied)"};
    default:
      return {"cannot be read: " + std::generic_category().message(error)};
  }
}

std::string_view kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISFIFO(mode)) return "is a pipe (FIFO)";
  if (S_ISSOCK(mode)) return "is a socket";
  return "is a device";
}

std::variant<std::string, unreadable> read_file(const std::string& path, std::size_t max_bytes) {
  if (path.empty() || path.find('\0') != path.npos) return unreadable{"is not the name of a file"};
  // Without O_NONBLOCK, opening a FIFO waits for a writer.
  const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return because(errno);

  struct stat status {};

  if (::fstat(file.get(), &status) != 0) return because(errno);
  if (!S_ISREG(status.st_mode)) {
    return unreadable{std::string(kind_of(status.st_mode)) + ", not a regular file"};
  }
  const unreadable too_large{"is larger than " + std::to_string(max_bytes / 1024) + " KiB"};
  if (status.st_size > 0 && static_cast<std::uint64_t>(status.st_size) > max_bytes)
    return too_large;
  std::string text;
  constexpr std::size_t step = std::size_t{64} * 1024;
  while (text.size() <= max_bytes) {
    const std::size_t before = text.size();
    text.resize(before + std::min(step, max_bytes + 1 - before));
    const ssize_t count = ::read(file.get(), text.data() + before, text.size() - before);
    if (count < 0 && errno != EINTR) return because(errno);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return text;
  }
  return too_large;
}

}  // namespace

outside process_outside() {
  outside world;
  world.variable = [](std::string_view name) -> std::optional<std::string> {
    const char* found = std::getenv(std::string(name).c_str());
    return found == nullptr ? std::nullopt : std::optional<std::string>(found);
  };
  world.file = read_file;
  return world;
}

}  // namespace weir::config
