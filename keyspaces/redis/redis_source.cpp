#include "redis/redis_feed.hpp"
#include "redis/redis_loader.hpp"
#include "redis/redis_writer.hpp"

#include <weir/engine/store.hpp>
#include <weir/keyspaces/make_sources.hpp>

namespace weir {
namespace {

class redis_store final : public store {
 public:
  explicit redis_store(const redis_source_options& options)
      : redis_store(options, std::make_shared<const redis_database>(options)) {}

  std::string_view type() const noexcept override { return "redis"; }

  bool is_batched() const noexcept override { return true; }

  std::shared_ptr<change_feed> changes() override {
    return server_ ? std::make_shared<redis_feed>(server_, feed_) : nullptr;
  }

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    std::vector<std::string> keys;
    keys.push_back(std::move(key));
    auto all = co_await loader_.async_load(std::move(keys), std::move(context));
    co_return std::move(all.front());
  }

  asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context context
  ) override {
    return loader_.async_load(std::move(keys), std::move(context));
  }

  asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) override {
    return writer_.async_put(
        std::move(key), std::move(value), std::move(condition), std::move(context)
    );
  }

  asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) override {
    return writer_.async_erase(std::move(key), std::move(condition), std::move(context));
  }

 private:
  redis_store(
      const redis_source_options& options, const std::shared_ptr<const redis_database>& database
  )
      : loader_(database),
        writer_(database),
        server_(options.tracking ? std::make_shared<const redis_server>(options) : nullptr),
        feed_{options.prefix, options.when_lost, database->own_writes()} {}

  const redis_loader loader_;
  const redis_writer writer_;
  const std::shared_ptr<const redis_server> server_;  // null where nobody tells of changes
  const redis_feed::settings feed_;
};

}  // namespace

std::shared_ptr<data_source> make_redis_source(const redis_source_options& options) {
  check(options);
  return std::make_shared<redis_store>(options);
}

}  // namespace weir
