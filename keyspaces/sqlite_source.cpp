#include "sqlite_reader.hpp"

#include <weir/keyspaces/make_sources.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace weir {
namespace {

/// Loads over a few connections; a load that finds all of them in use waits for one.
class sqlite_source final : public blocking_source {
 public:
  explicit sqlite_source(sqlite_source_options options)
      : settings_{options.path, options.query, options.busy_timeout, options.max_entry},
        readers_(options.readers) {
    check(options);
    try {
      idle_.push_back(std::make_unique<sqlite_reader>(settings_));
    } catch (const std::runtime_error& refused) {
      throw std::invalid_argument(std::string("weir: ") + refused.what());
    }
  }

  result<loaded> load(std::string_view key, const load_context& context) override {
    auto reader = take(context);
    if (!reader) return errc::deadline_exceeded;
    const give_back at_the_end{*this, *reader};
    if (!*reader || !(*reader)->is_current()) {
      reader->reset();
      *reader = std::make_unique<sqlite_reader>(settings_);  // what it throws becomes source_failed
    }
    return (*reader)->read(key, context);
  }

 private:
  using reader_ptr = std::unique_ptr<sqlite_reader>;

  struct give_back {
    sqlite_source& to;
    reader_ptr& reader;

    ~give_back() {
      const std::lock_guard lock(to.mutex_);
      --to.in_use_;
      if (reader) to.idle_.push_back(std::move(reader));
      to.returned_.notify_one();
    }
  };

  /// The right to use one connection, and it itself if there is one already; nullopt at the
  /// deadline.
  std::optional<reader_ptr> take(const load_context& context) {
    std::unique_lock lock(mutex_);
    if (in_use_ == readers_) {
      context.env.begin_wait();  // other sources may have this thread's place
      const auto is_free = [this] { return in_use_ < readers_; };
      const bool came = returned_.wait_for(lock, context.deadline - context.env.now(), is_free);
      context.env.end_wait();
      if (!came) return std::nullopt;
    }
    ++in_use_;
    reader_ptr taken;
    if (!idle_.empty()) {
      taken = std::move(idle_.back());
      idle_.pop_back();
    }
    return taken;
  }

  const sqlite_reader::settings settings_;
  const std::size_t readers_;
  std::mutex mutex_;  // guards the following
  std::condition_variable returned_;
  std::vector<reader_ptr> idle_;
  std::size_t in_use_ = 0;
};

}  // namespace

std::shared_ptr<data_source> make_sqlite_source(sqlite_source_options options) {
  return std::make_shared<sqlite_source>(std::move(options));
}

}  // namespace weir
