#pragma once

#include "tests/keyspaces/postgres/postgres_server.hpp"
#include "tests/keyspaces/store_backend.hpp"

#include <weir/keyspaces/make_sources.hpp>

namespace weir::test {

/// A table of its own in the server of this program.
class postgres_backend : public store_backend {
 public:
  explicit postgres_backend(std::string columns = "id text PRIMARY KEY, body text") {
    static int made = 0;
    table_ = "docs_" + std::to_string(++made);
    server().run("CREATE TABLE " + table_ + " (" + columns + ")");
  }

  ~postgres_backend() override { server().run("DROP TABLE IF EXISTS " + table_); }

  /// In front of the table, with its revision in "xmin".
  postgres_source_options options(std::string revision = "xmin") const {
    return {
        .url = server().url(),
        .password = postgres_server::password,
        .table = postgres_table{table_, "id", "body", std::move(revision)},
    };
  }

  static std::shared_ptr<store> open(postgres_source_options with) {
    return std::dynamic_pointer_cast<store>(make_postgres_source(std::move(with)));
  }

  std::shared_ptr<store> open() override { return open(options()); }

  std::shared_ptr<store> open_without_tags() override { return open(options("")); }

  void write(const std::string& key, const std::string& value) override {
    server().run(
        "INSERT INTO " + table_ + " VALUES ('" + key + "', '" + value +
        "') ON CONFLICT (id) DO UPDATE SET body = excluded.body"
    );
  }

  void erase(const std::string& key) override {
    server().run("DELETE FROM " + table_ + " WHERE id = '" + key + "'");
  }

  std::string read(const std::string& key) override {
    return server().run("SELECT body FROM " + table_ + " WHERE id = '" + key + "'");
  }

  std::chrono::milliseconds short_time() const override { return std::chrono::seconds(1); }

  const std::string& table() const { return table_; }

 private:
  std::string table_;
};

}  // namespace weir::test
