#include "tests/config/config_support.hpp"
#include "tests/support/scratch_folder.hpp"

#include <sys/stat.h>

namespace weir::config {
namespace {

/// Files of the real file system, in a folder of their own.
class FilesTest : public testing::Test {
 protected:
  std::string write(std::string_view name, std::string_view text) const {
    return folder.write(name, text);
  }

  /// The only problem of loading `path`, without its name.
  static std::string problem_of(const std::string& path) {
    const auto loaded = load({{path}, {}}, process_outside());
    if (loaded.problems.size() != 1) return format_problems(loaded.problems);
    EXPECT_EQ(loaded.problems[0].source, path);
    return loaded.problems[0].text;
  }

  test::scratch_folder folder;
};

TEST_F(FilesTest, LoadsAFile) {
  const auto path = write("weir.yaml", "keyspaces: [{name: a, source: {type: file, root: /}}]\n");
  EXPECT_TRUE(load({{path}, {}}, process_outside()).settings);
}

TEST_F(FilesTest, RefusesAMissingFile) {
  EXPECT_EQ(problem_of((folder / "none.yaml").string()), "does not exist");
}

TEST_F(FilesTest, RefusesADirectory) {
  EXPECT_EQ(problem_of(folder.path().string()), "is a directory, not a regular file");
}

TEST_F(FilesTest, RefusesAFifoWithoutWaitingForAWriter) {
  const auto path = (folder / "fifo").string();
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(problem_of(path), "is a pipe (FIFO), not a regular file");
}

TEST_F(FilesTest, RefusesADevice) {
  EXPECT_EQ(problem_of("/dev/zero"), "is a device, not a regular file");
}

TEST_F(FilesTest, RefusesAnUnreadableFile) {
  const auto path = write("weir.yaml", "");
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0755), 0);
  const bool root = ::geteuid() == 0;
  constexpr uid_t nobody = 65534;
  ASSERT_EQ(root ? ::seteuid(nobody) : 0, 0);
  const std::string problem = problem_of(path);
  ASSERT_EQ(root ? ::seteuid(0) : 0, 0);
  EXPECT_EQ(problem, "may not be read by this user (permission denied)");
}

TEST_F(FilesTest, RefusesAFileOf100MebibytesWithoutReadingIt) {
  const auto path = write("weir.yaml", "a: b\n");
  std::filesystem::resize_file(path, std::uintmax_t{100} << 20);
  EXPECT_EQ(problem_of(path), "is larger than 1024 KiB");
}

TEST_F(FilesTest, TakesAFileOfExactlyOneMebibyte) {
  std::string text = "keyspaces: [{name: a, source: {type: file, root: /}}]\n#";
  text.resize(std::size_t{1} << 20, ' ');
  EXPECT_TRUE(load({{write("weir.yaml", text)}, {}}, process_outside()).settings);
  EXPECT_EQ(problem_of(write("more.yaml", text + " ")), "is larger than 1024 KiB");
}

TEST_F(FilesTest, RefusesNamesThatAreNone) {
  EXPECT_EQ(problem_of(""), "is not the name of a file");
}

TEST_F(FilesTest, ReadsSecretsFromFilesOfAtMost8KiB) {
  const auto token = write("token", std::string(9000, 'x'));
  const auto path = write(
      "weir.yaml",
      "keyspaces: [{name: a, source: {type: http, url: \"http://h/{key}\", headers: {a: {file: \"" +
          token + "\"}}}}]\n"
  );
  EXPECT_THAT(problem_of(path), HasSubstr("is larger than 8 KiB"));
}

TEST_F(FilesTest, ReadsTheProcessEnvironment) {
  ASSERT_EQ(::setenv("WEIR_CONFIG_TEST", "x", 1), 0);
  EXPECT_EQ(process_outside().variable("WEIR_CONFIG_TEST"), "x");
  ASSERT_EQ(::unsetenv("WEIR_CONFIG_TEST"), 0);
  EXPECT_FALSE(process_outside().variable("WEIR_CONFIG_TEST"));
}

}  // namespace
}  // namespace weir::config
