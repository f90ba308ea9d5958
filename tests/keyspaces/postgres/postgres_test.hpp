#pragma once

#include "tests/keyspaces/postgres/postgres_backend.hpp"

#include <gmock/gmock.h>

#include <functional>

namespace weir::test {

/// A table, and a store in front of it that is asked on a loop.
struct postgres_test : loading_test {
  std::unique_ptr<postgres_backend> backend = std::make_unique<postgres_backend>();
  std::shared_ptr<store> over;

  void SetUp() override { use(backend->options()); }

  void use(postgres_source_options with) {
    source = make_postgres_source(std::move(with));
    over = std::dynamic_pointer_cast<store>(source);
  }

  /// Another table, with these columns; `id` is the key and `body` the value.
  void use_table(const std::string& columns, const std::string& revision = "xmin") {
    backend = std::make_unique<postgres_backend>(columns);
    use(backend->options(revision));
  }

  std::string& table() { return name_ = backend->table(); }

  load_context context() { return {env, env.now() + patience, remark}; }

  template <class Work>
  auto wait(Work work) {
    return asio::co_spawn(env.executor(), std::move(work), asio::use_future).get();
  }

  result<stored> put(std::string key, bytes value, write_condition condition = {}) {
    return wait(over->async_put(std::move(key), std::move(value), std::move(condition), context()));
  }

  result<stored> erase(std::string key, write_condition condition = {}) {
    return wait(over->async_erase(std::move(key), std::move(condition), context()));
  }

  /// "value:..." or "not found" or "error: ..." for each key.
  std::vector<std::string> answers(std::vector<std::string> keys) {
    std::vector<std::string> all;
    for (const auto& got : wait(source->async_load_many(std::move(keys), context()))) {
      if (!got) {
        all.push_back("error: " + std::string(name(got.error())));
      } else {
        all.push_back(got->found ? "value:" + got->value.text() : "not found");
      }
    }
    return all;
  }

 private:
  std::string name_;
};

}  // namespace weir::test
