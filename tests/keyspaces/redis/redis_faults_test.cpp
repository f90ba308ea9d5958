// A Redis that is away, slow, full or not whom it should be.

#include "keyspaces/redis/redis_failure.hpp"
#include "tests/keyspaces/redis/redis_test.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/cluster/fault_proxy.hpp"
#include "tests/support/waiting.hpp"

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::HasSubstr;

struct redis_faults_test : redis_test {
  runtime proxy_loop{{.threads = 1}};
  std::unique_ptr<fault_proxy> proxy;

  /// The same with what can be done to its connections.
  void use_proxy() {
    proxy = std::make_unique<fault_proxy>(
        *proxy_loop.loops().front(), fault_proxy_options{.target = server().address()}
    );
    auto with = backend->options();
    with.url = "redis://" + proxy->address();
    use(with);
  }

  /// Runs `act`, which must end by the deadline of its call.
  template <class Act>
  auto in_time(Act act) {
    const auto begun = clock::now();
    auto outcome = act();
    EXPECT_LT(clock::now() - begun, patience + 1s);
    return outcome;
  }

  static void end_connections() { server().run({"CLIENT", "KILL", "TYPE", "normal"}); }

  /// How often Redis ran the command since CONFIG RESETSTAT.
  static std::string calls_of(const std::string& command) {
    const auto all = server().run({"INFO", "commandstats"});
    const auto word = "cmdstat_" + command + ":calls=";
    const auto at = all.find(word);
    if (at == all.npos) return "0";
    const auto from = at + word.size();
    return all.substr(from, all.find(',', from) - from);
  }
};

TEST_F(redis_faults_test, the_login_is_checked) {
  auto with = backend->options();
  with.user = "weir";
  with.password = redis_process::password;
  use(with);
  EXPECT_TRUE(put("a", "1")) << remark->text();
  EXPECT_EQ(answer("a"), "value:1") << remark->text();

  with.password = "guessed";
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("WRONGPASS invalid username-password pair"));
  EXPECT_THAT(remark->text(), Not(HasSubstr("guessed")));
  EXPECT_EQ(put("a", "2").error(), errc::unavailable);

  with.url = "redis://reader@" + server().address();
  with.user = "";
  with.password = "r";
  use(with);
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  EXPECT_EQ(put("a", "2").error(), errc::source_failed);
  EXPECT_THAT(remark->text(), HasSubstr("NOPERM"));
}

TEST_F(redis_faults_test, a_password_that_is_missing_is_said_so) {
  server().run({"CONFIG", "SET", "requirepass", "secret"});
  use(backend->options());
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("NOAUTH"));
  auto with = backend->options();
  with.password = "secret";
  use(with);
  EXPECT_EQ(answer("a"), "not found") << remark->text();
  server().run({"CONFIG", "SET", "requirepass", ""});
}

TEST_F(redis_faults_test, tls_is_for_the_right_server_alone) {
  backend->write("a", "1");
  auto with = backend->options();
  with.url = "rediss://127.0.0.1:" + server().tls_port();
  with.ca = server().ca();
  use(with);
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  ASSERT_TRUE(put("large", std::string(1u << 19, 'x'))) << remark->text();
  EXPECT_EQ(load("large")->value.size(), 1u << 19);

  with.url = "rediss://localhost:" + server().tls_port();
  use(with);
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  with.url = "rediss://other.localhost:" + server().tls_port();
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("name"));

  scratch_folder folder;
  with.url = "rediss://127.0.0.1:" + server().tls_port();
  with.ca = folder.write("other.crt", weir_test::authority("other").pem());
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("does not trust the certificate"));
  with.ca = "";
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");

  with.url = "rediss://" + server().address();  // of plain text
  with.ca = server().ca();
  use(with);
  patience = 5s;
  EXPECT_NE(in_time([&] { return answer("a"); }), "value:1");
}

TEST_F(redis_faults_test, a_host_without_address_is_said_so) {
  auto with = backend->options();
  with.url = "redis://nowhere.invalid";
  with.insecure = true;
  use(with);
  patience = 6s;
  in_time([&] { return answer("a"); });
  EXPECT_THAT(remark->text(), HasSubstr("redis at nowhere.invalid:6379: "));
  EXPECT_EQ(put("a", "1").error(), errc::unavailable);
}

TEST_F(redis_faults_test, a_full_server_is_overloaded_and_keeps_what_it_has) {
  const auto first = put("a", "1");
  ASSERT_TRUE(first);
  server().run({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_EQ(put("a", "2").error(), errc::overloaded);
  EXPECT_THAT(remark->text(), HasSubstr("OOM command not allowed"));
  EXPECT_EQ(put("b", "2", write_condition::if_absent()).error(), errc::overloaded);
  EXPECT_EQ(put("a", "2", write_condition::if_matches(first->etag)).error(), errc::overloaded);
  EXPECT_EQ(answer("a"), "value:1");
  EXPECT_TRUE(erase("a", write_condition::if_matches(first->etag))) << remark->text();
  server().run({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(put("a", "2")) << remark->text();
}

TEST_F(redis_faults_test, a_replica_takes_no_writes) {
  ASSERT_TRUE(put("a", "1"));
  server().run({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
  EXPECT_EQ(put("a", "2").error(), errc::source_failed);
  EXPECT_THAT(remark->text(), HasSubstr("the server is a replica; name its primary"));
  server().run({"CONFIG", "SET", "replica-serve-stale-data", "no"});
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("MASTERDOWN"));
  server().run({"CONFIG", "SET", "replica-serve-stale-data", "yes"});
  server().run({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(put("a", "2")) << remark->text();
}

TEST_F(redis_faults_test, a_server_that_runs_a_long_script_is_busy) {
  ASSERT_TRUE(put("a", "1"));
  server().run({"CONFIG", "SET", "busy-reply-threshold", "10"});
  const auto other =
      resp_connection::open(env.executor(), {.server = *parse_host_port(server().address())});
  auto script = std::make_shared<resp_commands>();
  script->add({"EVAL", "while true do end", "0"});
  auto running = start_work(resp_connection::async_call(other, script, clock::now() + 30s));
  ASSERT_TRUE(eventually([&] { return put("a", "2").error() == errc::overloaded; }));
  EXPECT_THAT(remark->text(), HasSubstr("BUSY Redis is busy running a script"));
  EXPECT_EQ(answer("a"), "error: overloaded");
  server().run({"SCRIPT", "KILL"});
  EXPECT_TRUE(running.get().answers.front().is_error());
  EXPECT_TRUE(put("a", "3")) << remark->text();
  other->close();
}

TEST_F(redis_faults_test, connections_that_the_server_ended_are_made_anew) {
  ASSERT_TRUE(put("a", "1"));
  for (int i = 0; i != 20; ++i) {
    end_connections();
    EXPECT_EQ(answer("a"), "value:1") << remark->text();
  }
}

TEST_F(redis_faults_test, a_killed_server_is_away_and_then_back) {
  ASSERT_TRUE(put("a", "1"));
  server().kill();
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("redis at 127.0.0.1:"));
  EXPECT_EQ(put("a", "2").error(), errc::unavailable);
  server().start();
  EXPECT_EQ(answer("a"), "not found") << remark->text();
  EXPECT_TRUE(put("a", "2")) << remark->text();
}

TEST_F(redis_faults_test, a_server_killed_within_a_write_leaves_it_unknown) {
  ASSERT_TRUE(put("a", "1"));
  server().freeze();
  auto writing = start_put("a", "2");
  const auto writer = over;
  use(backend->options());
  patience = 200ms;
  EXPECT_EQ(answer("a"), "error: deadline_exceeded");  // on the same loop, so the write is sent
  server().kill();
  EXPECT_EQ(writing.get().error(), errc::unknown_outcome);
  server().start();
}

TEST_F(redis_faults_test, a_frozen_server_costs_the_deadline_and_no_more) {
  ASSERT_TRUE(put("a", "1"));
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

TEST_F(redis_faults_test, a_write_whose_reply_is_swallowed_is_unknown_and_not_sent_again) {
  use_proxy();
  ASSERT_TRUE(put("a", "1")) << remark->text();
  server().run({"CONFIG", "RESETSTAT"});
  proxy->set(direction::back, {.black_hole = true});
  patience = 500ms;
  EXPECT_EQ(in_time([&] { return put("a", "2").error(); }), errc::unknown_outcome);
  proxy->heal();
  EXPECT_EQ(backend->read("a"), "2");
  EXPECT_EQ(calls_of("set"), "1");
  patience = 30s;
  EXPECT_EQ(answer("a"), "value:2") << remark->text();
}

TEST_F(redis_faults_test, a_connection_cut_within_a_write_leaves_it_unknown) {
  use_proxy();
  ASSERT_TRUE(put("a", "1")) << remark->text();
  proxy->set(direction::forth, {.reset_after = 1000});
  EXPECT_EQ(put("a", std::string(500'000, 'x')).error(), errc::unknown_outcome);
  proxy->heal();
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
}

TEST_F(redis_faults_test, a_silent_host_costs_the_deadline_and_no_more) {
  use_proxy();
  proxy->pause();
  patience = 300ms;
  EXPECT_EQ(in_time([&] { return answer("a"); }), "error: deadline_exceeded");
  EXPECT_EQ(in_time([&] { return put("a", "1").error(); }), errc::unavailable);
  proxy->resume();
  patience = 30s;
  EXPECT_TRUE(put("a", "1")) << remark->text();
}

TEST_F(redis_faults_test, a_late_answer_is_nobody_elses) {
  use_proxy();
  for (int i = 0; i != 200; ++i) backend->write(std::to_string(i), "v" + std::to_string(i));
  ASSERT_EQ(answer("0"), "value:v0");
  proxy->set(direction::back, {.latency = 30ms, .jitter = 60ms});
  int late = 0;
  std::vector<std::future<result<loaded>>> running;
  for (int i = 0; i != 200; ++i) {
    patience = std::chrono::milliseconds(10 + i % 100);
    running.push_back(start(std::to_string(i)));
  }
  for (int i = 0; i != 200; ++i) {
    const auto got = running[static_cast<std::size_t>(i)].get();
    late += got ? 0 : 1;
    if (!got) continue;
    EXPECT_EQ(got->value.text(), "v" + std::to_string(i));
  }
  EXPECT_GT(late, 0);
  proxy->heal();
  patience = 30s;
  for (int i = 0; i != 200; ++i)
    EXPECT_EQ(answer(std::to_string(i)), "value:v" + std::to_string(i)) << remark->text();
}

TEST_F(redis_faults_test, what_does_not_speak_redis_is_said_so) {
  auto with = backend->options();
  with.url = "redis://127.0.0.1:" + server().tls_port();
  use(with);
  patience = 5s;
  EXPECT_EQ(in_time([&] { return answer("a"); }), "error: source_failed");
  EXPECT_FALSE(remark->text().empty());
}

TEST(redis_words_test, say_what_to_do) {
  EXPECT_THAT(redis_words("MOVED 3999 10.0.0.1:6381"), HasSubstr("Redis Cluster is not supported"));
  EXPECT_THAT(redis_words("ERR unknown command `HELLO`, with"), HasSubstr("needs Redis 6"));
  EXPECT_EQ(redis_words("a\r\nb"), "a  b");
  EXPECT_EQ(redis_write_error("MOVED 3999 10.0.0.1:6381"), errc::source_failed);
  EXPECT_EQ(redis_write_error("LOADING Redis is loading"), errc::unavailable);
  EXPECT_EQ(redis_write_error("MISCONF Redis is"), errc::unavailable);
  EXPECT_EQ(redis_write_error("ERR timed out"), errc::unknown_outcome);  // of a proxy
  EXPECT_EQ(redis_write_error("SOMETHING new"), errc::unknown_outcome);
}

}  // namespace
}  // namespace weir::test
