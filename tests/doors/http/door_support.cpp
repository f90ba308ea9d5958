#include "tests/doors/http/door_support.hpp"

#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <future>

namespace weir::test {

using namespace std::chrono_literals;

void scripted_source::has(const std::string& key, std::string_view value, metadata meta) {
  const std::lock_guard lock(mutex_);
  auto& of = scripts_[key];
  of.value = value;
  of.meta = std::move(meta);
  of.is_absent = of.is_failing = false;
}

void scripted_source::fails(const std::string& key, std::string_view remark) {
  const std::lock_guard lock(mutex_);
  scripts_[key].is_failing = true;
  scripts_[key].remark = remark;
}

void scripted_source::holds(const std::string& key) {
  const std::lock_guard lock(mutex_);
  scripts_[key].is_held = true;
}

void scripted_source::release() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, of] : scripts_) of.is_held = false;
  released_.notify_all();
}

int scripted_source::loads(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = scripts_.find(key);
  return found == scripts_.end() ? 0 : found->second.loads;
}

result<loaded> scripted_source::load(std::string_view key, const load_context& context) {
  std::unique_lock lock(mutex_);
  auto& of = scripts_[std::string(key)];
  ++of.loads;
  released_.wait(lock, [&of] { return !of.is_held; });
  if (of.is_failing) {
    context.say(of.remark);
    return errc::source_failed;
  }
  if (of.is_absent) return errc::not_found;
  loaded found;
  found.value = bytes(of.value);
  if (!of.meta.content_type.empty()) found.meta = std::make_shared<metadata>(of.meta);
  return found;
}

void scripted_peer::answers(std::function<result<peer_reply>(const peer_request&)> with) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(with);
}

void scripted_peer::connect(const std::string& to) {
  auto meet = [this, to] {
    engine_.on_link_up(to, {.cluster = "test", .id = id, .incarnation = 7, .address = to});
  };
  asio::post(engine_.env().executor(), std::move(meet));
}

void scripted_peer::call(
    const std::string&, peer_request request, time_point, completion<result<peer_reply>> done
) {
  auto serve = [this, request = std::move(request), done = std::move(done)]() mutable {
    ping_reply pong;
    if (const auto* ping = std::get_if<ping_request>(&request.body))
      pong.note.digest = ping->note.digest;
    pong.life = life;
    pong.is_granted = true;
    pong.slot_turns = 1;
    result<peer_reply> reply = peer_reply{request.view_digest, std::move(pong)};
    if (!std::holds_alternative<ping_request>(request.body)) {
      const std::lock_guard lock(mutex_);
      reply = answer_ ? answer_(request) : result<peer_reply>(errc::unavailable);
    }
    std::move(done)(std::move(reply));
  };
  asio::post(engine_.env().executor(), std::move(serve));
}

door_fixture::door_fixture(door_options options)
    : runtime_({.threads = 1}),
      engine_(runtime_, {.cluster = "test", .id = "n1", .address = "10.0.0.1:7420"}),
      door_(engine_, std::move(options)),
      server_(std::make_unique<http_server>(runtime_.loops(), http_limits{}, door_)) {
  users_ = engine_.add_keyspace(settings("users"), source);
  engine_.add_keyspace(settings("notes", writes::allow), source);
  address_ = server_->listen("127.0.0.1:0").value();
}

door_fixture::~door_fixture() {
  finish_loads();
  server_->stop();
  engine_.stop();
  runtime_.stop();
}

void door_fixture::finish_loads() {
  source->release();
  auto all = engine_.keyspaces();
  all.push_back(users_);  // also when the engine has been stopped
  const auto is_idle = [](const keyspace& each) { return each.stats().loads_running == 0; };
  EXPECT_TRUE(eventually([&] { return std::all_of(all.begin(), all.end(), is_idle); }));
  std::promise<void> behind_them;
  asio::post(*runtime_.loops().front(), [&behind_them] { behind_them.set_value(); });
  behind_them.get_future().wait();
}

keyspace_options door_fixture::settings(std::string name, writes allowed) {
  return {
      .name = std::move(name),
      .ttl = 60s,
      .jitter = 0,
      .max_entry = 64 * 1024,
      .writes = allowed,
  };
}

answer door_fixture::request(
    std::string_view method, std::string_view target, std::string_view fields, std::string_view body
) {
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n");
  text.append(fields);
  if (!body.empty() || method == "PUT" || method == "POST") {
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  text.append("\r\n").append(body);
  return connect().send(text).receive(method == "HEAD");
}

void door_fixture::add_peer() {
  engine_.join(peer);
  engine_.set_candidates({{scripted_peer::id, scripted_peer::address}});
  ASSERT_TRUE(eventually([this] { return engine_.ring()->size() == 2 && engine_.lease().is_valid; })
  );
}

std::string door_fixture::key_of(std::string_view node, std::string_view keyspace) const {
  for (int i = 0;; ++i) {
    auto key = "k" + std::to_string(i);
    if (engine_.place_of(keyspace, key).owner == node) return key;
  }
}

std::string field(const answer& of, std::string_view name) {
  const auto begin = of.head.find("\r\n" + std::string(name) + ": ");
  if (begin == std::string::npos) return {};
  const auto value = begin + name.size() + 4;
  return of.head.substr(value, of.head.find("\r\n", value) - value);
}

boost::json::value json_of(const answer& of) {
  boost::json::error_code error;
  auto parsed = boost::json::parse(of.body, error);
  EXPECT_FALSE(error) << of.head << of.body;
  return parsed;
}

std::string code_of(const answer& of) {
  if (field(of, "Content-Type") != "application/problem+json") return {};
  const auto document = json_of(of);
  if (document.at("status").to_number<unsigned>() != of.status) return {};
  EXPECT_FALSE(document.at("title").as_string().empty());
  EXPECT_FALSE(document.at("detail").as_string().empty());
  return document.at("code").as_string().c_str();
}

std::vector<boost::json::value> lines_of(const answer& of) {
  std::vector<boost::json::value> all;
  std::string_view rest = of.body;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    EXPECT_NE(end, std::string_view::npos) << "the last line has no end";
    all.push_back(boost::json::parse(boost::json::string_view(line.data(), line.size())));
    rest.remove_prefix(std::min(end, rest.size() - 1) + 1);
  }
  return all;
}

}  // namespace weir::test
