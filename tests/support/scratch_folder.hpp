#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace weir::test {

/// A new folder for one test, gone with everything in it at the end.
class scratch_folder {
 public:
  scratch_folder() {
    auto name = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }

  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  /// The path of a file in it, whether there is one or not.
  std::string file(std::string_view name) const { return (path_ / name).string(); }

  /// Writes a file, replacing it, with the folders above it, and returns its path.
  std::string write(std::string_view name, std::string_view content) const {
    const auto made = path_ / name;
    std::filesystem::create_directories(made.parent_path());
    std::ofstream(made, std::ios::binary) << content;
    return made.string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace weir::test
