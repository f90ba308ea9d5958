#pragma once

#include "tests/keyspaces/loading.hpp"
#include "tests/support/scratch_folder.hpp"

#include <weir/engine/memory_store.hpp>
#include <weir/keyspaces/make_sources.hpp>

#ifdef WEIR_TEST_SQLITE
#include <sqlite3.h>
#endif

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace weir::test {

/// Where the values of a contract test really lie, as programs beside weir see it.
class store_backend {
 public:
  virtual ~store_backend() = default;

  /// A store of a process of its own in front of the backend.
  virtual std::shared_ptr<store> open() = 0;
  /// The same without etags.
  virtual std::shared_ptr<store> open_without_tags() = 0;

  virtual void write(const std::string& key, const std::string& value) = 0;
  virtual void erase(const std::string& key) = 0;
  /// "-" when there is none.
  virtual std::string read(const std::string& key) = 0;

  /// Etags are hashes of the values: equal ones have the same.
  virtual bool has_content_tags() const { return false; }

  /// In which a load is done.
  virtual std::chrono::milliseconds short_time() const { return std::chrono::milliseconds(30); }
};

class memory_backend final : public store_backend {
 public:
  std::shared_ptr<store> open() override { return held_; }

  std::shared_ptr<store> open_without_tags() override {
    store_functions made;
    made.load = [held = held_](std::string_view key) {
      auto found = held->load(key);
      found->meta = nullptr;
      return found;
    };
    made.put = [held =
                    held_](std::string_view key, const bytes& value, const write_condition& when) {
      EXPECT_EQ(when.when, write_condition::kind::none);
      return held->put(key, value).has_value() ? result<stored>(stored()) : errc::source_failed;
    };
    made.erase = [held = held_](std::string_view key, const write_condition&) {
      return held->erase(key);
    };
    made.tags = entity_tags::none;
    return make_store(std::move(made));
  }

  void write(const std::string& key, const std::string& value) override {
    EXPECT_TRUE(held_->put(key, value));
  }

  void erase(const std::string& key) override { EXPECT_TRUE(held_->erase(key)); }

  std::string read(const std::string& key) override {
    const auto found = held_->load(key);
    return found->found ? found->value.text() : "-";
  }

 private:
  const std::shared_ptr<memory_store> held_ = std::make_shared<memory_store>();
};

class file_backend final : public store_backend {
 public:
  std::shared_ptr<store> open() override {
    return std::dynamic_pointer_cast<store>(make_file_source({.root = folder_.path(), .write = true}
    ));
  }

  std::shared_ptr<store> open_without_tags() override {
    store_functions made;
    made.load = [root = folder_.path()](std::string_view key) -> result<loaded> {
      std::ifstream in(root / key);
      if (!in) return loaded{.found = false};
      return loaded{.value = bytes(std::string(std::istreambuf_iterator<char>(in), {}))};
    };
    made.put = [this](std::string_view key, const bytes& value, const write_condition& when) {
      EXPECT_EQ(when.when, write_condition::kind::none);
      write(std::string(key), value.text());
      return result<stored>(stored());
    };
    made.erase = [this](std::string_view key, const write_condition&) {
      erase(std::string(key));
      return result<stored>(stored());
    };
    made.tags = entity_tags::none;
    return make_store(std::move(made));
  }

  void write(const std::string& key, const std::string& value) override {
    folder_.write("aside", value);
    std::filesystem::rename(folder_.file("aside"), folder_.file(key));
  }

  void erase(const std::string& key) override { std::filesystem::remove(folder_.file(key)); }

  std::string read(const std::string& key) override {
    std::ifstream in(folder_.file(key));
    return in ? std::string(std::istreambuf_iterator<char>(in), {}) : "-";
  }

  bool has_content_tags() const override { return true; }

  std::chrono::milliseconds short_time() const override { return std::chrono::milliseconds(500); }

 private:
  scratch_folder folder_;
};

#ifdef WEIR_TEST_SQLITE
class sqlite_backend final : public store_backend {
 public:
  sqlite_backend() {
    EXPECT_EQ(sqlite3_open((folder_ / "store.db").c_str(), &database_), SQLITE_OK);
    sqlite3_busy_timeout(database_, 5000);
    run("PRAGMA journal_mode = WAL");
    run("CREATE TABLE docs (id TEXT PRIMARY KEY, body, revision INTEGER NOT NULL)");
  }

  ~sqlite_backend() override { sqlite3_close(database_); }

  std::shared_ptr<store> open() override {
    return make(
        "SELECT body, revision FROM docs WHERE id = ?1",
        "INSERT INTO docs (id, body, revision) VALUES (?1, ?2, random()) "
        "ON CONFLICT (id) DO UPDATE SET body = excluded.body, revision = excluded.revision "
        "WHERE revision = ?3",
        "DELETE FROM docs WHERE id = ?1 AND revision = ?3"
    );
  }

  std::shared_ptr<store> open_without_tags() override {
    return make(
        "SELECT body FROM docs WHERE id = ?1",
        "INSERT OR REPLACE INTO docs VALUES (?1, ?2, 0)",
        "DELETE FROM docs WHERE id = ?1"
    );
  }

  void write(const std::string& key, const std::string& value) override {
    run("INSERT OR REPLACE INTO docs VALUES ('" + key + "', '" + value + "', random())");
  }

  void erase(const std::string& key) override { run("DELETE FROM docs WHERE id = '" + key + "'"); }

  std::string read(const std::string& key) override {
    std::string found = "-";
    const auto take = [](void* to, int, char** columns, char**) {
      *static_cast<std::string*>(to) = columns[0];
      return 0;
    };
    const auto query = "SELECT body FROM docs WHERE id = '" + key + "'";
    EXPECT_EQ(sqlite3_exec(database_, query.c_str(), take, &found, nullptr), SQLITE_OK);
    return found;
  }

  void run(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_) << " in " << sql;
  }

  std::filesystem::path path() const { return folder_ / "store.db"; }

 private:
  std::shared_ptr<store> make(std::string query, std::string put, std::string erase) const {
    auto made = make_sqlite_source({
        .path = path(),
        .query = std::move(query),
        .busy_timeout = std::chrono::seconds(1),
        .put = std::move(put),
        .erase = std::move(erase),
    });
    return std::dynamic_pointer_cast<store>(std::move(made));
  }

  test::scratch_folder folder_;
  sqlite3* database_ = nullptr;
};
#endif

}  // namespace weir::test
