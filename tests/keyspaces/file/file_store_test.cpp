// What is a file store's own; what all stores have in common is in store_contract_test.cpp.
#include "tests/keyspaces/loading.hpp"

#include <weir/engine/store.hpp>
#include <weir/keyspaces/make_sources.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct FileStoreTest : loading_test {
  test::scratch_folder folder;
  std::shared_ptr<store> over;

  void SetUp() override {
    fs::create_directories(folder / "root");
    use({.root = folder / "root", .max_entry = 1000, .write = true});
  }

  void use(file_source_options options) {
    source = make_file_source(std::move(options));
    over = std::dynamic_pointer_cast<store>(source);
    ASSERT_TRUE(over);
  }

  result<stored> put(std::string key, std::string value, write_condition when = {}) {
    const load_context context{env, env.now() + patience, remark};
    auto work = over->async_put(std::move(key), bytes(value), std::move(when), context);
    return asio::co_spawn(env.executor(), std::move(work), asio::use_future).get();
  }

  result<stored> erase(std::string key, write_condition when = {}) {
    const load_context context{env, env.now() + patience, remark};
    auto work = over->async_erase(std::move(key), std::move(when), context);
    return asio::co_spawn(env.executor(), std::move(work), asio::use_future).get();
  }

  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& each : fs::recursive_directory_iterator(folder.path()))
      count += each.is_regular_file() ? 1 : 0;
    return count;
  }
};

TEST_F(FileStoreTest, makes_the_folders_and_leaves_nothing_beside_the_file) {
  const auto made = put("a/b/c.json", "{}");
  ASSERT_TRUE(made) << remark->text();
  EXPECT_EQ(made->etag.size(), 64u);
  EXPECT_EQ(answer("a/b/c.json"), "value:{}");
  EXPECT_EQ(files(), 1u);
  EXPECT_TRUE(erase("a/b/c.json"));
  EXPECT_EQ(files(), 0u);
  EXPECT_TRUE(erase("a/b/c.json"));
  EXPECT_TRUE(erase("never/was"));
}

TEST_F(FileStoreTest, keeps_the_rights_of_a_file) {
  folder.write("root/a", "1");
  fs::permissions(folder / "root/a", fs::perms::owner_read | fs::perms::owner_write);
  ASSERT_TRUE(put("a", "2"));
  EXPECT_EQ(
      fs::status(folder / "root/a").permissions(), fs::perms::owner_read | fs::perms::owner_write
  );
}

TEST_F(FileStoreTest, never_writes_outside_of_its_root) {
  folder.write("outside", "secret");
  for (const auto* key : {"../outside", "/outside", "a/../../outside", "", "a//b", "./a"})
    EXPECT_EQ(put(key, "x").error(), errc::bad_request) << key;
  fs::create_directory_symlink(folder.path(), folder / "root/up");
  EXPECT_FALSE(put("up/outside", "x"));
  EXPECT_FALSE(erase("up/outside"));
  fs::create_symlink(folder / "outside", folder / "root/link");
  ASSERT_TRUE(put("link", "mine"));  // takes the place of the link
  std::ifstream in(folder / "outside");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "secret");
  EXPECT_EQ(answer("link"), "value:mine");
}

TEST_F(FileStoreTest, refuses_what_cannot_be_a_file) {
  folder.write("root/file", "1");
  fs::create_directories(folder / "root/folder");
  EXPECT_EQ(put("file/below", "x").error(), errc::bad_request);
  EXPECT_EQ(put("folder", "x").error(), errc::bad_request);
  EXPECT_EQ(put(std::string(300, 'x'), "x").error(), errc::bad_request);
  EXPECT_EQ(put("large", std::string(1001, 'x')).error(), errc::too_large);
  EXPECT_EQ(put(".weir-1", "x").error(), errc::bad_request);
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileStoreTest, what_other_programs_put_in_place_has_an_etag_too) {
  folder.write("root/a", "1");
  const auto before = load("a")->meta->etag;
  folder.write("root/aside", "2");
  fs::rename(folder / "root/aside", folder / "root/a");
  EXPECT_EQ(put("a", "mine", write_condition::if_matches(before)).error(), errc::conflict);
  const auto now = load("a")->meta->etag;
  EXPECT_TRUE(put("a", "mine", write_condition::if_matches(now)));
}

TEST_F(FileStoreTest, of_many_writers_with_one_etag_one_wins) {
  constexpr int writers = 8, rounds = 25;
  ASSERT_TRUE(put("n", "0"));
  std::atomic<int> acknowledged{0};
  std::vector<std::thread> all;
  for (int i = 0; i != writers; ++i) {
    all.emplace_back([&] {
      const auto own =
          std::dynamic_pointer_cast<store>(make_file_source({.root = folder / "root", .write = true}
          ));
      runtime loop({.threads = 1});
      const auto wait = [&](auto work) {
        return asio::co_spawn(loop.executor(), std::move(work), asio::use_future).get();
      };
      for (int done = 0; done != rounds;) {
        const load_context context{loop, loop.now() + 10s};
        const auto read = wait(own->async_load("n", context));
        const auto next = std::to_string(std::stoi(read->value.text()) + 1);
        auto when = write_condition::if_matches(read->meta->etag);
        const auto put = wait(own->async_put("n", bytes(next), std::move(when), context));
        if (put) ++done, ++acknowledged;
        ASSERT_TRUE(put || put.error() == errc::conflict) << put.error().message();
      }
    });
  }
  for (auto& each : all) each.join();
  EXPECT_EQ(acknowledged, writers * rounds);
  EXPECT_EQ(answer("n"), "value:" + std::to_string(writers * rounds));
}

TEST_F(FileStoreTest, waits_for_the_lock_until_its_deadline) {
  const int root = ::open((folder / "root").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::flock(root, LOCK_EX), 0);
  patience = 50ms;
  EXPECT_EQ(put("a", "1").error(), errc::overloaded);
  EXPECT_EQ(files(), 0u);
  ::close(root);
  patience = 10s;
  EXPECT_TRUE(put("a", "1"));
}

TEST_F(FileStoreTest, a_full_disk_writes_nothing) {
  constexpr rlimit small{100, RLIM_INFINITY};
  rlimit before;
  ::getrlimit(RLIMIT_FSIZE, &before);
  ASSERT_TRUE(put("a", "1"));
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit now = small;
  now.rlim_max = before.rlim_max;
  ::setrlimit(RLIMIT_FSIZE, &now);
  const auto failed = put("a", std::string(500, 'x'));
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(failed.error(), errc::source_failed);
  EXPECT_EQ(remark->text(), "the new file: File too large");
  EXPECT_EQ(answer("a"), "value:1");
  EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace weir
