#include "tls/tls_pem.hpp"

#include <weir/engine/errc.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {
namespace {

constexpr std::size_t max_file = 1 << 20;

enum class readers : std::uint8_t { anybody, few };

tls_error cannot_use(const std::string& path, const std::string& why) {
  return {make_error_code(errc::bad_request), "\"" + path + "\" " + why};
}

/// A descriptor that closes itself. Opening does not wait for somebody to write into a pipe.
struct open_file {
  explicit open_file(const std::string& path)
      : fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}

  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  ~open_file() {
    if (fd >= 0) ::close(fd);
  }

  const int fd;
};

boost::system::result<void, tls_error> read_file(
    const std::string& path, readers who, std::string& out
) {
  if (path.empty()) return {};
  const open_file file(path);

  struct stat found {};

  if (file.fd < 0 || ::fstat(file.fd, &found) != 0) {
    const error_code why(errno, boost::system::system_category());
    return tls_error{why, "cannot read \"" + path + "\": " + why.message()};
  }
  if (!S_ISREG(found.st_mode)) return cannot_use(path, "is not a file");
  if (who == readers::few && (found.st_mode & (S_IRWXO | S_IWGRP | S_IXGRP)) != 0) {
    return cannot_use(path, "is a private key that others may read; chmod 640 it");
  }
  std::array<char, 16'384> piece;
  for (;;) {
    const auto got = ::read(file.fd, piece.data(), piece.size());
    if (got < 0) {
      const error_code why(errno, boost::system::system_category());
      return tls_error{why, "cannot read \"" + path + "\": " + why.message()};
    }
    if (got == 0) break;
    if (out.size() + static_cast<std::size_t>(got) > max_file) {
      return cannot_use(path, "is over 1 MiB; give a PEM file");
    }
    out.append(piece.data(), static_cast<std::size_t>(got));
  }
  OPENSSL_cleanse(piece.data(), piece.size());
  if (out.empty()) return cannot_use(path, "is empty; give a PEM file");
  return {};
}

}  // namespace

tls_texts::~tls_texts() {
  OPENSSL_cleanse(key.data(), key.size());
}

boost::system::result<tls_texts, tls_error> read_tls_files(const tls_files& files) {
  tls_texts texts;
  for (const auto& [path, who, into] :
       {std::tuple(&files.cert, readers::anybody, &texts.cert),
        std::tuple(&files.key, readers::few, &texts.key),
        std::tuple(&files.ca, readers::anybody, &texts.ca)}) {
    if (auto done = read_file(*path, who, *into); !done) return done.error();
  }
  return texts;
}

}  // namespace weir
