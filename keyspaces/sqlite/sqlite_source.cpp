#include "sqlite/sqlite_pool.hpp"
#include "sqlite/sqlite_writer.hpp"

#include <weir/engine/store.hpp>
#include <weir/keyspaces/make_sources.hpp>

#include <stdexcept>
#include <unistd.h>

namespace weir {
namespace {

constexpr int load_attempts = 5;  // while the file changes under the load
constexpr const char* always_changes = "the database file changes while it is used";

sqlite_writer::settings settings_of(const sqlite_source_options& options) {
  const bool writes = !options.put.empty() || !options.erase.empty();
  return {
      .connection =
          {.path = options.path,
           .busy_timeout = options.busy_timeout,
           .max_entry = options.max_entry},
      .query = {options.query, static_cast<int>(options.revision), writes},
      .writes = {options.put, options.erase},
  };
}

/// What `open` makes, or null while another process holds the lock: a lock passes, and the loads
/// will find out.
template <class Open>
auto unless_locked(Open open) -> decltype(open()) {
  try {
    return open();
  } catch (const sqlite_refusal& refused) {
    if (refused.code() != errc::overloaded) throw;
    return nullptr;
  }
}

/// Runs `work` on the connection in `held`, a new one where that is missing or out of date, until
/// the file stays the same meanwhile.
template <class Connection, class Open, class Work>
auto on_current(
    std::unique_ptr<Connection>& held, const load_context& context, Open open, Work work
) -> typename decltype(work(*held))::value_type {
  for (int attempt = 0; attempt != load_attempts; ++attempt) {
    if (held && !held->is_current()) held.reset();
    try {
      if (!held) held = open(&context);
    } catch (const sqlite_refusal& refused) {
      context.say(refused.what());
      return refused.code();
    }
    if (auto done = work(*held)) return std::move(*done);
    held.reset();
  }
  context.say(always_changes);
  return errc::source_failed;
}

/// Loads over a few connections; a load that finds all of them in use waits for one.
class sqlite_readers {
 public:
  sqlite_readers(const sqlite_writer::settings& with, std::size_t count)
      : with_(with), pool_(count, unless_locked([this] { return make(nullptr); })) {}

  result<loaded> load(std::string_view key, const load_context& context) {
    const auto taken = pool_.take(context);
    if (!taken) return errc::deadline_exceeded;
    return on_current(
        taken->get(),
        context,
        [this](const load_context* waits) { return make(waits); },
        [&](sqlite_reader& on) { return on.read(key, context); }
    );
  }

  /// Of the database as it was first seen; true for one that was locked at the start.
  bool has_revision() const { return has_revision_; }

 private:
  std::unique_ptr<sqlite_reader> make(const load_context* context) {
    auto made = std::make_unique<sqlite_reader>(with_.connection, with_.query, context);
    if (context == nullptr) has_revision_ = made->has_revision();
    return made;
  }

  const sqlite_writer::settings with_;
  bool has_revision_ = true;
  sqlite_pool<sqlite_reader> pool_;
};

class sqlite_source final : public blocking_source {
 public:
  std::string_view type() const noexcept override { return "sqlite"; }

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
  std::string_view type() const noexcept override { return "sqlite"; }

  explicit sqlite_store(const sqlite_source_options& options)
      : with_(settings_of(options)),
        readers_(with_, options.readers),
        tags_(readers_.has_revision() ? entity_tags::given : entity_tags::none),
        writer_(1, unless_locked([this] { return make(nullptr); })) {}

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
    const auto work = [&](sqlite_writer& on) { return on.put(key, value, condition, context); };
    return write(context, work);
  }

  result<stored> erase(
      std::string_view key, const write_condition& condition, const load_context& context
  ) override {
    const auto work = [&](sqlite_writer& on) { return on.erase(key, condition, context); };
    return write(context, work);
  }

 private:
  template <class Work>
  result<stored> write(const load_context& context, Work work) {
    const auto taken = writer_.take(context);
    if (!taken) return errc::overloaded;
    const auto open = [this](const load_context* waits) { return make(waits); };
    return on_current(taken->get(), context, open, work);
  }

  std::unique_ptr<sqlite_writer> make(const load_context* context) const {
    return std::make_unique<sqlite_writer>(with_, context);
  }

  const sqlite_writer::settings with_;
  sqlite_readers readers_;
  const entity_tags tags_;
  sqlite_pool<sqlite_writer> writer_;
};

/// What `make` returns, with what refuses as an exception of the public kind.
template <class Make>
auto told_in_public(Make make) -> decltype(make()) {
  try {
    return make();
  } catch (const sqlite_refusal& refused) {
    throw bad_source(refused.field(), std::string("weir: ") + refused.what());
  }
}

}  // namespace

std::shared_ptr<data_source> make_sqlite_source(sqlite_source_options options) {
  check(options);
  return told_in_public([&]() -> std::shared_ptr<data_source> {
    if (!options.put.empty() || !options.erase.empty())
      return std::make_shared<sqlite_store>(options);
    return std::make_shared<sqlite_source>(options);
  });
}

bool try_sqlite_source(const sqlite_source_options& options) {
  check(options);
  return told_in_public([&] {
    const auto with = settings_of(options);
    try {
      const sqlite_connection on(with.connection, sqlite_connection::access::read_only);
      const sqlite_query query(on, with.query);
      const sqlite_writes writes(on, query, with.writes);
      if ((writes.put || writes.erase) && ::access(options.path.c_str(), W_OK) != 0) {
        on.refuse("path", "put and delete need a file that may be written; it is read-only");
      }
      return true;
    } catch (const sqlite_refusal& refused) {
      if (refused.code() != errc::overloaded) throw;
      return false;
    }
  });
}

}  // namespace weir
