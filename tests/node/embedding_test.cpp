// The code of docs/embedding.md. Every ``` block of that page stands here too, with its includes and no others, and
// embedding_page_test.cpp says so.

// clang-format off
#include <weir/weir.hpp>

#include <weir/config/load.hpp>          // "YAML with sources in C++" only
#include <weir/node/from_settings.hpp>   // the same
#include <weir/engine/typed.hpp>         // "Values of one type" only

#include <boost/asio/co_spawn.hpp>       // "From coroutines" and awaitable sources only
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace asio = boost::asio;

#include <gtest/gtest.h>

namespace {

weir::result<weir::bytes> load_user(std::string_view key) {
  if (key == "0") return weir::errc::not_found;   // remembered for the negative TTL
  return weir::bytes("user " + std::string(key));
}

TEST(Embedding, TheTwelveLines) {
  weir::node node({.cluster = "demo", .id = "n1"});
  auto users = node.add_keyspace({.name = "users", .ttl = 60s}, load_user);
  node.start().value();
  std::cout << users.get("42").value().text() << '\n';
}

TEST(Embedding, Answers) {
  weir::node node({.id = "n1"});
  auto users = node.add_keyspace({.name = "users"}, load_user);

  const auto found = users.get("42", {.timeout = 250ms});
  if (!found && found.error() == weir::errc::not_found) std::cout << "no such user\n";
  if (found) std::cout << found->text() << ", for another " << found->ttl.count() << " ms\n";

  for (const auto& each : users.get_many({"1", "2", "0"})) {
    std::cout << (each && each->found ? each->entry.text() : "-") << '\n';
  }
  EXPECT_TRUE(found);
}

// An awaitable source runs on an event loop of the node and must not block it.
asio::awaitable<weir::result<weir::bytes>> load_price(std::string key) {
  asio::steady_timer pause(co_await asio::this_coro::executor, 1ms);   // a query, say
  co_await pause.async_wait(asio::use_awaitable);
  co_return weir::bytes("price of " + key);
}

// A class may also set a TTL, a content type, or load many keys with one query.
class catalogue final : public weir::blocking_source {
 public:
  weir::result<weir::loaded> load(std::string_view key, const weir::load_context&) override {
    return weir::loaded{.value = weir::bytes("item " + std::string(key)), .ttl = 10s};
  }

  bool is_batched() const noexcept override { return true; }

  std::vector<weir::result<weir::loaded>> load_many(
      const std::vector<std::string>& keys, const weir::load_context& context) override {
    std::vector<weir::result<weir::loaded>> answers;
    for (const auto& each : keys) answers.push_back(load(each, context));   // one query, say
    return answers;
  }
};

TEST(Embedding, Sources) {
  weir::node node({.id = "n1"});
  auto prices = node.add_keyspace({.name = "prices"}, load_price);
  auto items = node.add_keyspace({.name = "items"}, weir::make_source_of<catalogue>());
  EXPECT_EQ(prices.get("7")->text(), "price of 7");
  EXPECT_EQ(items.get("7")->text(), "item 7");
  EXPECT_EQ(items.get_many({"8", "9"}).size(), 2u);
}

asio::awaitable<void> handle_request(weir::keyspace users, std::string& answer) {
  const auto found = co_await users.async_get("42");   // a hit does not suspend
  answer = found ? found->text() : "sorry";
}

// A codec of your own. weir::string_codec is there, and weir::json_codec (Boost.JSON) in <weir/engine/json_codec.hpp>.
struct count_codec {
  weir::result<weir::bytes> encode(int count) const { return weir::bytes(std::to_string(count)); }
  weir::result<int> decode(std::string_view text) const { return std::stoi(std::string(text)); }
};

TEST(Embedding, ValuesOfOneType) {
  weir::node node({.id = "n1"});
  auto stored = node.add_keyspace({.name = "visits", .writes = weir::writes::allow}, weir::make_source_of<weir::memory_store>());
  weir::typed<int, count_codec> visits(stored);
  visits.put("home", 1).value();
  visits.update("home", [](const int* before) { return std::optional(before == nullptr ? 1 : *before + 1); }).value();
  std::cout << visits.get("home").value() << " visits\n";
  EXPECT_EQ(visits.get("home").value(), 2);
}

TEST(Embedding, FromYourOwnLoop) {
  weir::node node({.id = "n1"});
  auto users = node.add_keyspace({.name = "users"}, load_user);

  asio::io_context loop;
  std::string answer;
  asio::co_spawn(loop, handle_request(users, answer), [](std::exception_ptr) {});
  loop.run();
  EXPECT_EQ(answer, "user 42");
}

// A class: put() and erase() judge the condition and write in one step, and never give an etag twice.
class documents final : public weir::blocking_store {
 public:
  weir::result<weir::loaded> load(std::string_view key, const weir::load_context&) override { return held_.load(key); }

  weir::result<weir::stored> put(std::string_view key, const weir::bytes& value,
                                 const weir::write_condition& condition, const weir::load_context&) override {
    return held_.put(key, value, condition);   // errc::conflict, overloaded, unknown_outcome, ...
  }

  weir::result<weir::stored> erase(std::string_view key, const weir::write_condition& condition,
                                   const weir::load_context&) override {
    return held_.erase(key, condition);
  }

 private:
  weir::memory_store held_;   // your database, say
};

TEST(Embedding, Changes) {
  weir::node node({.id = "n1"});
  auto notes = node.add_keyspace({.name = "notes", .writes = weir::writes::allow}, load_user);

  notes.invalidate("42").value();                     // the next get loads again
  const auto seen = notes.observe("42").value();      // the version, of an absent key too
  weir::put_options unchanged{.condition = weir::precondition::if_unchanged(seen)};
  const auto put = notes.put("42", "Ada", unchanged); // errc::conflict if somebody was faster
  notes.remove("42").value();
  notes.clear().value();                              // everything, on every node
  EXPECT_TRUE(put);
}

TEST(Embedding, Updates) {
  weir::node node({.id = "n1"});

  auto counters = node.add_keyspace({.name = "counters", .writes = weir::writes::allow}, std::make_shared<documents>());
  const auto plus_one = [](const weir::entry* present) -> weir::result<weir::update_decision> {
    return weir::bytes(std::to_string(present == nullptr ? 1 : std::stoi(present->text()) + 1));
  };   // std::nullopt = change nothing, weir::remove_entry{} = make it absent, an error = end with it
  const auto counted = counters.update("visits", plus_one).value();
  std::cout << counted.tries.attempts << " attempts, version " << to_string(counted.version) << '\n';

  auto session = counters.session();
  session.put("visits", "100").value();
  std::cout << session.get("visits").value().text() << '\n';
  EXPECT_EQ(counters.get("visits").value().text(), "100");
}

std::unique_ptr<weir::node> make_node(std::string id, std::vector<std::string> others) {
  return std::make_unique<weir::node>(weir::node_options{
      .cluster = "demo",
      .id = std::move(id),              // stable: the ring hashes it, not the address
      .peer_address = "127.0.0.1:0",    // any free port
      .http_address = "127.0.0.1:0",    // curl, metrics, `weir get`
      .discovery = std::make_shared<weir::static_provider>(others),
  });
}

TEST(Embedding, ACluster) {
  auto first = make_node("n1", {});
  first->add_keyspace({.name = "users"}, load_user);
  first->start().value();

  auto second = make_node("n2", {"n1=" + first->peer_address()});
  auto users = second->add_keyspace({.name = "users"}, load_user);
  second->start().value();              // never waits for peers
  std::cout << users.get("42").value().text() << " from " << second->place_of("users", "42").owner << '\n';
  second->drain(5s);                    // leaves gently
}

// Where your nodes are is known to something of your own: name the candidates, that is all.
class registry final : public weir::provider {
 public:
  void start(weir::environment&, answer_callback answer) override {
    answer_ = std::move(answer);
    answer_(std::vector<weir::candidate>{{"n1", "10.0.0.1:7420"}, {"n2", "10.0.0.2:7420"}});
  }
  void stop() override { answer_ = nullptr; }
  void announce(const weir::identity& self) override { std::cout << self.id << " is at " << self.address << '\n'; }

 private:
  answer_callback answer_;   // call it again whenever the list changes
};

TEST(Embedding, Events) {
  weir::node_options options{.cluster = "demo", .id = "n1", .peer_address = "127.0.0.1:0",
                             .discovery = std::make_shared<registry>()};
  options.log = [](const weir::log_record& record) {
    if (record.level >= weir::log_level::warn) std::clog << record.event << '\n';
  };
  weir::node node(std::move(options));
  node.on_event([](const weir::cluster_event& event) { std::clog << event.name << ' ' << event.peer << '\n'; });
  if (const auto started = node.start(); !started) std::cerr << started.error().text << '\n';
  std::cout << node.metrics().substr(0, 60) << '\n';

  EXPECT_NE(node.peer_address(), "");   // what follows is not on the page
  EXPECT_TRUE(node.metrics().starts_with("# HELP weir_"));
  EXPECT_EQ(node.members().at(0).id, "n1");
}

TEST(Embedding, Yaml) {
  constexpr auto yaml = "keyspaces: [{name: prices, source: {type: callback, name: load_price}}]";
  const auto loaded = weir::config::load_text("inline", yaml, {}, weir::config::process_outside());
  std::cerr << weir::config::format_problems(loaded.problems);
  const auto source = weir::make_source(load_price);
  const auto node = weir::node_from_settings(loaded.settings.value(), {{"load_price", source}});
  EXPECT_EQ(node->find_keyspace("prices").get("7")->text(), "price of 7");
}

class service {
  std::vector<std::string> table_{"zero", "one"};   // the source reads it: goes last
  weir::node node_;
  weir::keyspace words_ = node_.add_keyspace({.name = "words"}, [this](std::string_view key) {
    return table_.at(static_cast<std::size_t>(key.size() % 2));
  });
};

TEST(Embedding, Members) {
  const service made;
}

}  // namespace
