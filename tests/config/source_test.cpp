#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

class SourceTest : public config_test {
 protected:
  template <class Source>
  Source source_of(std::string_view yaml) const {
    const auto given = valid(source_is(yaml));
    if (given.keyspaces.empty()) return {};
    const auto* found = std::get_if<Source>(&given.keyspaces[0].source);
    EXPECT_NE(found, nullptr);
    return found ? *found : Source{};
  }

  /// Problems of an http source with this URL; without their place, which is always the same.
  std::string url_problem(const std::string& url) const {
    const auto found = problems(source_is("{type: http, url: \"" + url + "\"}"));
    const std::string place = "3:31 keyspaces[0].source.url: ";
    return found.size() == 1 && found[0].starts_with(place) ? found[0].substr(place.size())
                                                            : testing::PrintToString(found);
  }

  std::string query_problem(const std::string& query) const {
    const auto found = problems(source_is("{type: sqlite, path: a, query: \"" + query + "\"}"));
    return found.empty() ? "" : found[0].substr(found[0].find("query: ") + 7);
  }

  std::vector<std::string> header_problems(const std::string& headers) const {
    return problems(source_is("{type: http, url: \"http://h/{key}\", headers: {" + headers + "}}"));
  }
};

TEST_F(SourceTest, ReadsHttp) {
  const auto http = source_of<http_source>(
      "{type: http, url: \"http://h:9000/a/{key}?x={key}\", timeout: 150ms, headers: {accept: a/b}}"
  );
  EXPECT_EQ(http.url, "http://h:9000/a/{key}?x={key}");
  EXPECT_EQ(http.timeout, 150ms);
  ASSERT_EQ(http.headers.size(), 1u);
  EXPECT_EQ(http.headers[0].value.value, "a/b");
}

TEST_F(SourceTest, ReadsSqliteFileAndCallback) {
  const auto sqlite =
      source_of<sqlite_source>("{type: sqlite, path: u.db, query: \"SELECT j FROM u WHERE i=?1\"}");
  EXPECT_EQ(sqlite.path, "u.db");
  EXPECT_EQ(sqlite.query, "SELECT j FROM u WHERE i=?1");
  EXPECT_EQ(source_of<file_source>("{type: file, root: ./p}").root, "./p");
  EXPECT_EQ(source_of<callback_source>("{type: callback, name: p}").name, "p");
}

TEST_F(SourceTest, SqliteStatementsThatWriteMakeItAStore) {
  const auto sqlite = source_of<sqlite_source>(
      "{type: sqlite, path: u.db, query: \"SELECT j, r FROM u WHERE i=?1\", put: P, delete: D, "
      "revision: 3}"
  );
  EXPECT_EQ(sqlite.put, "P");
  EXPECT_EQ(sqlite.erase, "D");
  EXPECT_EQ(sqlite.revision, 3u);
}

TEST_F(SourceTest, ARevisionIsForStatementsThatWrite) {
  EXPECT_THAT(
      problems(source_is("{type: sqlite, path: a, query: \"SELECT ?1\", revision: 2}")),
      ElementsAre(
          HasSubstr("keyspaces[0].source.revision: a revision is of use only to put and delete")
      )
  );
}

TEST_F(SourceTest, ReadsPostgresTables) {
  const auto table = source_of<postgres_source>(
      "{type: postgres, url: \"postgresql://w@db/app\", password: pw, ca: ca.pem, connections: 3, "
      "table: {name: users, key: id, value: json, revision: xmin}}"
  );
  EXPECT_EQ(table.url, "postgresql://w@db/app");
  EXPECT_EQ(table.password->value, "pw");
  EXPECT_EQ(table.ca, "ca.pem");
  EXPECT_EQ(table.connections, 3u);
  const postgres_table wanted{"users", "id", "json", "xmin"};
  EXPECT_EQ(table.table, wanted);
}

TEST_F(SourceTest, ReadsPostgresStatements) {
  const auto own = source_of<postgres_source>(
      "{type: postgres, url: \"postgresql://w@db/app\", query: Q, create: C, update: U, put: P, "
      "delete: D, key: bytea, insecure: true}"
  );
  EXPECT_EQ(own.query, "Q");
  EXPECT_EQ(own.create, "C");
  EXPECT_EQ(own.update, "U");
  EXPECT_EQ(own.put, "P");
  EXPECT_EQ(own.erase, "D");
  EXPECT_EQ(own.key, postgres_key::bytea);
  EXPECT_TRUE(own.insecure);
  EXPECT_FALSE(own.table);
}

TEST_F(SourceTest, PostgresNeedsATableOrStatements) {
  const auto problem = [this](const std::string& more) {
    return problems(source_is("{type: postgres, url: postgresql://127.0.0.1/a, " + more + "}"));
  };
  EXPECT_THAT(problem("connections: 2"), ElementsAre(HasSubstr("neither a table nor a query")));
  const std::string table = "table: {name: t, key: k, value: v}";
  EXPECT_THAT(problem(table), ElementsAre());
  EXPECT_THAT(
      problem(table + ", put: P"),
      ElementsAre(HasSubstr("source.table: weir writes the statements of a table itself"))
  );
  EXPECT_THAT(
      problem("query: Q, create: C"),
      ElementsAre(HasSubstr("source.create: create and update are of use only together"))
  );
  EXPECT_THAT(problem("table: {name: t, key: k}"), ElementsAre(HasSubstr("\"value\" is missing")));
}

TEST_F(SourceTest, ReadsRedis) {
  const auto all = source_of<redis_source>(
      "{type: redis, url: \"rediss://cache:6379\", user: u, password: pw, ca: ca.pem, database: 2, "
      "prefix: \"s:\", expire: 1h, connections: 3, changes: {tracking: true, when_lost: serve}}"
  );
  EXPECT_EQ(all.url, "rediss://cache:6379");
  EXPECT_EQ(all.user, "u");
  EXPECT_EQ(all.password->value, "pw");
  EXPECT_EQ(all.ca, "ca.pem");
  EXPECT_EQ(all.database, 2u);
  EXPECT_EQ(all.prefix, "s:");
  EXPECT_EQ(all.expire, 1h);
  EXPECT_EQ(all.connections, 3u);
  const redis_changes wanted{true, feed_loss::serve};
  EXPECT_EQ(all.changes, wanted);

  const auto least = source_of<redis_source>("{type: redis, url: \"redis://127.0.0.1\"}");
  EXPECT_EQ(least.connections, 2u);
  EXPECT_EQ(least.prefix, "");
  EXPECT_EQ(least.expire, 0ms);
  EXPECT_FALSE(least.changes);
}

TEST_F(SourceTest, RedisUrlsAreWithoutPassword) {
  const auto problem = [this](const std::string& url) {
    return problems(source_is("{type: redis, url: \"" + url + "\"}"));
  };
  EXPECT_THAT(
      problem("redis://u:s3cret@127.0.0.1"), ElementsAre(HasSubstr("has a password in it"))
  );
  EXPECT_THAT(problem("redis://:s3cret@127.0.0.1"), ElementsAre(HasSubstr("has a password in it")));
  EXPECT_THAT(problem("127.0.0.1:6379"), ElementsAre(HasSubstr("this is no Redis URL")));
  EXPECT_THAT(problem("redis://u@127.0.0.1:6379/2"), ElementsAre());
  for (const auto& each : problem("redis://u:s3cret@127.0.0.1"))
    EXPECT_THAT(each, testing::Not(HasSubstr("s3cret")));
}

TEST_F(SourceTest, NeedsAType) {
  EXPECT_THAT(
      problems(source_is("{url: x}")),
      ElementsAre("3:13 keyspaces[0].source: \"type\" is missing (one of http, sqlite, postgres, "
                  "redis, file, callback)")
  );
}

TEST_F(SourceTest, OffersTheNearestType) {
  EXPECT_THAT(
      problems(source_is("{type: sqlit}")),
      ElementsAre("3:20 keyspaces[0].source.type: \"sqlit\" is not a type of source (did you mean "
                  "\"sqlite\"?)")
  );
  EXPECT_THAT(
      problems(source_is("{type: oracle}")),
      ElementsAre(HasSubstr("one of http, sqlite, postgres, redis, file"))
  );
}

TEST_F(SourceTest, EachTypeHasItsOwnKeys) {
  EXPECT_THAT(
      problems(source_is("{type: file, root: x, url: y}")),
      ElementsAre(
          "3:35 keyspaces[0].source: unknown key \"url\" (remove it; known here: root, write)"
      )
  );
  EXPECT_THAT(
      problems(source_is("{type: sqlite}")),
      ElementsAre(HasSubstr("\"path\" is missing"), HasSubstr("\"query\" is missing"))
  );
}

TEST_F(SourceTest, HttpsWithAuthoritiesOfItsOwn) {
  EXPECT_THAT(
      problems(source_is("{type: http, url: \"https://h/{key}\", ca: ca.crt}")), testing::IsEmpty()
  );
}

TEST_F(SourceTest, OnlyHttpUrls) {
  for (const char* url : {"file:///etc/{key}", "gopher://h/{key}", "h/{key}", "HTTP://h/{key}"}) {
    EXPECT_THAT(url_problem(url), HasSubstr("is not an http URL")) << url;
  }
}

TEST_F(SourceTest, UrlsContainTheKey) {
  EXPECT_EQ(
      url_problem("http://h/x"),
      "the URL does not contain {key} (write http://host:port/path/{key})"
  );
  EXPECT_EQ(url_problem("http://h/{id}"), "\"{id}\" is not a placeholder (write {key})");
  EXPECT_EQ(url_problem("http://h/{key}/{"), "\"{\" is not a placeholder (write {key})");
}

TEST_F(SourceTest, TheKeyDoesNotChooseTheHost) {
  EXPECT_EQ(
      url_problem("http://{key}.h/"), "{key} may not choose the host (put {key} into the path)"
  );
}

TEST_F(SourceTest, UrlsHaveNoCredentials) {
  EXPECT_THAT(url_problem("http://u:p@h/{key}"), HasSubstr("a user name or password"));
}

TEST_F(SourceTest, UrlsHaveAValidAuthority) {
  EXPECT_THAT(url_problem("http:///{key}"), HasSubstr("names no host"));
  EXPECT_THAT(url_problem("http://:80/{key}"), HasSubstr("names no host"));
  EXPECT_THAT(url_problem("http://h:0/{key}"), HasSubstr("port 0"));
  EXPECT_THAT(url_problem("http://h:65536/{key}"), HasSubstr("has the port \"65536\""));
  EXPECT_THAT(url_problem("http://[::1/{key}"), HasSubstr("closing bracket"));
  EXPECT_EQ(
      source_of<http_source>("{type: http, url: \"http://[::1]/{key}\"}").url, "http://[::1]/{key}"
  );
}

TEST_F(SourceTest, UrlsHaveNoBlanksOrFragments) {
  EXPECT_THAT(url_problem("http://h/a b/{key}"), HasSubstr("a character that URLs do not have"));
  EXPECT_THAT(url_problem("http://h/ä/{key}"), HasSubstr("a character that URLs do not have"));
  EXPECT_THAT(url_problem("http://h/{key}#x"), HasSubstr("fragment"));
}

TEST_F(SourceTest, UrlsAreWellEscaped) {
  EXPECT_THAT(url_problem("http://h/%2/{key}"), HasSubstr("a % without two hex digits"));
  EXPECT_THAT(url_problem("http://h/{key}%"), HasSubstr("a % without two hex digits"));
  EXPECT_THAT(url_problem("http://h/[x]/{key}"), HasSubstr("a bracket"));
  EXPECT_EQ(
      source_of<http_source>("{type: http, url: \"http://h/%2F/{key}\"}").url, "http://h/%2F/{key}"
  );
}

TEST_F(SourceTest, QueriesBindTheKey) {
  EXPECT_EQ(query_problem("SELECT a FROM t WHERE k = ?1"), "");
  EXPECT_THAT(query_problem("SELECT 1"), HasSubstr("does not contain ?1"));
  EXPECT_THAT(query_problem("SELECT a FROM t WHERE k = '?1'"), HasSubstr("does not contain ?1"));
  EXPECT_THAT(query_problem("SELECT a FROM t -- ?1"), HasSubstr("does not contain ?1"));
}

TEST_F(SourceTest, QueriesWithOtherParametersAreRefused) {
  EXPECT_THAT(query_problem("SELECT a WHERE k = ?"), HasSubstr("has the parameter \"?\""));
  EXPECT_THAT(query_problem("SELECT a WHERE k = ?2"), HasSubstr("has the parameter \"?2\""));
  EXPECT_THAT(query_problem("SELECT a WHERE k = $1"), HasSubstr("has the parameter \"$1\""));
  EXPECT_THAT(query_problem("SELECT a WHERE k = :key"), HasSubstr("has the parameter \":key\""));
}

TEST_F(SourceTest, WhatStandsInALiteralOrANameOfAQueryIsNoParameter) {
  for (const std::string query :
       {"SELECT a FROM t WHERE k = ?1 AND expires > strftime('%s','now')",
        "SELECT printf('%s {key}', a) FROM t WHERE k = ?1",
        "SELECT a FROM t WHERE k = ?1 AND b %size = 0",
        "SELECT json_extract(a, '$.b?') FROM t WHERE k = ?1",
        "SELECT [what?2], x$y FROM t WHERE k = ?1",
        "SELECT 'it''s :key' FROM t WHERE k = ?1 -- not @this"}) {
    EXPECT_EQ(query_problem(query), "") << query;
  }
}

TEST_F(SourceTest, QueriesAreNotBuiltFromText) {
  EXPECT_THAT(query_problem("SELECT a WHERE k = '%s'"), HasSubstr("text replacement (%s)"));
  EXPECT_THAT(query_problem("SELECT a WHERE k = '{key}'"), HasSubstr("text replacement ({key})"));
}

TEST_F(SourceTest, HeadersTakeSecretsFromTheEnvironment) {
  variables["TOKEN"] = "s3cret";
  const auto http = source_of<http_source>(
      "{type: http, url: \"http://h/{key}\", headers: {authorization: {env: TOKEN}}}"
  );
  ASSERT_EQ(http.headers.size(), 1u);
  EXPECT_EQ(http.headers[0].value.value, "s3cret");
  EXPECT_EQ(http.headers[0].value.from, secret_text::origin::env);
}

TEST_F(SourceTest, HeadersTakeSecretsFromFilesWithoutTheFinalNewline) {
  files["/run/token"] = "s3cret\n";
  const auto http = source_of<http_source>(
      "{type: http, url: \"http://h/{key}\", headers: {authorization: {file: /run/token}}}"
  );
  ASSERT_EQ(http.headers.size(), 1u);
  EXPECT_EQ(http.headers[0].value.value, "s3cret");
}

TEST_F(SourceTest, MissingSecretsAreNamed) {
  EXPECT_THAT(
      header_problems("a: {env: TOKEN}, b: {file: /x}"),
      ElementsAre(
          HasSubstr("source.headers.a: the environment variable TOKEN is not set"),
          HasSubstr("source.headers.b: \"/x\" does not exist")
      )
  );
}

TEST_F(SourceTest, EmptySecretsAreRefused) {
  variables["TOKEN"] = "";
  EXPECT_THAT(header_problems("a: {env: TOKEN}"), ElementsAre(HasSubstr("the text is empty")));
}

TEST_F(SourceTest, HeadersTakeNoLineBreaks) {
  variables["TOKEN"] = "a\r\nx: y";
  EXPECT_THAT(
      header_problems("a: {env: TOKEN}, b: \"${TOKEN}\", c: \"x\\ny\""),
      ElementsAre(HasSubstr("line break"), HasSubstr("line break"), HasSubstr("line break"))
  );
}

TEST_F(SourceTest, ProblemsDoNotQuoteSecrets) {
  variables["TOKEN"] = "s3cret\x01";
  for (const auto& each : load_yaml(source_is("{type: http, url: \"http://h/{key}\", headers: {a: "
                                              "{env: TOKEN}, b: \"${TOKEN}\"}}"))
                              .problems) {
    EXPECT_THAT(format_problems({each}), testing::Not(HasSubstr("s3cret")));
  }
}

TEST_F(SourceTest, APasswordInAUrlIsRefusedAndNowhereShown) {
  const auto shown = [this](const std::string& source) {
    std::string all;
    for (const auto& each : load_yaml(source_is(source)).problems) all += format_problems({each});
    return all;
  };
  const std::string table = ", table: {name: t, key: k, value: v}}";
  for (const std::string url :
       {"postgresql://u:s3cret@127.0.0.1/app", "postgresql://127.0.0.1/app?password=s3cret"}) {
    EXPECT_THAT(
        shown("{type: postgres, url: \"" + url + "\"" + table),
        HasSubstr("the URL has a password in it")
    );
  }
  EXPECT_THAT(shown("{type: postgres, url: \"127.0.0.1\"" + table), HasSubstr("no PostgreSQL URL"));
  EXPECT_EQ(shown("{type: postgres, url: \"postgresql://u@127.0.0.1/app\"" + table), "");
  for (const std::string url :
       {"postgresql://u:s3cret@127.0.0.1/a", "http://u:s3cret@h/{key}", "http://s3cret@h/{key}"}) {
    const auto type = std::string(url.starts_with("http") ? "http" : "postgres");
    const auto text = shown("{type: " + type + ", url: \"" + url + "\", nonsense: 1}");
    EXPECT_THAT(text, HasSubstr("nonsense"));
    EXPECT_THAT(text, testing::Not(HasSubstr("s3cret")));
  }
}

TEST_F(SourceTest, HeadersOfTheClientItselfAreRefused) {
  EXPECT_THAT(
      header_problems("Host: x, Transfer-Encoding: chunked"),
      ElementsAre(HasSubstr("\"Host\" is set by weir itself"), HasSubstr("\"Transfer-Encoding\""))
  );
}

TEST_F(SourceTest, HeaderNamesAreTokensAndUnique) {
  EXPECT_THAT(
      header_problems("\"a b\": x, q: 1, Q: 2"),
      ElementsAre(HasSubstr("is not the name of a header"), HasSubstr("\"Q\" is given twice"))
  );
}

TEST_F(SourceTest, ASecretHasOneOrigin) {
  EXPECT_THAT(
      header_problems("a: {env: X, file: y}, b: {vault: x}, c: [1]"),
      ElementsAre(
          HasSubstr("expected text, {env: NAME} or {file: path}, found a map"),
          HasSubstr("found a map"),
          HasSubstr("found a list")
      )
  );
}

}  // namespace
}  // namespace weir::config
