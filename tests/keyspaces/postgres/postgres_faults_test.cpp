// A PostgreSQL that is away, slow, changed under way or not whom it should be.

#include "tests/keyspaces/postgres/postgres_test.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/cluster/fault_proxy.hpp"
#include "tests/support/waiting.hpp"

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::HasSubstr;

struct postgres_faults_test : postgres_test {
  runtime proxy_loop{{.threads = 1}};
  std::unique_ptr<fault_proxy> proxy;

  /// The same with what can be done to its connections.
  void use_proxy() {
    proxy = std::make_unique<fault_proxy>(
        *proxy_loop.loops().front(), fault_proxy_options{.target = server().address()}
    );
    auto with = backend->options();
    with.url = postgres_server::url_at(proxy->address());
    use(with);
  }

  std::string lock_row(const std::string& key) const {
    return "BEGIN; SELECT 1 FROM " + backend->table() + " WHERE id = '" + key + "' FOR UPDATE";
  }

  /// Runs `act`, which must end by the deadline of its call.
  template <class Act>
  auto in_time(Act act) {
    const auto begun = clock::now();
    auto outcome = act();
    EXPECT_LT(clock::now() - begun, patience + 1s);
    return outcome;
  }
};

TEST_F(postgres_faults_test, a_wrong_password_is_said_so) {
  auto with = backend->options();
  with.password = "guessed";
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("password authentication failed for user \"weir\""));
  EXPECT_EQ(put("a", "1").error(), errc::unavailable);
}

TEST_F(postgres_faults_test, tls_is_for_the_right_server_alone) {
  backend->write("a", "1");
  auto with = backend->options();
  with.ca = server().ca();
  use(with);
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  EXPECT_EQ(
      server().run("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE ssl "
                   "AND application_name = 'weir'"),
      "1"
  );
  ASSERT_TRUE(put("large", std::string(1u << 19, 'x'))) << remark->text();
  EXPECT_EQ(load("large")->value.size(), 1u << 19);

  const auto port = server().address().substr(server().address().find(':'));
  with.url = postgres_server::url_at("localhost" + port);
  use(with);
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  with.url = postgres_server::url_at("other.localhost" + port);
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("does not match host name \"other.localhost\""));

  scratch_folder folder;
  with.url = server().url();
  with.ca = folder.write("other.crt", weir_test::authority("other").pem());
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("certificate verify failed"));
}

TEST_F(postgres_faults_test, a_host_without_address_is_said_so) {
  auto with = backend->options();
  with.url = "postgresql://weir@nowhere.invalid/postgres";
  with.insecure = true;
  use(with);
  patience = 5s;
  in_time([&] { return answer("a"); });
  EXPECT_EQ(put("a", "1").error(), errc::unavailable);
  EXPECT_THAT(remark->text(), HasSubstr("there is no address of the host nowhere.invalid"));
}

TEST_F(postgres_faults_test, statements_survive_a_column_of_another_type) {
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(answer("a"), "value:1");
  server().run("ALTER TABLE " + table() + " ALTER body TYPE bytea USING body::bytea");
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  EXPECT_TRUE(put("a", std::string("\0\xff", 2))) << remark->text();
  EXPECT_EQ(answer("a"), std::string("value:\0\xff", 8));
  server().run("ALTER TABLE " + table() + " ALTER id TYPE varchar(20)");
  EXPECT_TRUE(put("b", "2")) << remark->text();
  EXPECT_EQ(answer("b"), "value:2") << remark->text();
}

TEST_F(postgres_faults_test, a_renamed_column_is_named) {
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(answer("a"), "value:1");
  server().run("ALTER TABLE " + table() + " RENAME body TO text");
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("column \"body\" does not exist"));
  EXPECT_EQ(put("a", "2").error(), errc::source_failed);
  server().run("ALTER TABLE " + table() + " RENAME text TO body");
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
}

TEST_F(postgres_faults_test, statements_that_others_dropped_are_prepared_again) {
  auto with = backend->options();
  with.connections = 1;
  use(with);
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(answer("a"), "value:1");
  server().run(
      "CREATE OR REPLACE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN DEALLOCATE ALL; RETURN NEW; END $$"
  );
  server().run(
      "CREATE TRIGGER forget AFTER INSERT ON " + table() + " FOR EACH ROW EXECUTE FUNCTION forget()"
  );
  EXPECT_TRUE(put("b", "2")) << remark->text();
  EXPECT_EQ(answer("b"), "value:2") << remark->text();
  EXPECT_TRUE(erase("b")) << remark->text();
}

TEST_F(postgres_faults_test, a_locked_row_is_busy_before_the_deadline) {
  backend->write("a", "1");
  patience = 2s;
  server().run(lock_row("a"));
  const auto began = clock::now();
  EXPECT_EQ(put("a", "2").error(), errc::overloaded);
  EXPECT_LT(clock::now() - began, patience);
  EXPECT_THAT(remark->text(), HasSubstr("lock timeout"));
  EXPECT_EQ(answer("a"), "value:1");  // who reads does not wait
  server().run("ROLLBACK");
  EXPECT_EQ(backend->read("a"), "1");
  EXPECT_TRUE(put("a", "2")) << remark->text();
}

TEST_F(postgres_faults_test, a_slow_query_is_busy_before_the_deadline) {
  use(
      {.url = server().url(),
       .password = postgres_server::password,
       .query = "SELECT 'a', pg_sleep(30)::text WHERE 'a' = ANY($1::text[])"}
  );
  patience = 500ms;
  const auto began = clock::now();
  EXPECT_EQ(answer("a"), "error: overloaded");
  EXPECT_LT(clock::now() - began, patience);
}

TEST_F(postgres_faults_test, who_waits_for_a_connection_waits_until_the_deadline) {
  auto with = backend->options();
  with.connections = 1;
  use(with);
  backend->write("a", "1");
  ASSERT_EQ(answer("a"), "value:1");
  server().run(lock_row("a"));
  patience = 10s;
  auto writing = asio::co_spawn(
      env.executor(), over->async_put("a", "2", write_condition(), context()), asio::use_future
  );
  patience = 300ms;
  EXPECT_EQ(in_time([&] { return answer("a"); }), "error: overloaded");
  EXPECT_THAT(remark->text(), HasSubstr("all 1 connections are in use"));
  patience = 10s;
  auto reading = start("a");
  server().run("COMMIT");
  EXPECT_TRUE(writing.get());
  const auto got = reading.get();
  ASSERT_TRUE(got) << remark->text();
  EXPECT_EQ(got->value.text(), "2");
}

TEST_F(postgres_faults_test, idle_connections_that_the_server_ended_are_not_used) {
  ASSERT_TRUE(put("a", "1"));
  for (int i = 0; i != 3; ++i) {
    server().run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
        "application_name = 'weir'"
    );
    EXPECT_TRUE(put("a", std::to_string(i))) << remark->text();
    server().run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE "
        "application_name = 'weir'"
    );
    EXPECT_EQ(answer("a"), "value:" + std::to_string(i)) << remark->text();
  }
}

TEST_F(postgres_faults_test, a_killed_server_is_away_and_then_back) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_EQ(answer("a"), "value:1");
  server().kill();
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), Not(HasSubstr("\n"))) << "one line";
  EXPECT_EQ(put("a", "2").error(), errc::unavailable);
  server().start();
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  EXPECT_TRUE(put("a", "2")) << remark->text();
}

TEST_F(postgres_faults_test, a_server_killed_within_a_write_leaves_it_unknown) {
  backend->write("a", "1");
  ASSERT_TRUE(put("b", "1"));
  ASSERT_TRUE(put("a", "1"));
  server().run(lock_row("a"));
  auto writing = asio::co_spawn(
      env.executor(), over->async_put("a", "2", write_condition(), context()), asio::use_future
  );
  ASSERT_TRUE(eventually([&] {
    return server().run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") ==
           "1";
  }));
  server().kill();
  EXPECT_EQ(writing.get().error(), errc::unknown_outcome);
  server().start();
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
}

TEST_F(postgres_faults_test, a_frozen_server_costs_the_deadline_and_no_more) {
  ASSERT_TRUE(put("a", "1"));
  ASSERT_EQ(answer("a"), "value:1");
  patience = 400ms;
  server().freeze();
  const auto read = in_time([&] { return answer("a"); });
  const auto again = in_time([&] { return answer("a"); });  // on a new connection
  const auto wrote = in_time([&] { return put("a", "2"); });
  server().thaw();
  EXPECT_EQ(read, "error: deadline_exceeded");
  EXPECT_EQ(again, "error: deadline_exceeded");
  EXPECT_EQ(wrote.error(), errc::unavailable);  // no connection: nothing was sent
  patience = 30s;
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
}

TEST_F(postgres_faults_test, a_server_that_freezes_before_a_write_leaves_it_unknown) {
  ASSERT_TRUE(put("a", "1"));
  patience = 400ms;
  server().freeze();
  const auto wrote = in_time([&] { return put("a", "2"); });
  server().thaw();
  EXPECT_EQ(wrote.error(), errc::unknown_outcome);
  patience = 30s;
  EXPECT_TRUE(put("a", "3")) << remark->text();
}

TEST_F(postgres_faults_test, a_write_whose_reply_is_swallowed_is_unknown_and_not_sent_again) {
  use_table("id text PRIMARY KEY, body text, count int DEFAULT 1");
  use_proxy();
  ASSERT_TRUE(put("a", "1")) << remark->text();
  server().run(
      "CREATE OR REPLACE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN NEW.count = OLD.count + 1; RETURN NEW; END $$"
  );
  server().run(
      "CREATE TRIGGER counted BEFORE UPDATE ON " + table() +
      " FOR EACH ROW EXECUTE FUNCTION counted()"
  );
  proxy->set(direction::back, {.black_hole = true});
  patience = 500ms;
  EXPECT_EQ(in_time([&] { return put("a", "2").error(); }), errc::unknown_outcome);
  proxy->heal();
  EXPECT_EQ(server().run("SELECT body || count FROM " + table()), "22");
  patience = 30s;
  EXPECT_EQ(answer("a"), "value:2") << remark->text();
}

TEST_F(postgres_faults_test, a_connection_cut_within_a_write_leaves_it_unknown) {
  use_proxy();
  ASSERT_TRUE(put("a", "1")) << remark->text();
  proxy->set(direction::forth, {.reset_after = 1000});
  EXPECT_EQ(put("a", std::string(500'000, 'x')).error(), errc::unknown_outcome);
  proxy->heal();
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
}

TEST_F(postgres_faults_test, a_silent_host_costs_the_deadline_and_no_more) {
  use_proxy();
  proxy->pause();
  patience = 300ms;
  EXPECT_EQ(in_time([&] { return answer("a"); }), "error: deadline_exceeded");
  EXPECT_EQ(in_time([&] { return put("a", "1").error(); }), errc::unavailable);
  proxy->resume();
  patience = 30s;
  EXPECT_TRUE(put("a", "1")) << remark->text();
}

}  // namespace
}  // namespace weir::test
