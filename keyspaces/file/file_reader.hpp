#pragma once

#include "file/unique_fd.hpp"

#include <weir/keyspaces/make_sources.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace weir {

/// Opens what lies below `root` and nowhere else, with the flags of open(2); never waits for a
/// writer of a FIFO. None and errno when it cannot.
unique_fd open_beneath(int root, const char* path, int flags) noexcept;

/// True for the one plain spelling of a path below a folder: every file has one key, and one only.
/// No part of it has the name of a file that a store writes aside.
bool is_plain_path(std::string_view key) noexcept;

/// The words of errno.
std::string file_error_text(int error);

/// Files below a folder as values. Stateless but for its options; throws bad_source for a root that
/// cannot be read.
class file_reader {
 public:
  enum class tags : bool { none, of_content };

  file_reader(file_source_options options, tags tags);

  /// The content of a file; with tags::of_content its etag is the SHA-256 of it in hexadecimal digits.
  result<loaded> load(std::string_view key, const load_context& context) const;

  const file_source_options& options() const noexcept { return options_; }

  /// The root, as it is now.
  unique_fd open_root() const noexcept;

  /// The etag of a file with that content.
  static std::string tag_of(std::string_view content);

 private:
  std::shared_ptr<const metadata> meta_of(std::string_view path, const bytes& content) const;

  const file_source_options options_;
  const tags tags_;
};

/// What is written next to a file before it takes its place begins so.
inline constexpr std::string_view aside_prefix = ".weir-";

}  // namespace weir
