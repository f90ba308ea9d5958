#include "tests/sim/world/sim_fabric.hpp"

#include "tests/sim/world/sim_network.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::sim {

namespace {

constexpr duration retransmission = 200ms;

}  // namespace

fabric::fabric(scheduler& world, std::uint64_t seed) : world_(world), random_(seed, 0xfab) {}

void fabric::set_mean_delay(duration mean) {
  mean_delay_ = mean;
  path_delay_.clear();
}

void fabric::add(const std::string& address, sim_network& node) {
  nodes_[address] = &node;
  dark_.erase(address);
}

void fabric::remove(const std::string& address, going_down how) {
  nodes_.erase(address);
  if (how == going_down::machine) {
    dark_.insert(address);
    return;
  }
  std::vector<link_id> ended;
  for (const auto& [id, link] : links_)
    if (link.client == address || link.server == address) ended.push_back(id);
  for (const link_id id : ended) break_link(id, link_loss::reset, delay(address, address));
}

sim_network* fabric::at(const std::string& address, owner_id owner) const {
  const auto found = nodes_.find(address);
  if (found == nodes_.end() || found->second->environment().owner() != owner) return nullptr;
  return found->second;
}

duration fabric::delay(const std::string& from, const std::string& to) {
  if (random_.chance(faults_.tail)) return random_.between(10ms, faults_.tail_max);
  auto [path, is_new] = path_delay_.try_emplace({from, to});
  if (is_new) path->second = random_.between(mean_delay_ / 2, mean_delay_ * 3 / 2);
  return path->second / 2 + random_.exponential(path->second / 2, 20 * mean_delay_);
}

// ---- dialling

void fabric::dial(sim_network& from, const std::string& address, std::uint64_t attempt) {
  auto syn = [this,
              client = from.self().address,
              owner = from.environment().owner(),
              who = from.self(),
              address,
              attempt] { arrive_syn(client, owner, who, address, attempt); };
  world_.after(delay(from.self().address, address), std::move(syn));
}

void fabric::arrive_syn(
    std::string client,
    owner_id client_owner,
    identity who,
    std::string address,
    std::uint64_t attempt
) {
  if (is_cut(client, address) || dark_.contains(address)) return;  // the dialler times out
  const auto found = nodes_.find(address);
  if (found == nodes_.end()) {
    auto refuse = [this, client, client_owner, address, attempt] {
      if (auto* node = at(client, client_owner))
        node->on_dial_failed(address, attempt, link_loss::refused);
    };
    answer_syn(address, client, client_owner, std::move(refuse));
    return;
  }
  // The handshake waits for the process: a frozen one accepts nothing.
  const owner_id server_owner = found->second->environment().owner();
  auto shake = [this, client, client_owner, who, address, attempt, server_owner] {
    sim_network* server = at(address, server_owner);
    if (server == nullptr) return;
    if (!server->accepts(who)) {
      auto reject = [this, client, client_owner, address, attempt] {
        if (auto* node = at(client, client_owner))
          node->on_dial_failed(address, attempt, link_loss::rejected);
      };
      answer_syn(address, client, client_owner, std::move(reject));
      return;
    }
    const link_id made = ++last_link_;
    links_.emplace(made, link{client, address, client_owner, server_owner, who});
    server->on_accepted(who);
    auto accept = [this, client, client_owner, address, attempt, made, peer = server->self()] {
      if (auto* node = at(client, client_owner)) node->on_dialled(address, attempt, made, peer);
    };
    answer_syn(address, client, client_owner, std::move(accept));
  };
  world_.at(world_.now(), std::move(shake), server_owner);
}

void fabric::answer_syn(
    const std::string& server, const std::string& client, owner_id client_owner, action answer
) {
  auto arrives = [this, server, client, client_owner, answer = std::move(answer)]() mutable {
    if (is_cut(server, client)) return;
    world_.at(world_.now(), std::move(answer), client_owner);
  };
  world_.after(delay(server, client), std::move(arrives));
}

void fabric::close(link_id link) {
  const auto found = links_.find(link);
  if (found == links_.end()) return;
  if (const auto last = silence_of(found->second, world_.now())) silences_.push_back(*last);
  links_.erase(found);
}

// ---- messages

void fabric::send_request(link_id on, std::uint64_t request, peer_request body) {
  const auto found = links_.find(on);
  if (found == links_.end()) return;
  if (std::holds_alternative<vote_request>(body.body)) ++counts_.votes;
  auto parcel_for = [&](bool duplicate) {
    return [this, on, request, body, duplicate]() mutable {
      const auto link = links_.find(on);
      if (link == links_.end()) return;
      if (auto* server = at(link->second.server, link->second.server_owner))
        server->on_request(on, request, link->second.client_identity, std::move(body), duplicate);
    };
  };
  const auto* read = std::get_if<get_request>(&body.body);
  const bool waits = read != nullptr && read->role == serve_as::owner;
  if (waits) found->second.reads.emplace(request, world_.now());
  if (random_.chance(faults_.duplicate)) {
    send(on, direction::to_server, parcel_for(true));
  }
  send(on, direction::to_server, parcel_for(false));
}

void fabric::send_reply(link_id on, std::uint64_t request, peer_reply body) {
  auto deliver = [this, on, request, body = std::move(body)]() mutable {
    const auto link = links_.find(on);
    if (link == links_.end()) return;
    if (auto* client = at(link->second.client, link->second.client_owner))
      client->on_reply(link->second.server, request, std::move(body));
  };
  answer(on, request, std::move(deliver));
}

void fabric::send_loading(link_id on, std::uint64_t request) {
  auto deliver = [this, on, request] {
    const auto link = links_.find(on);
    if (link == links_.end()) return;
    if (auto* client = at(link->second.client, link->second.client_owner))
      client->on_loading(link->second.server, request);
  };
  answer(on, request, std::move(deliver));
}

void fabric::answer(link_id on, std::uint64_t request, action deliver) {
  auto arrives = [this, on, request, deliver = std::move(deliver)]() mutable {
    note_answer(on, request);
    const auto link = links_.find(on);
    if (link == links_.end()) return;
    world_.at(world_.now(), std::move(deliver), link->second.client_owner);
  };
  send(on, direction::to_client, std::move(arrives));
}

// When it reaches the machine, whether or not the process there stands still.
void fabric::note_answer(link_id on, std::uint64_t request) {
  const auto found = links_.find(on);
  if (found == links_.end()) return;
  if (const auto past = silence_of(found->second, world_.now())) silences_.push_back(*past);
  found->second.heard = world_.now();
  found->second.reads.erase(request);
}

std::optional<silence> fabric::silence_of(const link& of, instant now) {
  if (of.reads.empty()) return std::nullopt;
  const instant sent = of.reads.begin()->second;
  const instant since = std::max(sent, of.heard);
  if (now - since < least_silence) return std::nullopt;
  return silence{of.client, of.server, since, now};
}

std::vector<silence> fabric::silences() const {
  auto all = silences_;
  for (const auto& [id, each] : links_)
    if (const auto lasting = silence_of(each, world_.now())) all.push_back(*lasting);
  return all;
}

void fabric::send(link_id on, direction way, action deliver) {
  const auto found = links_.find(on);
  if (found == links_.end()) return;
  ++counts_.messages;
  const auto& [from, to] = way == direction::to_server
                               ? std::tie(found->second.client, found->second.server)
                               : std::tie(found->second.server, found->second.client);
  duration takes = delay(from, to);
  if (random_.chance(faults_.loss)) {
    const double kind = random_.uniform();
    if (kind < 0.15) {
      break_link(on, link_loss::reset, takes);
      return;
    }
    if (kind < 0.40) return;  // nobody ever knows
    takes += random_.between(retransmission, 4 * retransmission);
  }
  auto travel = [this, carried = parcel{on, way, world_.now(), std::move(deliver)}]() mutable {
    arrive(std::move(carried));
  };
  world_.after(takes, std::move(travel));
}

void fabric::arrive(parcel carried) {
  const auto found = links_.find(carried.on);
  if (found == links_.end()) return;
  const link& on = found->second;
  const bool up = carried.way == direction::to_server;
  const std::string& from = up ? on.client : on.server;
  const std::string& to = up ? on.server : on.client;
  if (is_cut(from, to) || dark_.contains(to)) {
    if (world_.now() - carried.sent > user_timeout) {
      break_link(carried.on, link_loss::timeout, 0ns);
      return;
    }
    auto again = [this, carried = std::move(carried)]() mutable { arrive(std::move(carried)); };
    world_.after(random_.between(retransmission, 2 * retransmission), std::move(again));
    return;
  }
  const owner_id receiver = up ? on.server_owner : on.client_owner;
  if (at(to, receiver) == nullptr) {  // another process answers there now: it knows no such link
    break_link(carried.on, link_loss::reset, delay(to, from));
    return;
  }
  if (up) {
    world_.at(world_.now(), std::move(carried.deliver), receiver);
  } else {
    carried.deliver();
  }
}

void fabric::break_link(link_id on, link_loss cause, duration noticed_after) {
  const auto found = links_.find(on);
  if (found == links_.end()) return;
  const link ended = std::move(found->second);
  if (const auto last = silence_of(ended, world_.now())) silences_.push_back(*last);
  links_.erase(found);
  auto notice =
      [this, on, cause, client = ended.client, server = ended.server, owner = ended.client_owner] {
        if (auto* node = at(client, owner)) node->on_link_lost(server, on, cause);
      };
  world_.after(noticed_after, std::move(notice), ended.client_owner);
}

}  // namespace weir::sim
