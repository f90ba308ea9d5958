#pragma once

#include "transport/peer/wire/peer_codec.hpp"

#include <string>
#include <utility>
#include <vector>

namespace weir::test {

inline member a_member(std::string id, std::uint32_t weight = 1) {
  return {id, 0x1122334455667788u, weight, id + ".example:7420"};
}

inline std::vector<member> a_view() {
  return {a_member("n1"), a_member("n2", max_weight), a_member("n3", 7)};
}

inline get_reply a_hit(std::string value) {
  get_reply reply;
  reply.answer.found = true;
  entry& found = reply.answer.entry;
  found.value = bytes(value);
  found.version = {0xfedcba9876543210u, 42};
  found.ttl = milliseconds(59'000);
  found.age = milliseconds(1'000);
  found.meta = std::make_shared<metadata>(metadata{"text/plain", "\"v1\""});
  found.from = {served_from::load, served_detail::gutter, true, true, "n2"};
  reply.steps = {
      {"n2", "slot", "slot 77, owner n2", std::chrono::microseconds(3)},
      {"n2", "source", "value of 3 bytes", std::chrono::microseconds(1200)}};
  return reply;
}

inline get_reply not_owner_answer() {
  get_reply reply;
  reply.error = errc::not_owner;
  reply.view = a_view();
  return reply;
}

inline electorate_state a_state() {
  return {
      {{"n1", 1}, {"n2", UINT64_MAX}, {std::string(max_name, 'n'), 0}},
      {{"n2", 7}},
      {"gone"},
      {{"n1", "n2"}, {}, {"n1", "n2", std::string(max_name, 'n')}}};
}

inline electorate_note a_note() {
  return {0x0123456789abcdefu, std::make_shared<const electorate_state>(a_state())};
}

inline change_record a_record(std::string key) {
  return {"users", std::move(key), {0xfedcba9876543210u, 43}, {}, milliseconds(0), milliseconds(0)};
}

inline change_record a_push(std::string key, std::string value) {
  auto record = a_record(std::move(key));
  record.value = bytes(value);
  record.ttl = milliseconds(59'000);
  record.age = milliseconds(70);
  return record;
}

/// A key, a pushed value and an empty one, every key, and a key whose owner was not there.
inline std::vector<change_record> some_records() {
  return {
      a_record("42"),
      a_push(std::string("a\0\xff", 3), "Ada"),
      a_push("empty", ""),
      {std::string(64, 'k'), "", {}, {}, milliseconds(0), milliseconds(0)},
      {"users", std::string(max_key_bytes, 'x'), {}, {}, milliseconds(0), milliseconds(0)}};
}

/// One or more of every request, with the odd values of each field.
inline std::vector<peer_request> every_request() {
  const std::string odd_key("a\0b\r\n/../%00%2e\xff\xf0\x9f\x98\x80\xe2\x80\xae", 23);
  std::vector<peer_request> all;
  const auto add = [&](request_body body) {
    all.push_back({0xabcdef0123456789u, milliseconds(250), std::move(body)});
  };
  add(get_request{"users", "42"});
  add(get_request{"users", odd_key, serve_as::gutter, get_mode::fresh, true});
  add(get_request{
      std::string(64, 'k'), std::string(max_key_bytes, 'x'), serve_as::owner, get_mode::observe});
  add(get_many_request{"users", {}});
  add(get_many_request{"users", {"a", odd_key, "a", std::string(512, 'y')}, serve_as::gutter});
  add(change_request{
      "users",
      change_kind::put,
      "42",
      bytes("Ada"),
      milliseconds(30'000),
      precondition::if_absent()});
  add(change_request{"users", change_kind::put, "42", bytes(), milliseconds(0), {}});
  add(change_request{
      "users",
      change_kind::put,
      "big",
      bytes(std::string(300'000, 'v')),
      max_ttl,
      precondition::if_unchanged({1, UINT64_MAX})});
  add(change_request{"users", change_kind::remove, odd_key, {}, {}, {}});
  add(change_request{"users", change_kind::invalidate, "42", {}, {}, {}});
  add(ping_request{});
  add(leave_request{});
  add(report_request{});
  add(get_request{
      .keyspace = "users",
      .key = "42",
      .mode = get_mode::peek,
      .is_of_batch = true,
      .held = {0xfedcba9876543210u, 42}});
  add(get_request{.keyspace = "users", .key = "42", .mode = get_mode::adopt});
  add(ping_request{
      .note = a_note(),
      .number = 8,
      .life = 0x1122334455667788u,
      .is_empty = true,
      .slot_turns = 3,
      .is_draining = true,
      .hints_applied = 9,
      .known_settings = 0x99aabbccddeeff00u,
      .silent = {"n2", "n3"}});
  add(confirm_request{0x8877665544332211u});
  add(feed_request{});
  add(feed_request{a_note(), 1'000'000, 8, true, some_records()});
  add(feed_request{{}, 7, 0, false, {a_push("big", std::string(300'000, 'v'))}});
  add(vote_request{a_note(), {"n3", 5}, 7, 1ull << 40, true, some_records()});
  add(relay_request{a_note(), true, some_records()});
  return all;
}

/// One or more of every reply.
inline std::vector<peer_reply> every_reply() {
  std::vector<peer_reply> all;
  const auto add = [&](reply_body body) { all.push_back({77, std::move(body)}); };
  get_reply absent;
  absent.answer.entry.version = {9, 1};
  absent.answer.entry.ttl = milliseconds(5000);
  get_reply failed;
  failed.error = errc::deadline_exceeded;
  get_reply empty_value = a_hit("");
  empty_value.steps.clear();
  add(a_hit("Ada"));
  add(empty_value);
  add(a_hit(std::string(64 * 1024 + 1, 'b')));
  add(a_hit(std::string(1 << 20, 'c')));
  add(absent);
  add(failed);
  add(not_owner_answer());
  add(get_many_reply{});
  add(get_many_reply{
      {a_hit("one"),
       absent,
       failed,
       not_owner_answer(),
       not_owner_answer(),
       a_hit(std::string(100'000, 'd'))}});
  add(change_reply{.version = {3, 4}, .error = {}, .view = {}});
  add(change_reply{.version = {}, .error = errc::not_owner, .view = a_view()});
  add(ping_reply{});
  add(ping_reply{a_view()});
  add(leave_reply{});
  add(report_reply{{}, R"({"node":"n2"})"});
  add(report_reply{errc::too_large, {}});
  add(report_reply{{}, std::string(40'000, 'x')});
  get_reply leased = a_hit("Ada");
  leased.is_leased = true;
  add(leased);
  get_reply unchanged;
  unchanged.answer.found = true;
  unchanged.answer.entry.version = {9, 2};
  unchanged.answer.entry.ttl = milliseconds(5000);
  unchanged.is_leased = unchanged.is_unchanged = true;
  add(unchanged);
  add(get_many_reply{{leased, unchanged, absent}});
  get_reply explained;
  explained.error =
      error(errc::source_failed, {.detail = "ours", .remark = "127.0.0.1:1: Connection refused"});
  add(explained);
  add(get_many_reply{{explained, failed, leased}});
  add(change_reply{
      .version = {},
      .error = error(errc::overloaded, {.remark = "the database is locked"}),
      .view = {}});
  change_reply partial;
  partial.version = {3, 5};
  partial.ticket = 77;
  partial.unconfirmed = {"n2", "n3"};
  partial.bound = milliseconds(3130);
  partial.is_stored = true;
  add(partial);
  add(confirm_reply{});
  add(confirm_reply{errc::unavailable, {"n2"}, milliseconds(2500)});
  ping_reply full;
  full.view = a_view();
  full.note = a_note();
  full.life = 5;
  full.is_granted = full.must_flush = full.has_more_hints = full.is_latecomer = full.is_settled =
      full.is_young = true;
  full.slot_turns = 0x01020304;
  full.hints_number = 12;
  full.hints = some_records();
  full.silent = {"n3"};
  full.is_draining = true;
  full.settings_digest = 0x99aabbccddeeff00u;
  full.settings = std::make_shared<const keyspace_settings_list>(keyspace_settings_list{
      {.name = "pages", .ttl = milliseconds(300'000), .source = "http"},
      {.name = "users",
       .consistency = consistency::available,
       .writes = writes::allow,
       .has_near = true,
       .ttl = max_ttl,
       .negative_ttl = milliseconds(5'000),
       .source = std::string(max_source_kind, 's')}});
  add(full);
  ping_reply many_hints;
  many_hints.is_granted = true;
  for (int i = 0; i < 4096; ++i) many_hints.hints.push_back(a_record("key-" + std::to_string(i)));
  add(many_hints);
  add(feed_reply{});
  add(feed_reply{a_note(), UINT64_MAX});
  add(vote_reply{a_note(), 1ull << 40, true, true});
  add(vote_reply{{}, 1, false, false});
  add(relay_reply{a_note()});
  return all;
}

/// All bytes of `queue`, in as many writes as it takes.
inline std::string drain(frame_queue& queue) {
  std::string all;
  std::string part;
  while (!queue.empty()) {
    queue.take(part);
    all += part;
  }
  return all;
}

inline std::string wire(const peer_request& request, std::uint64_t id = 1) {
  frame_queue queue;
  append_request(queue, id, request, request.timeout);
  return drain(queue);
}

inline std::string wire(const peer_reply& reply, std::uint64_t id = 1) {
  frame_queue queue;
  append_reply(queue, id, reply, {});
  return drain(queue);
}

/// `frames` with every checksum made right again, after a test changed something: what a peer that
/// means it would send. The last frame may be cut anywhere.
std::string resealed(std::string frames);

/// A text of every field, so that equal texts mean equal messages.
std::string describe(const peer_request& request);
std::string describe(const peer_reply& reply);

}  // namespace weir::test
