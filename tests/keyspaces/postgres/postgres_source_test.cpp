// Loads from a real PostgreSQL.

#include "tests/keyspaces/postgres/postgres_test.hpp"

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct postgres_source_test : postgres_test {
  postgres_source_options own_query(std::string sql) const {
    return {.url = server().url(), .password = postgres_server::password, .query = std::move(sql)};
  }

  static std::string refusal(const postgres_source_options& with) {
    return thrown_text<std::invalid_argument>([&] { make_postgres_source(with); });
  }
};

TEST_F(postgres_source_test, a_row_is_found_and_tells_its_revision) {
  backend->write("42", "Ada");
  const auto got = load("42");
  ASSERT_TRUE(got) << remark->text();
  EXPECT_EQ(got->value.text(), "Ada");
  ASSERT_TRUE(got->meta);
  EXPECT_EQ(got->meta->etag, server().run("SELECT xmin FROM " + table()));
  EXPECT_EQ(answer("43"), "not found");
}

TEST_F(postgres_source_test, null_counts_as_absent_and_empty_is_a_value) {
  server().run("INSERT INTO " + table() + " VALUES ('null', NULL), ('empty', '')");
  EXPECT_EQ(answer("null"), "not found");
  EXPECT_EQ(answer("empty"), "value:");
}

TEST_F(postgres_source_test, a_batch_is_one_statement_and_keeps_the_order_of_keys) {
  for (int i = 0; i != 50; ++i) backend->write(std::to_string(i), "v" + std::to_string(i));
  EXPECT_THAT(
      answers({"7", "nobody", "3", "7", "49"}),
      ElementsAre("value:v7", "not found", "value:v3", "value:v7", "value:v49")
  );
  std::vector<std::string> many;
  for (int i = 0; i != 1000; ++i) many.push_back(std::to_string(i));
  const auto all = answers(many);
  ASSERT_EQ(all.size(), 1000u);
  EXPECT_EQ(all[49], "value:v49");
  EXPECT_EQ(all[50], "not found");
}

TEST_F(postgres_source_test, odd_keys_are_data_and_nothing_else) {
  const std::vector<std::string> odd{
      "'; DROP TABLE docs; --",
      "\"",
      "\\",
      "{a,b}",
      ",",
      "NULL",
      "null",
      "Zoë",
      "\xf0\x9f\xa6\x86",
      " ",
      "a\nb",
      "$1"};
  for (const auto& key : odd) {
    ASSERT_TRUE(put(key, "of " + key)) << key << ": " << remark->text();
  }
  std::vector<std::string> wanted;
  for (const auto& key : odd) wanted.push_back("value:of " + key);
  EXPECT_EQ(answers(odd), wanted);
  for (const auto& key : odd) EXPECT_EQ(answer(key), "value:of " + key);
}

TEST_F(postgres_source_test, keys_that_a_text_cannot_hold_are_not_found_and_spoil_no_batch) {
  backend->write("a", "1");
  const std::string nul("a\0b", 3), broken = "\xff\xfe";
  EXPECT_THAT(
      answers({nul, "a", broken, ""}), ElementsAre("not found", "value:1", "not found", "not found")
  );
  EXPECT_EQ(put(nul, "x").error(), errc::bad_request);
  EXPECT_EQ(put(broken, "x").error(), errc::bad_request);
  EXPECT_EQ(put("a", std::string("x\0", 2)).error(), errc::bad_request);
  EXPECT_EQ(answer("a"), "value:1");
}

TEST_F(postgres_source_test, bytea_takes_all_keys_and_values) {
  use_table("id bytea PRIMARY KEY, body bytea");
  const std::string nul("a\0b\\\"", 5), high = "\xff\xfe", value("\0\xff\\x", 4);
  ASSERT_TRUE(put(nul, value)) << remark->text();
  ASSERT_TRUE(put(high, "")) << remark->text();
  EXPECT_THAT(answers({high, nul, "none"}), ElementsAre("value:", "value:" + value, "not found"));
}

TEST_F(postgres_source_test, an_integer_key_is_one_spelling) {
  use_table("id bigint PRIMARY KEY, body jsonb");
  server().run("INSERT INTO " + table() + " VALUES (42, '{\"a\": 1}'), (-1, '[]')");
  EXPECT_THAT(
      answers({"42", "042", "abc", "-1", "+42", " 42", "99999999999999999999", "42abc"}),
      ElementsAre(
          "value:{\"a\": 1}",
          "not found",
          "not found",
          "value:[]",
          "not found",
          "not found",
          "not found",
          "not found"
      )
  );
  EXPECT_EQ(put("042", "{}").error(), errc::bad_request);
  EXPECT_EQ(put("7", "no json").error(), errc::bad_request);
  EXPECT_TRUE(put("7", "{}")) << remark->text();
  EXPECT_EQ(answer("7"), "value:{}");
}

TEST_F(postgres_source_test, other_types_of_keys_are_asked_one_by_one_when_one_does_not_fit) {
  server().run("CREATE TYPE colour AS ENUM ('red', 'green')");
  use_table("id colour PRIMARY KEY, body text");
  backend->write("red", "1");
  EXPECT_EQ(answer("red"), "value:1");
  EXPECT_THAT(answers({"blue", "red"}), ElementsAre("error: source_failed", "value:1"));
  backend.reset();
  server().run("DROP TYPE colour");
}

TEST_F(postgres_source_test, padded_and_folded_keys_are_matched_by_their_bytes) {
  server().run(
      "CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
  );
  use_table("id text COLLATE nocase PRIMARY KEY, body text");
  ASSERT_TRUE(put("ada", "1")) << remark->text();
  EXPECT_THAT(answers({"ada", "ADA"}), ElementsAre("value:1", "not found"));
  EXPECT_EQ(put("ADA", "2").error(), errc::conflict);
  EXPECT_TRUE(erase("ADA"));
  EXPECT_EQ(answer("ada"), "value:1");
  use_table("id char(8) PRIMARY KEY, body text");
  server().run("DROP COLLATION nocase");
  ASSERT_TRUE(put("ab", "2")) << remark->text();
  EXPECT_THAT(answers({"ab", "ab "}), ElementsAre("value:2", "not found"));
  EXPECT_EQ(put("ab ", "x").error(), errc::bad_request);
  EXPECT_EQ(put("longer than 8", "x").error(), errc::too_large);
}

TEST_F(postgres_source_test, ten_mebibytes_come_and_go) {
  auto with = backend->options();
  with.max_entry = 16u << 20;
  use(with);
  const std::string large(10u << 20, 'x');
  ASSERT_TRUE(put("large", large)) << remark->text();
  const auto got = load("large");
  ASSERT_TRUE(got) << remark->text();
  EXPECT_EQ(got->value.size(), large.size());
  EXPECT_TRUE(got->value.view() == large);
}

TEST_F(postgres_source_test, a_value_over_the_limit_is_too_large_and_spoils_no_batch) {
  auto with = backend->options();
  with.max_entry = 100;
  use(with);
  backend->write("fits", std::string(100, 'x'));
  backend->write("large", std::string(101, 'x'));
  EXPECT_THAT(
      answers({"large", "fits"}), ElementsAre("error: too_large", "value:" + std::string(100, 'x'))
  );
}

TEST_F(postgres_source_test, names_are_quoted) {
  server().run("CREATE SCHEMA \"my app\"");
  server().run(
      "CREATE TABLE \"my app\".\"user\" (\"the \"\"id\"\"\" text PRIMARY KEY, \"order\" text)"
  );
  auto with = backend->options();
  with.table = postgres_table{"my app.user", "the \"id\"", "order", "xmin"};
  use(with);
  ASSERT_TRUE(put("a", "1")) << remark->text();
  EXPECT_EQ(answer("a"), "value:1");
  with.table->name = "user\"; DROP SCHEMA \"my app\" CASCADE; --";
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_EQ(server().run("SELECT count(*) FROM \"my app\".\"user\""), "1");
  server().run("DROP SCHEMA \"my app\" CASCADE");
}

TEST_F(postgres_source_test, a_query_of_ones_own_reads) {
  backend->write("a", "1");
  use(own_query("SELECT id, upper(body) || 'x', 7 FROM " + table() + " WHERE id = ANY($1); "));
  EXPECT_EQ(over, nullptr);
  const auto got = load("a");
  ASSERT_TRUE(got) << remark->text();
  EXPECT_EQ(got->value.text(), "1x");
  EXPECT_EQ(got->meta->etag, "7");
  use(own_query("SELECT 'k' || unnest, unnest FROM unnest($1::text[]) -- no table"));
  EXPECT_EQ(answer("a"), "not found");
  auto named = own_query("SELECT unnest, unnest FROM unnest($1)");
  named.key = pg_key_type::text;
  use(named);
  EXPECT_EQ(answer("a"), "value:a") << remark->text();
}

TEST_F(postgres_source_test, what_a_query_lacks_is_said) {
  use(own_query("SELECT id, body FROM " + table() + " WHERE id = $1"));
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("query must compare the key with = ANY($1)"));
  use(own_query("SELECT id FROM " + table() + " WHERE id = ANY($1)"));
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("query must have the columns key, value"));
  use(own_query("SELECT id, bodie FROM " + table() + " WHERE id = ANY($1)"));
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("query does not work: column \"bodie\" does not exist"));
  use(own_query("DELETE FROM " + table() + " WHERE id = ANY($1) RETURNING id, body"));
  backend->write("a", "1");
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_EQ(backend->read("a"), "1");
}

TEST_F(postgres_source_test, wrong_options_are_refused) {
  auto with = backend->options();
  with.url = "postgresql://weir:secret@h/db";
  EXPECT_THAT(refusal(with), HasSubstr("the URL has a password in it"));
  EXPECT_THAT(refusal(with), Not(HasSubstr("secret")));
  with.url = "postgresql://weir@h/db?sslmode=prefer";
  EXPECT_THAT(refusal(with), HasSubstr("TLS is set by ca and insecure"));
  with.url = "postgresql://weir@h/db?service=x";
  EXPECT_THAT(refusal(with), HasSubstr("the parameter service"));
  with.url = "postgresql://weir@db:5432/app";
  EXPECT_THAT(refusal(with), HasSubstr("the connection to db:5432 would be plain text"));
  with.insecure = true;
  EXPECT_NE(make_postgres_source(with), nullptr);
  with.url = "postgresql:///app";
  EXPECT_THAT(refusal(with), HasSubstr("names no host"));
  with.url = "mysql://h/app";
  EXPECT_THAT(refusal(with), HasSubstr("must begin with postgresql://"));
  with = backend->options();
  with.query = "SELECT 1";
  EXPECT_THAT(refusal(with), HasSubstr("leave them out"));
  with.table.reset();
  with.update = "UPDATE x";
  EXPECT_THAT(refusal(with), HasSubstr("create and update"));
  with = backend->options();
  with.ca = "/nowhere/ca.pem";
  EXPECT_THAT(refusal(with), HasSubstr("there is no file /nowhere/ca.pem"));
  with = backend->options();
  with.connections = 0;
  EXPECT_THAT(refusal(with), HasSubstr("allowed are 1 to 256"));
}

}  // namespace
}  // namespace weir::test
