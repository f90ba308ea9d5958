// What an engine answers to peers.

#include "engine_impl.hpp"
#include "ticketed_change.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace weir {

bool engine::try_serve(const peer_request& request, peer_reply& reply) {
  const auto* get = std::get_if<get_request>(&request.body);
  if (get == nullptr) return false;
  const auto core = impl_->find(get->keyspace);
  if (!core) return false;
  get_reply answer;
  if (!core->try_serve(*get, answer)) return false;
  reply.view_digest = impl_->context->route.digest();
  reply.body = std::move(answer);
  return true;
}

void engine::serve(
    identity from, peer_request request, completion<peer_reply> reply, completion<> loading
) {
  const auto route = impl_->context->route.get();
  const auto digest = route->members.digest();
  auto finish = [digest, reply = std::move(reply)](reply_body body) mutable {
    std::move(reply)(peer_reply{digest, std::move(body)});
  };
  if (auto* get = std::get_if<get_request>(&request.body)) {
    impl_->serve_get(
        *route, std::move(*get), request.timeout, std::move(finish), std::move(loading)
    );
  } else if (auto* many = std::get_if<get_many_request>(&request.body)) {
    impl_->serve_many(
        *route, std::move(*many), request.timeout, std::move(finish), std::move(loading)
    );
  } else if (auto* change = std::get_if<change_request>(&request.body)) {
    impl_->serve_change(*route, std::move(*change), request.timeout, std::move(finish));
  } else if (auto* confirm = std::get_if<confirm_request>(&request.body)) {
    impl_->tickets->wait(confirm->ticket, env().now() + request.timeout, std::move(finish));
  } else if (auto* feed = std::get_if<feed_request>(&request.body)) {
    finish(impl_->agreed->take(from, *feed));
  } else if (auto* vote = std::get_if<vote_request>(&request.body)) {
    impl_->agreed->take(from, *vote, std::move(finish));
  } else if (auto* relay = std::get_if<relay_request>(&request.body)) {
    finish(impl_->agreed->take(from, *relay));
  } else if (std::holds_alternative<report_request>(request.body)) {
    finish(impl_->report());
  } else if (std::holds_alternative<leave_request>(request.body)) {
    impl_->members->peer_leaves(from);
    finish(leave_reply{});
  } else {
    const auto& ping = std::get<ping_request>(request.body);
    impl_->members->slots_told(from.id, from.incarnation, ping.slot_turns);
    if (ping.is_draining) impl_->members->draining_told(from.id, from.incarnation);
    if (!impl_->agreed->counts(from.id)) impl_->members->peer_seen(from);
    ping_reply pong = impl_->agreed->answer(from.id, ping);
    pong.slot_turns = impl_->members->slot_turns();
    pong.is_draining = impl_->members->is_draining();
    impl_->members->drift().tell(ping.known_settings, pong);
    pong.is_latecomer = impl_->members->is_latecomer(from);
    if (request.view_digest != digest) pong.view = route->members.members();
    finish(std::move(pong));
  }
}

report_reply engine::impl::report() const {
  report_reply made;
  if (make_report) made.text = make_report();
  if (made.text.size() > max_report) made = {.error = errc::too_large, .text = {}};
  return made;
}

void engine::impl::serve_get(
    const routing& route,
    get_request request,
    milliseconds timeout,
    completion<get_reply> done,
    completion<> loading
) {
  const auto core = find(request.keyspace);
  if (!core) return std::move(done)(get_reply{.error = errc::no_keyspace});
  // A peek is for the former owner of the key.
  const bool asks_owner = request.role == serve_as::owner && request.mode != get_mode::peek;
  if (asks_owner && !owns(route, request.keyspace, request.key)) {
    return std::move(done)(get_reply{.error = errc::not_owner, .view = route.members.members()});
  }
  core->serve(std::move(request), timeout, std::move(done), std::move(loading));
}

void engine::impl::serve_many(
    const routing& route,
    get_many_request request,
    milliseconds timeout,
    completion<get_many_reply> done,
    completion<> loading
) {
  const auto core = find(request.keyspace);
  const auto is_owned = [&](const std::string& key) { return owns(route, request.keyspace, key); };
  error_code refused;
  if (!core) refused = errc::no_keyspace;
  if (core && request.role == serve_as::owner &&
      !std::all_of(request.keys.begin(), request.keys.end(), is_owned)) {
    refused = errc::not_owner;
  }
  if (!refused) {
    return core->serve_many(std::move(request), timeout, std::move(done), std::move(loading));
  }
  get_many_reply reply;
  reply.answers.resize(request.keys.size(), get_reply{.error = refused});
  std::move(done)(std::move(reply));
}

void engine::impl::serve_change(
    const routing& route,
    change_request request,
    milliseconds timeout,
    completion<change_reply> done
) {
  const auto core = find(request.keyspace);
  change_reply refused;
  if (!core) refused.error = errc::no_keyspace;
  if (core && !owns(route, request.keyspace, request.key)) {
    refused.error = errc::not_owner;
    refused.view = route.members.members();
  }
  if (refused.error) return std::move(done)(std::move(refused));

  const auto answer = std::make_shared<ticketed_change>(context->env, tickets, std::move(done));
  auto accepted = [answer](change_reply reply) { answer->accepted(std::move(reply)); };
  auto ended = [answer](const std::exception_ptr& thrown, change_reply reply) {
    answer->ended(thrown, std::move(reply));
  };
  const auto deadline = context->env.now() + timeout;
  asio::co_spawn(
      context->env.executor(),
      core->change_as_owner(std::move(request), deadline, std::move(accepted)),
      std::move(ended)
  );
}

}  // namespace weir
