#include "tests/support/waiting.hpp"

#include <weir/config/load.hpp>
#include <weir/transport/http_client.hpp>
#include <weir/weir.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <iterator>
#include <mutex>
#include <sstream>
#include <stdexcept>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::eventually;

result<bytes> load_user(std::string_view key) {
  return bytes("user " + std::string(key));
}

/// Two or more nodes that find each other.
class NodeTest : public testing::Test {
 protected:
  node& add(node_options options) {
    options.runtime.threads = 1;
    options.log = [this](const log_record& record) {
      const std::lock_guard lock(mutex_);
      events_.emplace_back(record.event);
    };
    nodes_.push_back(std::make_unique<node>(std::move(options)));
    auto& made = *nodes_.back();
    made.add_keyspace({.name = "users", .ttl = 60s}, load_user);
    return made;
  }

  node& add_peer(const std::string& id, std::vector<candidate> known) {
    return add({
        .cluster = "test",
        .id = id,
        .peer_address = "127.0.0.1:0",
        .http_address = "127.0.0.1:0",
        .discovery = std::make_shared<static_provider>(std::move(known)),
    });
  }

  bool was_logged(std::string_view event) {
    const std::lock_guard lock(mutex_);
    return std::find(events_.begin(), events_.end(), event) != events_.end();
  }

  std::mutex mutex_;
  std::vector<std::string> events_;
  std::vector<std::unique_ptr<node>> nodes_;
};

TEST_F(NodeTest, TheShortestProgramReadsThrough) {
  node alone({.cluster = "demo", .id = "n1"});
  auto users = alone.add_keyspace({.name = "users", .ttl = 60s}, load_user);
  alone.start().value();
  EXPECT_EQ(users.get("42").value().text(), "user 42");
  EXPECT_EQ(alone.http_address(), "");
  EXPECT_EQ(alone.peer_address(), "");
  EXPECT_EQ(alone.members().size(), 1u);
}

TEST_F(NodeTest, OpensTheHttpDoorThatItsOptionsName) {
  auto& made = add({.id = "n1", .http_address = "127.0.0.1:0"});
  EXPECT_FALSE(made.is_ready());
  made.start().value();
  EXPECT_TRUE(made.is_ready());
  const auto answer = http_fetch({.url = "http://" + made.http_address() + "/v1/users/42"});
  EXPECT_EQ(answer.value().body, "user 42");
  const auto ready = http_fetch({.url = "http://" + made.http_address() + "/readyz?verbose"});
  EXPECT_EQ(ready.value().status, 200u);
  made.stop();
  EXPECT_FALSE(made.is_ready());
  EXPECT_EQ(made.http_address(), "");
}

TEST_F(NodeTest, OneThatMeetsNobodyIsReadyAndNotSettled) {
  auto& made = add_peer("n1", {{"n2", "127.0.0.1:1"}, {"n3", "127.0.0.1:2"}});
  made.start().value();
  const auto ready = "http://" + made.http_address() + "/readyz";
  EXPECT_EQ(http_fetch({.url = ready}).value().status, 200u);
  const auto settled = http_fetch({.url = ready + "?settled"}).value();
  EXPECT_EQ(settled.status, 503u);
  EXPECT_NE(settled.body.find("[-] settled: no lease"), std::string::npos) << settled.body;
}

TEST_F(NodeTest, ASecondNodeSettlesBesideTheFirst) {
  auto& first = add_peer("n1", {});
  first.start().value();
  auto& second = add_peer("n2", {{"n1", first.peer_address()}});
  second.start().value();
  const auto url = "http://" + second.http_address() + "/readyz?settled";
  EXPECT_TRUE(eventually([&] { return http_fetch({.url = url}).value().status == 200u; }));
}

TEST_F(NodeTest, TwoNodesShareOneKeySpace) {
  auto& first = add_peer("n1", {});
  first.start().value();
  auto& second = add_peer("n2", {{"n1", first.peer_address()}});
  second.start().value();
  EXPECT_TRUE(eventually([&] { return first.ring()->size() == 2 && second.ring()->size() == 2; }));
  EXPECT_TRUE(eventually([&] { return first.lease().is_valid && second.lease().is_valid; }));
  EXPECT_EQ(first.place_of("users", "42").owner, second.place_of("users", "42").owner);
  for (const auto* key : {"1", "2", "3", "4", "5", "6"}) {
    EXPECT_EQ(first.find_keyspace("users").get(key).value().text(), "user " + std::string(key));
    EXPECT_EQ(second.find_keyspace("users").get(key).value().text(), "user " + std::string(key));
  }
  const auto loads = first.find_keyspace("users").stats().loads_value +
                     second.find_keyspace("users").stats().loads_value;
  EXPECT_EQ(loads, 6u);
}

TEST_F(NodeTest, ADrainedNodeLeavesTheRingOfTheOthers) {
  auto& first = add_peer("n1", {});
  first.start().value();
  auto& second = add_peer("n2", {{"n1", first.peer_address()}});
  second.start().value();
  ASSERT_TRUE(eventually([&] { return first.ring()->size() == 2 && second.ring()->size() == 2; }));
  second.drain(2s);
  EXPECT_TRUE(eventually([&] { return first.ring()->size() == 1; }));
  EXPECT_TRUE(was_logged("node.draining"));
  EXPECT_TRUE(was_logged("peer.left"));
}

/// A source that waits until the test lets it go.
struct gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_asked = false;
  bool is_open = false;

  result<bytes> load() {
    std::unique_lock lock(mutex);
    is_asked = true;
    changed.notify_all();
    changed.wait(lock, [this] { return is_open; });
    return bytes("late");
  }

  void wait_until_asked() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return is_asked; });
  }

  void open() {
    const std::lock_guard lock(mutex);
    is_open = true;
    changed.notify_all();
  }
};

TEST_F(NodeTest, DrainingFinishesWhatIsInFlight) {
  const auto slow = std::make_shared<gate>();
  auto& made = add({.id = "n1", .http_address = "127.0.0.1:0"});
  made.add_keyspace({.name = "slow", .loads = {.timeout = 20s}}, [slow](std::string_view) {
    return slow->load();
  });
  made.start().value();
  const auto url = "http://" + made.http_address() + "/v1/slow/1";
  auto answer = std::async(std::launch::async, [url] { return http_fetch({.url = url}); });
  slow->wait_until_asked();
  auto drained = std::async(std::launch::async, [&made] { made.drain(10s); });
  ASSERT_TRUE(eventually([&] { return was_logged("node.draining"); }));
  EXPECT_FALSE(made.is_ready());
  slow->open();
  EXPECT_EQ(answer.get().value().body, "late");
  drained.get();
  EXPECT_FALSE(http_fetch({.url = url}));
}

TEST_F(NodeTest, APortThatIsTakenIsNamedAndEverythingIsUndone) {
  auto& first = add_peer("n1", {});
  first.start().value();
  auto& second = add({
      .cluster = "test",
      .id = "n2",
      .peer_address = "127.0.0.1:0",
      .http_address = first.http_address(),
      .discovery = std::make_shared<static_provider>(std::vector<candidate>()),
  });
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, boost::system::errc::address_in_use);
  EXPECT_NE(started.error().text.find(first.http_address()), std::string::npos)
      << started.error().text;
  EXPECT_EQ(second.peer_address(), "");
  EXPECT_EQ(second.find_keyspace("users").get("42").error(), errc::unavailable);
}

TEST_F(NodeTest, APeerPortThatIsTakenIsNamed) {
  auto& first = add_peer("n1", {});
  first.start().value();
  auto& second = add({.cluster = "test", .id = "n2", .peer_address = first.peer_address()});
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text.find(first.peer_address()), std::string::npos)
      << started.error().text;
}

TEST_F(NodeTest, StartThrowsWithTheTextWhenItsValueIsTaken) {
  auto& first = add({.id = "n1", .http_address = "127.0.0.1:0"});
  first.start().value();
  auto& second = add({.id = "n2", .http_address = first.http_address()});
  EXPECT_THROW(second.start().value(), boost::system::system_error);
}

TEST_F(NodeTest, HandlesOutliveTheNode) {
  keyspace users;
  {
    node alone({.id = "n1"});
    users = alone.add_keyspace({.name = "users"}, load_user);
    alone.start().value();
  }
  EXPECT_FALSE(users.get("42"));
}

TEST_F(NodeTest, KeyspacesComeAndGoWhileItRuns) {
  auto& made = add({.id = "n1"});
  made.start().value();
  auto old = made.find_keyspace("users");
  made.update_keyspace({.name = "users"}, [](std::string_view) -> result<bytes> {
    return bytes("new");
  });
  EXPECT_EQ(old.get("42").value().text(), "new");
  const auto changed = made.update_keyspace({.name = "users", .ttl = milliseconds(0)});
  EXPECT_FALSE(changed.is_replaced);
  EXPECT_EQ(changed.dropped, 1u);
  EXPECT_TRUE(made.remove_keyspace("users"));
  EXPECT_EQ(made.remove_keyspace("users").error(), errc::no_keyspace);
  EXPECT_EQ(old.get("42").error(), errc::no_keyspace);
  EXPECT_TRUE(was_logged("keyspace.added"));
  EXPECT_TRUE(was_logged("keyspace.updated"));
  EXPECT_TRUE(was_logged("keyspace.removed"));
}

TEST_F(NodeTest, MetricsTellWhatTheNodeIs) {
  auto& made = add_peer("n1", {});
  made.start().value();
  const auto text = made.metrics();
  EXPECT_NE(text.find("weir_build_info"), std::string::npos);
  EXPECT_NE(text.find("weir_link_calls_total"), std::string::npos);
}

TEST_F(NodeTest, EveryMetricIsInTheDocumentation) {
  auto& made = add_peer("n1", {});
  made.start().value();
  std::ifstream file(WEIR_ROOT "/docs/http.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  std::istringstream text(made.metrics());
  int families = 0;
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with("# TYPE ")) continue;
    const auto name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_NE(page.find('`' + name + '`'), std::string::npos) << name;
    ++families;
  }
  EXPECT_GT(families, 40);
}

TEST_F(NodeTest, RefusesOptionsThatCannotWork) {
  EXPECT_THROW(node({.cluster = ""}), std::invalid_argument);
  EXPECT_THROW(node({.weight = 0}), std::invalid_argument);
  EXPECT_THROW(node({.id = std::string(max_name + 1, 'n')}), std::invalid_argument);
  EXPECT_THROW(
      node({.discovery = std::make_shared<static_provider>(std::vector<candidate>())}),
      std::invalid_argument
  );
  node alone;
  alone.start().value();
  EXPECT_THROW(static_cast<void>(alone.start()), std::logic_error);
  EXPECT_THROW(alone.on_event({}), std::invalid_argument);
}

std::string refusal_of(node_options options) {
  try {
    options.runtime.threads = 1;
    const node made(std::move(options));
  } catch (const std::invalid_argument& refused) {
    return refused.what();
  }
  return "";
}

bool yaml_takes(const std::string& text) {
  constexpr auto keyspaces =
      "\nkeyspaces: [{name: users, source: {type: http, url: \"http://127.0.0.1:9000/{key}\"}}]";
  return config::load_text("inline", text + keyspaces, {}, config::process_outside())
      .settings.has_value();
}

TEST_F(NodeTest, TakesTheNamesWeightsAndAddressesThatYamlTakes) {
  const std::string long_name(max_name, 'n');
  for (const auto& name :
       {std::string("n1"),
        std::string("A.b_c-9"),
        long_name,
        long_name + "n",
        std::string("bad id"),
        std::string("x/y"),
        std::string("\u00fcn\u00ef")}) {
    const auto quoted = "{id: \"" + name + "\"}";
    EXPECT_EQ(refusal_of({.id = name}).empty(), yaml_takes("node: " + quoted)) << name;
    EXPECT_EQ(refusal_of({.cluster = name}).empty(), yaml_takes("cluster: \"" + name + "\""))
        << name;
  }
  for (const std::uint32_t weight : {0u, 1u, max_weight, max_weight + 1}) {
    const auto in_yaml = "node: {weight: " + std::to_string(weight) + "}";
    EXPECT_EQ(refusal_of({.weight = weight}).empty(), yaml_takes(in_yaml)) << weight;
  }
  for (const std::string address :
       {"127.0.0.1:0",
        "[::1]:7421",
        ":7421",
        "localhost:80",
        "10.0.0",
        "10.0.0:1",
        "::1:80",
        "http://h:1",
        "h:65536",
        "[fe80::1%eth0]:1",
        "a b:1"}) {
    const auto in_yaml = "listen: {http: {address: \"" + address + "\", insecure: true}}";
    EXPECT_EQ(refusal_of({.http_address = address}).empty(), yaml_takes(in_yaml)) << address;
  }
}

TEST_F(NodeTest, SaysWhichOptionIsWrongAndWhatToWrite) {
  EXPECT_EQ(
      refusal_of({.id = "bad id"}),
      "weir: id is \"bad id\"; it must be 1 to 64 characters of A-Za-z0-9._-"
  );
  EXPECT_EQ(refusal_of({.weight = 101}), "weir: weight is 101; it must be 1 to 100");
  const auto said = refusal_of({.peer_address = "10.0.0.1"});
  EXPECT_TRUE(said.starts_with("weir: peer_address: ")) << said;
  EXPECT_TRUE(said.ends_with(" has no port; write host:port, [::1]:port or :port")) << said;
}

TEST_F(NodeTest, WarnsOnStandardErrorWhenNobodyTakesTheLog) {
  auto& first = add({.id = "n1", .http_address = "127.0.0.1:0"});
  first.start().value();
  testing::internal::CaptureStderr();
  {
    node second({.id = "n2", .http_address = first.http_address(), .runtime = {.threads = 1}});
    EXPECT_FALSE(second.start());
  }
  {
    node third({.id = "n3", .runtime = {.threads = 1}});
    third.start().value();  // which is no warning
  }
  const auto said = testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find(" level=error event=node.refused "), std::string::npos) << said;
  EXPECT_EQ(said.find("node.started"), std::string::npos) << said;
}

/// A provider that fails first; the node must be ready all the same, and must not lose anybody
/// later.
class moody_provider : public provider {
 public:
  void start(environment&, answer_callback answer) override {
    answer_ = std::move(answer);
    answer_(errc::unavailable);
  }

  void stop() override { answer_ = nullptr; }

  void say(result<std::vector<candidate>> found) { answer_(std::move(found)); }

 private:
  answer_callback answer_;
};

TEST_F(NodeTest, AFailingProviderNeverKeepsANodeFromBeingReady) {
  const auto moody = std::make_shared<moody_provider>();
  auto& made =
      add({.cluster = "test", .id = "n1", .peer_address = "127.0.0.1:0", .discovery = moody});
  made.start().value();
  EXPECT_TRUE(made.is_ready());
  EXPECT_TRUE(was_logged("discovery.failed"));
}

TEST_F(NodeTest, HealthShowsADiscoveryThatFailsUntilItAnswers) {
  const auto moody = std::make_shared<moody_provider>();
  auto& made = add(
      {.cluster = "test",
       .id = "n1",
       .peer_address = "127.0.0.1:0",
       .http_address = "127.0.0.1:0",
       .discovery = moody}
  );
  made.start().value();
  const auto health = [&] {
    const auto url = "http://" + made.http_address() + "/readyz?verbose";
    return http_fetch({.url = url}).value().body;
  };
  const auto wrong = "[!] discovery: " + make_error_code(errc::unavailable).message() + ", for ";
  EXPECT_NE(health().find(wrong), std::string::npos) << health();
  moody->say(std::vector<candidate>());
  EXPECT_NE(health().find("[+] discovery\n"), std::string::npos) << health();
}

TEST_F(NodeTest, NodesWithOtherRingsRefuseEachOther) {
  auto& first = add_peer("n1", {});
  first.start().value();
  auto& second = add(
      {.cluster = "test",
       .id = "n2",
       .peer_address = "127.0.0.1:0",
       .discovery =
           std::make_shared<static_provider>(std::vector<candidate>{{"n1", first.peer_address()}}),
       .ring = {.vnodes = 256}}
  );
  second.start().value();
  EXPECT_TRUE(eventually([&] { return was_logged("link.refused"); }));
  EXPECT_EQ(first.members().size(), 1u);
  EXPECT_FALSE(second.lease().is_valid);
}

TEST_F(NodeTest, KeyspacesThatDifferAreNamedByBothNodes) {
  auto& first = add_peer("n1", {});
  first.start().value();
  auto& second = add_peer("n2", {{"n1", first.peer_address()}});
  second.update_keyspace({.name = "users", .ttl = 10s, .writes = writes::allow}, load_user);
  second.start().value();
  const setting_difference ttl{"users", "ttl", "1m", "10s"};
  const setting_difference changes{"users", "writes", "deny", "allow"};
  EXPECT_TRUE(eventually([&] {
    const auto all = first.members();
    return all.size() == 2 && all[1].differences == std::vector{ttl, changes};
  }));
  EXPECT_TRUE(eventually([&] { return was_logged("config.differs"); }));
  EXPECT_TRUE(first.lease().is_valid) << "it is only warned of";
}

TEST_F(NodeTest, TheSecondNodeOfAnIdIsNotReadyAndSaysWhereTheFirstIs) {
  auto& other = add_peer("n2", {});
  other.start().value();
  auto& first = add_peer("n1", {{"n2", other.peer_address()}});
  first.start().value();
  ASSERT_TRUE(eventually([&] { return first.lease().is_valid && other.lease().is_valid; }));
  auto& second = add_peer("n1", {{"n2", other.peer_address()}});
  second.start().value();
  EXPECT_TRUE(eventually([&] { return !second.is_ready(); }));
  EXPECT_EQ(
      second.lease().why,
      "no lease: another living process (" + first.peer_address() + ") uses node id \"n1\""
  );
  EXPECT_TRUE(first.is_ready());
  EXPECT_TRUE(other.is_ready());
}

TEST_F(NodeTest, ErrorsAndEmptyAnswersShrinkNothing) {
  auto& first = add_peer("n1", {});
  first.start().value();
  const auto moody = std::make_shared<moody_provider>();
  auto& second =
      add({.cluster = "test", .id = "n2", .peer_address = "127.0.0.1:0", .discovery = moody});
  second.start().value();
  moody->say(std::vector<candidate>{{"n1", first.peer_address()}});
  ASSERT_TRUE(eventually([&] { return second.ring()->size() == 2; }));
  moody->say(errc::unavailable);
  moody->say(std::vector<candidate>());
  EXPECT_EQ(second.ring()->size(), 2u);
  EXPECT_TRUE(was_logged("discovery.empty"));
}

}  // namespace
}  // namespace weir
