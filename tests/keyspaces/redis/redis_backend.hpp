#pragma once

#include "tests/keyspaces/redis/redis_process.hpp"
#include "tests/keyspaces/store_backend.hpp"

#include <weir/keyspaces/make_sources.hpp>

namespace weir::test {

/// A store that tells no etags.
class untagged_store final : public store {
 public:
  explicit untagged_store(std::shared_ptr<store> over) : over_(std::move(over)) {}

  entity_tags tags() const noexcept override { return entity_tags::none; }

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    auto got = co_await over_->async_load(std::move(key), std::move(context));
    if (got) got->meta = nullptr;
    co_return got;
  }

  asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) override {
    EXPECT_EQ(condition.when, write_condition::kind::none);
    auto done = co_await over_->async_put(
        std::move(key), std::move(value), std::move(condition), std::move(context)
    );
    if (done) done->etag.clear();
    co_return done;
  }

  asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) override {
    return over_->async_erase(std::move(key), std::move(condition), std::move(context));
  }

 private:
  const std::shared_ptr<store> over_;
};

/// Keys with a prefix of their own in the server of this program.
class redis_backend : public store_backend {
 public:
  redis_backend() {
    static int made = 0;
    prefix_ = "docs" + std::to_string(++made) + ":";
  }

  ~redis_backend() override { server().run({"FLUSHALL"}); }

  redis_source_options options() const { return {.url = server().url(), .prefix = prefix_}; }

  static std::shared_ptr<store> open(redis_source_options with) {
    return std::dynamic_pointer_cast<store>(make_redis_source(std::move(with)));
  }

  std::shared_ptr<store> open() override { return open(options()); }

  std::shared_ptr<store> open_without_tags() override {
    return std::make_shared<untagged_store>(open());
  }

  void write(const std::string& key, const std::string& value) override {
    server().run({"SET", name_of(key), value});
  }

  void erase(const std::string& key) override { server().run({"DEL", name_of(key)}); }

  std::string read(const std::string& key) override { return server().run({"GET", name_of(key)}); }

  bool has_content_tags() const override { return true; }

  std::chrono::milliseconds short_time() const override { return std::chrono::seconds(1); }

  std::string name_of(const std::string& key) const { return prefix_ + key; }

 private:
  std::string prefix_;
};

}  // namespace weir::test
