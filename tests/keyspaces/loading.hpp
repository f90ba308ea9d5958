#pragma once

#include <weir/engine/data_source.hpp>
#include <weir/engine/runtime.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace weir {

/// A runtime and a source that loads on it, with what the source said last.
struct loading_test : testing::Test {
  runtime env{{.threads = 1}};
  std::shared_ptr<source_remark> remark = std::make_shared<source_remark>();
  std::shared_ptr<data_source> source;
  steady_duration patience = std::chrono::minutes(1);

  std::future<result<loaded>> start(std::string key) {
    const load_context context{env, env.now() + patience, remark};
    return asio::co_spawn(
        env.executor(), source->async_load(std::move(key), context), asio::use_future
    );
  }

  result<loaded> load(std::string key) { return start(std::move(key)).get(); }

  /// "value:..." or "not found" or "error: ...": what a test wants to compare.
  std::string answer(std::string key) {
    const auto got = load(std::move(key));
    if (!got) return "error: " + std::string(name(got.error()));
    return got->found ? "value:" + got->value.text() : "not found";
  }
};

/// What the exception of type E says that `act` throws; fails the test when it throws none.
template <class E, class Act>
std::string thrown_text(Act act) {
  try {
    act();
  } catch (const E& thrown) {
    return thrown.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

/// An empty folder of its own, gone with everything in it at the end.
class temp_folder {
 public:
  temp_folder() {
    std::string made = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    if (::mkdtemp(made.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = made;
  }

  ~temp_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  const std::filesystem::path& path() const noexcept { return path_; }

  void write(std::string_view name, std::string_view content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace weir
