#include "file/file_writer.hpp"

#include <weir/transport/text.hpp>

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

namespace weir {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY;
constexpr mode_t file_mode = 0666;
constexpr mode_t folder_mode = 0777;

error refused(const load_context& context, const std::string& what, int why) {
  context.say(what + ": " + file_error_text(why));
  const bool is_of_key = why == ENAMETOOLONG || why == ENOTDIR || why == EISDIR || why == EXDEV;
  return is_of_key ? errc::bad_request : errc::source_failed;
}

std::string_view folder_of(std::string_view key) {
  const auto slash = key.rfind('/');
  return slash == key.npos ? std::string_view(".") : key.substr(0, slash);
}

std::string name_of(std::string_view key) {
  return std::string(key.substr(key.rfind('/') + 1));
}

/// Opens the folder of a key; makes what is missing of it if `makes`.
unique_fd open_folder(int root, std::string_view key, bool makes) {
  const std::string path(folder_of(key));
  auto found = open_beneath(root, path.c_str(), folder_flags);
  if (found || errno != ENOENT || !makes) return found;
  for (auto end = path.find('/');; end = path.find('/', end + 1)) {
    const auto part = path.substr(0, end);
    auto above = open_beneath(root, std::string(folder_of(part)).c_str(), folder_flags);
    if (!above) return above;
    if (::mkdirat(above.get(), name_of(part).c_str(), folder_mode) == 0) {
      ::fsync(above.get());
    } else if (errno != EEXIST) {
      return unique_fd();
    }
    if (end == path.npos) break;
  }
  return open_beneath(root, path.c_str(), folder_flags);
}

/// The lock of a root, for as long as it lives.
class root_lock {
 public:
  /// Waits until the deadline; false and no lock then.
  bool take(int root, const load_context& context) {
    held_ = open_beneath(root, ".", folder_flags);
    while (held_ && ::flock(held_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK || context.env.now() >= context.deadline) return false;
      constexpr timespec pause{0, 1'000'000};
      ::nanosleep(&pause, nullptr);
    }
    return static_cast<bool>(held_);
  }

 private:
  unique_fd held_;  // closing it gives the lock back
};

/// A file that is written beside the one whose place it is to take; gone unless it did.
class aside_file {
 public:
  aside_file(int folder, mode_t mode) : folder_(folder) {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) return;
    name_ = std::string(aside_prefix) + hex(number);
    file_ = unique_fd(
        ::openat(folder_, name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    );
    is_there_ = static_cast<bool>(file_);
  }

  aside_file(const aside_file&) = delete;
  aside_file& operator=(const aside_file&) = delete;

  ~aside_file() {
    if (is_there_) ::unlinkat(folder_, name_.c_str(), 0);
  }

  /// False and errno when it could not be written and flushed.
  bool fill(std::string_view with) const {
    if (!file_) return false;
    while (!with.empty()) {
      const auto written = ::write(file_.get(), with.data(), with.size());
      if (written < 0 && errno != EINTR) return false;
      if (written > 0) with.remove_prefix(static_cast<std::size_t>(written));
    }
    return ::fsync(file_.get()) == 0;
  }

  bool take_place(const std::string& of) {
    if (::renameat(folder_, name_.c_str(), folder_, of.c_str()) != 0) return false;
    is_there_ = false;
    return true;
  }

 private:
  const int folder_;
  std::string name_;
  unique_fd file_;
  bool is_there_ = false;
};

/// The rights that a file has now, or those of a new one.
mode_t mode_of(int folder, const std::string& name) {
  struct stat found;
  const bool is_there = ::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
  return is_there && S_ISREG(found.st_mode) ? found.st_mode & 07777 : file_mode;
}

}  // namespace

result<stored> file_writer::put(
    std::string_view key,
    const bytes& value,
    const write_condition& condition,
    const load_context& context
) const {
  if (!is_plain_path(key)) return errc::bad_request;
  if (value.size() > reader_.options().max_entry) return errc::too_large;
  const auto root = reader_.open_root();
  if (!root) return refused(context, "the root folder", errno);
  const auto folder = open_folder(root.get(), key, true);
  if (!folder) return refused(context, "the folder of the file", errno);
  const auto name = name_of(key);
  aside_file aside(folder.get(), mode_of(folder.get(), name));
  if (!aside.fill(value.view())) return refused(context, "the new file", errno);
  root_lock lock;
  if (!lock.take(root.get(), context)) return errc::overloaded;
  if (const auto holds = judge(key, condition, context); !holds) return holds.error();
  if (!aside.take_place(name)) return refused(context, "the file", errno);
  if (::fsync(folder.get()) != 0) {
    context.say("the folder could not be flushed: " + file_error_text(errno));
    return errc::unknown_outcome;
  }
  return stored{file_reader::tag_of(value.view())};
}

result<stored> file_writer::erase(
    std::string_view key, const write_condition& condition, const load_context& context
) const {
  if (!is_plain_path(key)) return errc::bad_request;
  const auto root = reader_.open_root();
  if (!root) return refused(context, "the root folder", errno);
  root_lock lock;
  if (!lock.take(root.get(), context)) return errc::overloaded;
  if (const auto holds = judge(key, condition, context); !holds) return holds.error();
  const auto folder = open_folder(root.get(), key, false);
  const bool is_gone = folder && ::unlinkat(folder.get(), name_of(key).c_str(), 0) == 0;
  if (!is_gone) {
    const bool was_absent = errno == ENOENT || errno == ENOTDIR;
    return was_absent ? result<stored>(stored()) : refused(context, "the file", errno);
  }
  if (::fsync(folder.get()) != 0) {
    context.say("the folder could not be flushed: " + file_error_text(errno));
    return errc::unknown_outcome;
  }
  return stored();
}

// Under the lock.
result<void> file_writer::judge(
    std::string_view key, const write_condition& condition, const load_context& context
) const {
  if (condition.when == write_condition::kind::none) return {};
  const auto found = reader_.load(key, context);
  if (!found && found.error() != errc::not_found && found.error() != errc::too_large)
    return found.error();
  const bool is_there = found ? found->found : found.error() == errc::too_large;
  if (condition.when == write_condition::kind::absent)
    return is_there ? result<void>(errc::conflict) : result<void>();
  const bool is_same = found && found->meta && found->meta->etag == condition.etag;
  return is_same ? result<void>() : result<void>(errc::conflict);
}

}  // namespace weir
