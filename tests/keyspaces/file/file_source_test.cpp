#include "tests/keyspaces/loading.hpp"

#include <weir/keyspaces/make_sources.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace std::string_literals;

struct FileSourceTest : loading_test {
  test::scratch_folder folder;

  void SetUp() override {
    folder.write("root/a.txt", "hello");
    folder.write("root/sub/b.json", "{}");
    folder.write("outside.txt", "secret");
    use({.root = folder / "root", .max_entry = 1000});
  }

  void use(file_source_options options) { source = make_file_source(std::move(options)); }
};

TEST_F(FileSourceTest, the_key_is_the_path_below_the_root) {
  EXPECT_EQ(answer("a.txt"), "value:hello");
  EXPECT_EQ(answer("sub/b.json"), "value:{}");
}

TEST_F(FileSourceTest, files_may_be_empty_and_hold_any_byte) {
  const std::string every("\0\r\n\xff", 4);
  folder.write("root/every", every);
  folder.write("root/empty", "");
  EXPECT_EQ(answer("every"), "value:" + every);
  EXPECT_EQ(answer("empty"), "value:");
}

TEST_F(FileSourceTest, the_extension_tells_the_content_type) {
  folder.write("root/PAGE.HTML", "x");
  folder.write("root/none", "x");
  folder.write("root/some.d/none", "x");
  folder.write("root/odd.zzz", "x");
  EXPECT_EQ(load("a.txt")->meta->content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(load("sub/b.json")->meta->content_type, "application/json");
  EXPECT_EQ(load("PAGE.HTML")->meta->content_type, "text/html; charset=utf-8");
  EXPECT_EQ(load("none")->meta, nullptr);
  EXPECT_EQ(load("some.d/none")->meta, nullptr);
  EXPECT_EQ(load("odd.zzz")->meta, nullptr);
}

TEST_F(FileSourceTest, a_file_that_may_be_half_written_is_not_kept_for_long) {
  std::ofstream growing(folder / "root/page.html");
  growing << "first half," << std::flush;
  const auto half = load("page.html");
  ASSERT_TRUE(half);
  EXPECT_EQ(half->value.text(), "first half,");
  ASSERT_TRUE(half->ttl);
  EXPECT_GT(*half->ttl, 0ms);
  EXPECT_LE(*half->ttl, 2s);
  growing << " second half" << std::flush;
  EXPECT_EQ(answer("page.html"), "value:first half, second half");
}

TEST_F(FileSourceTest, a_file_that_rests_is_kept_as_long_as_others) {
  use({.root = "/usr/bin", .max_entry = 10'000'000});
  const auto old = load("env");
  ASSERT_TRUE(old);
  EXPECT_EQ(old->ttl, std::nullopt);
}

TEST_F(FileSourceTest, a_copy_with_an_old_date_counts_as_young) {
  const timespec long_ago[] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (folder / "root/a.txt").c_str(), long_ago, 0), 0);
  const auto copy = load("a.txt");
  ASSERT_TRUE(copy);
  EXPECT_TRUE(copy->ttl);
}

TEST_F(FileSourceTest, missing_files_and_folders_are_not_found) {
  for (const char* key : {"b.txt", "sub", "a.txt/b", "sub/missing", "missing/a"}) {
    EXPECT_EQ(answer(key), "not found") << key;
  }
}

TEST_F(FileSourceTest, nothing_outside_of_the_root_is_found) {
  for (const auto& key :
       {"../outside.txt"s,
        "sub/../../outside.txt"s,
        (folder / "outside.txt").string(),
        "/etc/passwd"s,
        ".."s,
        "../root/a.txt"s,
        "/proc/self/environ"s}) {
    EXPECT_EQ(answer(key), "not found") << key;
  }
}

TEST_F(FileSourceTest, a_file_has_one_key_and_other_spellings_are_not_found) {
  for (const auto& key :
       {""s,
        "."s,
        "/"s,
        "./a.txt"s,
        "sub/../a.txt"s,
        "//a.txt"s,
        "sub//b.json"s,
        "a.txt/"s,
        "sub/."s,
        "a.txt\0"s,
        "\0a.txt"s,
        "a.txt\0.json"s}) {
    EXPECT_EQ(answer(key), "not found") << key;
  }
}

TEST_F(FileSourceTest, odd_names_are_names) {
  for (const auto& key :
       {"..."s,
        ".hidden"s,
        " "s,
        "a\nb"s,
        "%2e%2e"s,
        "\xff\xfe"s,
        "\xf0\x9f\x92\xa7"s,
        "a\\..\\b"s,
        "~"s,
        "-"s}) {
    folder.write("root/" + key, "odd");
    EXPECT_EQ(answer(key), "value:odd") << key;
  }
  EXPECT_EQ(answer(std::string(255, 'n')), "not found");
  EXPECT_EQ(answer(std::string(256, 'n')), "not found");
  EXPECT_EQ(answer(std::string(4096, 'n')), "not found");
  std::string deep;
  for (int i = 0; i < 3000; ++i) deep += "d/";
  EXPECT_EQ(answer(deep + "f"), "not found");
}

TEST_F(FileSourceTest, links_inside_are_followed_and_none_leads_out) {
  fs::create_symlink("a.txt", folder / "root/near");
  fs::create_symlink("../a.txt", folder / "root/sub/up");
  fs::create_symlink("../outside.txt", folder / "root/out");
  fs::create_symlink(folder / "root/a.txt", folder / "root/absolute");
  fs::create_symlink("..", folder / "root/parent");
  fs::create_symlink("loop", folder / "root/loop");
  fs::create_symlink("/proc/self/root/etc/passwd", folder / "root/magic");
  EXPECT_EQ(answer("near"), "value:hello");
  EXPECT_EQ(answer("sub/up"), "value:hello");
  EXPECT_EQ(answer("out"), "not found");
  EXPECT_EQ(answer("absolute"), "not found");
  EXPECT_EQ(answer("parent/outside.txt"), "not found");
  EXPECT_EQ(answer("magic"), "not found");
  EXPECT_EQ(answer("loop"), "error: source_failed");
}

TEST_F(FileSourceTest, fifos_sockets_and_devices_are_errors_and_never_wait) {
  ASSERT_EQ(::mkfifo((folder / "root/fifo").c_str(), 0600), 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = (folder / "root/socket").string();
  ASSERT_LT(path.size(), sizeof address.sun_path);
  path.copy(address.sun_path, path.size());
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (const char* key : {"fifo", "socket"}) {
    EXPECT_EQ(answer(key), "error: source_failed") << key;
    EXPECT_EQ(remark->text(), "not a regular file");
  }
  ::close(socket);
  use({.root = "/dev"});
  EXPECT_EQ(answer("null"), "error: source_failed");
}

TEST_F(FileSourceTest, a_file_over_the_limit_is_too_large_and_not_read) {
  folder.write("root/fits", std::string(1000, 'x'));
  folder.write("root/over", std::string(1001, 'x'));
  folder.write("root/huge", "");
  fs::resize_file(folder / "root/huge", 1ull << 40);  // sparse
  EXPECT_EQ(answer("fits").size(), 1006u);
  EXPECT_EQ(answer("over"), "error: too_large");
  EXPECT_EQ(answer("huge"), "error: too_large");
}

TEST_F(FileSourceTest, a_file_whose_size_is_not_what_it_says_is_an_error) {
  use({.root = "/proc/self"});
  EXPECT_EQ(answer("status"), "error: source_failed");
  EXPECT_EQ(remark->text(), "the file changes while it is read");
}

TEST_F(FileSourceTest, a_file_that_may_not_be_read_is_an_error) {
  if (::geteuid() == 0) GTEST_SKIP() << "everything may be read by root";
  fs::permissions(folder / "root/a.txt", fs::perms::none);
  EXPECT_EQ(answer("a.txt"), "error: source_failed");
  EXPECT_EQ(remark->text(), "the file: Permission denied");
}

TEST_F(FileSourceTest, sees_changed_files_and_a_replaced_root_and_survives_its_absence) {
  folder.write("root/a.txt", "changed");
  EXPECT_EQ(answer("a.txt"), "value:changed");
  fs::rename(folder / "root", folder / "old");
  EXPECT_EQ(answer("a.txt"), "error: source_failed");
  EXPECT_EQ(remark->text(), "the root folder: No such file or directory");
  folder.write("root/a.txt", "new");
  EXPECT_EQ(answer("a.txt"), "value:new");
}

TEST_F(FileSourceTest, nothing_is_read_after_the_deadline) {
  patience = -1s;
  EXPECT_EQ(answer("a.txt"), "error: deadline_exceeded");
}

TEST_F(FileSourceTest, a_root_that_is_no_folder_is_refused_with_its_name) {
  const auto text = [](file_source_options options) {
    return thrown_text<std::invalid_argument>([&] { make_file_source(std::move(options)); });
  };
  const auto missing = text({.root = folder / "missing"});
  EXPECT_NE(missing.find("missing\""), std::string::npos) << missing;
  EXPECT_NE(missing.find("No such file or directory"), std::string::npos) << missing;
  EXPECT_NE(text({.root = folder / "outside.txt"}).find("Not a directory"), std::string::npos);
  EXPECT_NE(text({.root = {}}).find("needs a root folder"), std::string::npos);
  EXPECT_NE(text({.root = "."s, .max_entry = 0}).find("max_entry"), std::string::npos);
}

}  // namespace
}  // namespace weir
