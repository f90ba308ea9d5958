#pragma once

#include "tests/support/scratch_folder.hpp"

#include <weir/engine/data_source.hpp>
#include <weir/engine/runtime.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
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

}  // namespace weir
