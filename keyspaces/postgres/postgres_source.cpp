#include "postgres/pg_feed.hpp"
#include "postgres/pg_loader.hpp"
#include "postgres/pg_writer.hpp"

#include <weir/engine/store.hpp>
#include <weir/keyspaces/make_sources.hpp>

namespace weir {
namespace {

constexpr std::string_view type_name = "postgres";

asio::awaitable<result<loaded>> load_one(
    const pg_loader& loader, std::string key, load_context context
) {
  std::vector<std::string> keys;
  keys.push_back(std::move(key));
  auto all = co_await loader.async_load(std::move(keys), std::move(context));
  co_return std::move(all.front());
}

/// What makes the feeds of a source; null where nobody tells of changes.
class feed_maker {
 public:
  explicit feed_maker(const postgres_source_options& options)
      : settings_{options.listen, options.key, options.when_lost} {
    if (!options.listen.empty()) server_ = std::make_shared<const pg_server>(options);
  }

  std::shared_ptr<change_feed> make() const {
    return server_ ? std::make_shared<pg_feed>(server_, settings_) : nullptr;
  }

 private:
  const pg_feed::settings settings_;
  std::shared_ptr<const pg_server> server_;
};

class postgres_source final : public data_source {
 public:
  postgres_source(const std::shared_ptr<const pg_database>& of, feed_maker feeds)
      : loader_(of), feeds_(std::move(feeds)) {}

  std::shared_ptr<change_feed> changes() override { return feeds_.make(); }

  std::string_view type() const noexcept override { return type_name; }

  bool is_batched() const noexcept override { return true; }

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    return load_one(loader_, std::move(key), std::move(context));
  }

  asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context context
  ) override {
    return loader_.async_load(std::move(keys), std::move(context));
  }

 private:
  const pg_loader loader_;
  const feed_maker feeds_;
};

class postgres_store final : public store {
 public:
  postgres_store(const std::shared_ptr<const pg_database>& of, feed_maker feeds)
      : loader_(of),
        writer_(of),
        feeds_(std::move(feeds)),
        tags_(of->statement(pg_act::update).sql.empty() ? entity_tags::none : entity_tags::given) {}

  std::string_view type() const noexcept override { return type_name; }

  bool is_batched() const noexcept override { return true; }

  entity_tags tags() const noexcept override { return tags_; }

  std::shared_ptr<change_feed> changes() override { return feeds_.make(); }

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    return load_one(loader_, std::move(key), std::move(context));
  }

  asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context context
  ) override {
    return loader_.async_load(std::move(keys), std::move(context));
  }

  asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) override {
    pg_change change{
        .act = put_of(condition.when),
        .key = std::move(key),
        .value = std::move(value),
        .revision = std::move(condition.etag)};
    return writer_.async_write(std::move(change), std::move(context));
  }

  asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) override {
    const bool is_conditional = condition.when == write_condition::kind::matches;
    pg_change change{
        .act = is_conditional ? pg_act::erase_if : pg_act::erase,
        .key = std::move(key),
        .revision = std::move(condition.etag)};
    return writer_.async_write(std::move(change), std::move(context));
  }

 private:
  static pg_act put_of(write_condition::kind when) noexcept {
    switch (when) {
      case write_condition::kind::absent:
        return pg_act::create;
      case write_condition::kind::matches:
        return pg_act::update;
      case write_condition::kind::none:
        break;
    }
    return pg_act::put;
  }

  const pg_loader loader_;
  const pg_writer writer_;
  const feed_maker feeds_;
  const entity_tags tags_;
};

}  // namespace

std::shared_ptr<data_source> make_postgres_source(const postgres_source_options& options) {
  check(options);
  const auto database = std::make_shared<const pg_database>(options);
  feed_maker feeds(options);
  const bool writes = options.table || !options.create.empty() || !options.update.empty() ||
                      !options.put.empty() || !options.erase.empty();
  if (!writes) return std::make_shared<postgres_source>(database, std::move(feeds));
  return std::make_shared<postgres_store>(database, std::move(feeds));
}

}  // namespace weir
