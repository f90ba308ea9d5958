#pragma once

#include "tests/keyspaces/redis/redis_backend.hpp"

#include <gmock/gmock.h>

namespace weir::test {

/// Keys of a Redis, and a store in front of them that is asked on a loop.
struct redis_test : loading_test {
  std::unique_ptr<redis_backend> backend = std::make_unique<redis_backend>();
  std::shared_ptr<store> over;

  void SetUp() override { use(backend->options()); }

  void use(redis_source_options with) {
    source = make_redis_source(std::move(with));
    over = std::dynamic_pointer_cast<store>(source);
  }

  load_context context() { return {env, env.now() + patience, remark}; }

  template <class Work>
  auto start_work(Work work) {
    return asio::co_spawn(env.executor(), std::move(work), asio::use_future);
  }

  auto start_put(std::string key, bytes value, write_condition condition = {}) {
    return start_work(
        over->async_put(std::move(key), std::move(value), std::move(condition), context())
    );
  }

  result<stored> put(std::string key, bytes value, write_condition condition = {}) {
    return start_put(std::move(key), std::move(value), std::move(condition)).get();
  }

  result<stored> erase(std::string key, write_condition condition = {}) {
    return start_work(over->async_erase(std::move(key), std::move(condition), context())).get();
  }

  std::vector<result<loaded>> load_many(std::vector<std::string> keys) {
    return start_work(source->async_load_many(std::move(keys), context())).get();
  }

  /// "value:..." or "not found" or "error: ..." for each key.
  std::vector<std::string> answers(std::vector<std::string> keys) {
    std::vector<std::string> all;
    for (const auto& got : load_many(std::move(keys))) {
      if (!got) {
        all.push_back("error: " + std::string(name(got.error())));
      } else {
        all.push_back(got->found ? "value:" + got->value.text() : "not found");
      }
    }
    return all;
  }
};

}  // namespace weir::test
