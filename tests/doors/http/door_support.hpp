#pragma once

#include "tests/transport/http/http_support.hpp"

#include <weir/doors/http_door.hpp>
#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>

#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

/// A data source that does what the test says, key by key.
class scripted_source final : public blocking_source {
 public:
  void has(const std::string& key, std::string_view value, metadata meta = {});
  void fails(const std::string& key, std::string_view remark = "the source is on fire");
  /// Loads of `key` wait from now on until release().
  void holds(const std::string& key);
  void release();

  int loads(const std::string& key) const;

  result<loaded> load(std::string_view key, const load_context& context) override;

 private:
  struct script {
    std::string value;
    metadata meta;
    std::string remark;
    bool is_failing = false;
    bool is_held = false;
    bool is_absent = true;
    int loads = 0;
  };

  mutable std::mutex mutex_;
  std::condition_variable released_;
  std::map<std::string, script, std::less<>> scripts_;
};

/// A peer "n2" that answers what the test says.
class scripted_peer final : public peer_network {
 public:
  static constexpr const char* id = "n2";
  static constexpr const char* address = "10.0.0.2:7420";
  static constexpr std::uint64_t life = 2;  ///< as its heartbeats say

  explicit scripted_peer(engine& of) : engine_(of) {}

  /// What n2 answers to gets and changes; probes are always answered.
  void answers(std::function<result<peer_reply>(const peer_request&)> with);

  void connect(const std::string& to) override;

  void disconnect(const std::string&) override {}

  void call(
      const std::string& to,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done
  ) override;

  void abandon(const std::string&) override {}

 private:
  engine& engine_;
  std::mutex mutex_;
  std::function<result<peer_reply>(const peer_request&)> answer_;
};

/// Node "n1" behind its HTTP door on an ephemeral port. Keyspace "users" denies writes, "notes"
/// allows them; both load from `source` and keep values for 60 s.
class door_fixture : public ::testing::Test {
 protected:
  door_fixture() : door_fixture(door_options{.version = "1.2.3"}) {}

  explicit door_fixture(door_options options);
  ~door_fixture() override;

  static keyspace_options settings(std::string name, writes allowed = writes::deny);

  answer request(
      std::string_view method,
      std::string_view target,
      std::string_view fields = {},
      std::string_view body = {}
  );

  answer get(std::string_view target, std::string_view fields = {}) {
    return request("GET", target, fields);
  }

  answer put(std::string_view target, std::string_view body, std::string_view fields = {}) {
    return request("PUT", target, fields, body);
  }

  answer post(std::string_view target, std::string_view body) {
    return request("POST", target, {}, body);
  }

  raw_client connect() { return raw_client(address_); }

  /// Makes n2 a member of the ring.
  void add_peer();

  /// A key of `keyspace` that `node` owns.
  std::string key_of(std::string_view node, std::string_view keyspace = "users") const;

  /// Lets held loads end and waits for them.
  void finish_loads();

  std::shared_ptr<scripted_source> source = std::make_shared<scripted_source>();
  runtime runtime_;
  engine engine_;
  scripted_peer peer{engine_};
  http_door door_;
  std::unique_ptr<http_server> server_;
  std::string address_;
  keyspace users_;
};

/// The value of a field of the answer; "" when it is not there.
std::string field(const answer& of, std::string_view name);

/// The body as JSON; fails the test when it is none.
boost::json::value json_of(const answer& of);

/// `code` of a problem document; "" when the answer is none, or its status differs from the head's.
std::string code_of(const answer& of);

/// The JSON lines of the body.
std::vector<boost::json::value> lines_of(const answer& of);

}  // namespace weir::test
