#include "file/file_reader.hpp"

#include "file/content_type.hpp"
#include "file_stamp.hpp"

#include <weir/transport/text.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <openssl/evp.h>
#include <optional>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>

namespace weir {
namespace {

constexpr std::size_t max_read = 1u << 20;  // between two looks at the clock
constexpr int attempts = 3;

result<loaded> failed(const load_context& context, std::string_view what, int error) {
  context.say(std::string(what) + ": " + file_error_text(error));
  return errc::source_failed;
}

result<loaded> open_error(const load_context& context, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EXDEV:  // a link leaves the root
      return errc::not_found;
    case ENXIO:
      context.say("not a regular file");
      return errc::source_failed;
    default:
      return failed(context, "the file", error);
  }
}

/// The content of a file of `size` bytes; nullopt when it turns out to have more or fewer.
result<std::optional<bytes>> read_whole(int file, std::size_t size, const load_context& context) {
  error_code failure;
  std::size_t done = 0;
  bool is_whole = false;
  auto content = bytes::build(size, [&](char* to) {
    char beyond = 0;
    while (!failure && !is_whole && done <= size) {
      if (context.env.now() >= context.deadline) {
        failure = errc::deadline_exceeded;
        return;
      }
      const bool is_full = done == size;  // one byte more tells whether this is the end
      const auto got = ::read(
          file, is_full ? &beyond : to + done, is_full ? 1 : std::min(size - done, max_read)
      );
      if (got > 0) {
        done += static_cast<std::size_t>(got);
      } else if (got == 0) {
        if (!is_full) return;
        is_whole = true;
      } else if (errno != EINTR) {
        failure = failed(context, "the file", errno).error();
      }
    }
  });
  if (failure) return failure;
  if (!is_whole) return std::optional<bytes>();
  return std::optional<bytes>(std::move(content));
}

}  // namespace

std::string file_error_text(int error) {
  return std::generic_category().message(error);
}

unique_fd open_beneath(int root, const char* path, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    const auto opened = static_cast<int>(::syscall(SYS_openat2, root, path, &how, sizeof how));
    if (opened >= 0 || (errno != EINTR && (errno != EAGAIN || attempt == attempts)))
      return unique_fd(opened);
  }
}

bool is_plain_path(std::string_view key) noexcept {
  if (key.empty() || key.find('\0') != std::string_view::npos) return false;
  while (true) {
    const auto slash = std::min(key.find('/'), key.size());
    const auto part = key.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.starts_with(aside_prefix)) return false;
    if (slash == key.size()) return true;
    key.remove_prefix(slash + 1);
  }
}

file_reader::file_reader(file_source_options options, tags tags)
    : options_(std::move(options)), tags_(tags) {
  check(options_);
  const auto root = open_root();
  if (root && open_beneath(root.get(), ".", O_RDONLY)) return;
  const int error = errno;
  throw bad_source(
      "root",
      "weir: cannot read the folder \"" + options_.root.string() +
          "\" of a file source: " + file_error_text(error) +
          (error == ENOSYS ? " (it needs openat2, Linux 5.6 or later)" : "")
  );
}

unique_fd file_reader::open_root() const noexcept {
  return unique_fd(::open(options_.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

result<loaded> file_reader::load(std::string_view key, const load_context& context) const {
  if (!is_plain_path(key)) return errc::not_found;
  const auto root = open_root();
  if (!root) return failed(context, "the root folder", errno);
  const std::string path(key);
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const auto file = open_beneath(root.get(), path.c_str(), O_RDONLY);
    if (!file) return open_error(context, errno);
    struct stat before, after;
    if (::fstat(file.get(), &before) != 0) return failed(context, "the file", errno);
    if (S_ISDIR(before.st_mode)) return errc::not_found;
    if (!S_ISREG(before.st_mode)) {
      context.say("not a regular file");
      return errc::source_failed;
    }
    if (static_cast<std::uint64_t>(before.st_size) > options_.max_entry) return errc::too_large;
    auto content = read_whole(file.get(), static_cast<std::size_t>(before.st_size), context);
    if (!content) return content.error();
    if (::fstat(file.get(), &after) != 0) return failed(context, "the file", errno);
    const auto stamp = file_stamp::of(after);
    if (!*content || file_stamp::of(before) != stamp) continue;
    loaded found{.value = std::move(**content)};
    found.meta = meta_of(path, found.value);
    // Who writes it may only pause: that may be half of it.
    const auto unsure = stamp.left_to_rest(file_stamp::now());
    if (unsure.count() > 0) found.ttl = unsure;
    return found;
  }
  context.say("the file changes while it is read");
  return errc::source_failed;
}

std::string file_reader::tag_of(std::string_view content) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(content.data(), content.size(), digest, &size, EVP_sha256(), nullptr) != 1)
    return {};
  std::string out;
  for (unsigned i = 0; i != size; ++i) append_hex(out, digest[i]);
  return out;
}

std::shared_ptr<const metadata> file_reader::meta_of(std::string_view path, const bytes& content)
    const {
  const auto type = content_type_of(path);
  auto tag = tags_ == tags::of_content ? tag_of(content.view()) : std::string();
  if (type.empty() && tag.empty()) return nullptr;
  return std::make_shared<metadata>(metadata{std::string(type), std::move(tag)});
}

}  // namespace weir
