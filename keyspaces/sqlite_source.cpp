#include "sqlite_pool.hpp"
#include "sqlite_writer.hpp"

#include <weir/engine/store.hpp>
#include <weir/keyspaces/make_sources.hpp>

#include <atomic>
#include <stdexcept>

namespace weir {
namespace {

sqlite_writer::settings settings_of(const sqlite_source_options& options) {
  const bool writes = !options.put.empty() || !options.erase.empty();
  return {
      .connection = {options.path, options.busy_timeout, options.max_entry},
      .query = {options.query, static_cast<int>(options.revision), writes},
      .put = options.put,
      .erase = options.erase,
  };
}

/// Loads over a few connections; a load that finds all of them in use waits for one.
class sqlite_readers {
 public:
  sqlite_readers(const sqlite_writer::settings& with, std::size_t count)
      : with_(with), pool_(count, make()) {}

  result<loaded> load(std::string_view key, const load_context& context) {
    const auto taken = pool_.take(context);
    if (!taken) return errc::deadline_exceeded;
    auto& reader = taken->get();
    if (!reader || !reader->is_current()) reader = make();  // what it throws becomes source_failed
    return reader->read(key, context);
  }

  bool has_revision() const { return has_revision_; }

 private:
  std::unique_ptr<sqlite_reader> make() {
    auto made = std::make_unique<sqlite_reader>(with_.connection, with_.query);
    has_revision_ = made->has_revision();
    return made;
  }

  const sqlite_writer::settings with_;
  std::atomic<bool> has_revision_{false};
  sqlite_pool<sqlite_reader> pool_;
};

class sqlite_source final : public blocking_source {
 public:
  explicit sqlite_source(const sqlite_source_options& options)
      : readers_(settings_of(options), options.readers) {}

  result<loaded> load(std::string_view key, const load_context& context) override {
    return readers_.load(key, context);
  }

 private:
  sqlite_readers readers_;
};

/// Reads as a source does, and writes over one connection: SQLite has one writer at a time.
class sqlite_store final : public blocking_store {
 public:
  explicit sqlite_store(const sqlite_source_options& options)
      : with_(settings_of(options)),
        readers_(with_, options.readers),
        tags_(readers_.has_revision() ? entity_tags::given : entity_tags::none),
        writer_(1, std::make_unique<sqlite_writer>(with_)) {}

  entity_tags tags() const noexcept override { return tags_; }

  result<loaded> load(std::string_view key, const load_context& context) override {
    return readers_.load(key, context);
  }

  result<stored> put(
      std::string_view key,
      const bytes& value,
      const write_condition& condition,
      const load_context& context
  ) override {
    const auto taken = writer_.take(context);
    if (!taken) return errc::overloaded;
    if (!renew(taken->get(), context)) return errc::source_failed;
    return taken->get()->put(key, value, condition, context);
  }

  result<stored> erase(
      std::string_view key, const write_condition& condition, const load_context& context
  ) override {
    const auto taken = writer_.take(context);
    if (!taken) return errc::overloaded;
    if (!renew(taken->get(), context)) return errc::source_failed;
    return taken->get()->erase(key, condition, context);
  }

 private:
  bool renew(std::unique_ptr<sqlite_writer>& writer, const load_context& context) const {
    if (writer && writer->is_current()) return true;
    try {
      writer.reset();
      writer = std::make_unique<sqlite_writer>(with_);
      return true;
    } catch (const std::runtime_error& refused) {
      context.say(refused.what());
      return false;
    }
  }

  const sqlite_writer::settings with_;
  sqlite_readers readers_;
  const entity_tags tags_;
  sqlite_pool<sqlite_writer> writer_;
};

}  // namespace

std::shared_ptr<data_source> make_sqlite_source(sqlite_source_options options) {
  check(options);
  try {
    if (!options.put.empty() || !options.erase.empty())
      return std::make_shared<sqlite_store>(options);
    return std::make_shared<sqlite_source>(options);
  } catch (const std::runtime_error& refused) {
    throw std::invalid_argument(std::string("weir: ") + refused.what());
  }
}

}  // namespace weir
