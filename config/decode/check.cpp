#include "decode/check.hpp"

#include "yaml/scalars.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace weir::config {

namespace {

constexpr std::uint64_t smallest_share = std::uint64_t{1} << 20;

class checker {
 public:
  checker(settings& checked, const node& root, reporter& problems)
      : settings_(checked), root_(root), problems_(problems) {}

  void run() {
    door("peer", settings_.listen.peer, settings_.discovery.has_provider() && !settings_.tls);
    one_provider();
    nats();
    kubernetes();
    door("http", settings_.listen.http, settings_.auth.tokens.empty());
    http_certificate();
    tokens();
    same_port();
    negative_ttl("defaults", find(root_, "defaults"), settings_.defaults);
    for (std::size_t i = 0; i < settings_.keyspaces.size(); ++i) keyspace(i);
    share_memory();
    listed_itself();
  }

 private:
  static const node* find(const node& in, std::string_view key) {
    const member* found = in.find(key);
    return found ? &found->value : nullptr;
  }

  /// The value at `keys`, or the deepest one on the way that was written.
  const node& nearest(std::initializer_list<std::string_view> keys) const {
    const node* here = &root_;
    for (const auto key : keys) {
      const node* below = find(*here, key);
      if (below == nullptr) break;
      here = below;
    }
    return *here;
  }

  const node& keyspace_node(std::size_t index) const {
    return find(root_, "keyspaces")->items[index];
  }

  static place keyspace_place(std::size_t index) {
    return {"keyspaces[" + std::to_string(index) + "]", {}};
  }

  void door(std::string_view name, const door_settings& given, bool open) {
    const place where = place{"listen", {}}.child(name);
    if (!open || given.insecure || is_loopback(given.address) || !problems_.clean(where.path))
      return;
    // A default stands in no line; what needs the door does.
    const node* block = find(root_, "listen");
    const node* written = block == nullptr ? nullptr : find(*block, name);
    const bool is_written = written != nullptr && find(*written, "address") != nullptr;
    problems_.error(
        is_written ? nearest({"listen", name, "address"}).at : nearest({"discovery"}).at,
        where.child("address"),
        {(is_written ? "" : "the default, ") + to_string(given.address) + (is_written ? "" : ",") +
             " accepts plain text from other machines",
         std::string("set up ") + (name == "peer" ? "tls" : "auth.tokens") +
             ", or add insecure: true to listen." + std::string(name) +
             " if the network is trusted, or listen on 127.0.0.1"}
    );
  }

  void one_provider() {
    std::string_view first;
    for (const std::string_view each : {"static", "dns", "nats", "kubernetes"}) {
      const node* block = find(root_, "discovery");
      const node* given = block == nullptr ? nullptr : find(*block, each);
      if (given == nullptr) continue;
      if (!first.empty()) {
        problems_.error(
            given->at,
            {"discovery", {}},
            {std::string(first) + " and " + std::string(each) + " are both given",
             "keep one of them"}
        );
      }
      first = each;
    }
  }

  void nats() {
    const auto& given = settings_.discovery.nats;
    if (!given || !problems_.clean("discovery.nats")) return;
    const auto refuse = [&](std::string_view key, complaint what) {
      problems_.error(
          nearest({"discovery", "nats", key}).at,
          place{"discovery.nats", {}}.child(key),
          std::move(what)
      );
    };
    if (given->expire < 3 * given->heartbeat) {
      refuse(
          "expire",
          {print_duration(given->expire) + " is less than 3 heartbeats",
           "write " + print_duration(3 * given->heartbeat) + " or more"}
      );
    }
    if (given->user.has_value() != given->password.has_value()) {
      refuse("user", {"user and password belong together", "add the other one"});
    }
    if (given->token && given->user) {
      refuse("token", {"user and token are both given", "keep one of them"});
    }
    if ((given->password || given->token) && !given->ca) plain_credentials(given->servers);
  }

  void plain_credentials(const std::vector<std::string>& servers) {
    constexpr std::string_view plain = "nats://";
    for (const auto& each : servers) {
      if (!each.starts_with(plain)) continue;
      const auto rest = each.substr(plain.size());
      const bool has_port = rest.rfind(':') != rest.npos && rest.back() != ']';
      const auto where = parse_address(has_port ? rest : rest + ":4222");
      if (!where || is_loopback(*where)) continue;
      problems_.warning(
          nearest({"discovery", "nats", "servers"}).at,
          {"discovery.nats.servers", {}},
          {quoted(each) + " gets the password in plain text unless it asks for TLS itself",
           "write tls:// if it can"}
      );
    }
  }

  void http_certificate() {
    const auto& http = settings_.listen.http;
    if (http.cert.has_value() == http.key.has_value() || !problems_.clean("listen")) return;
    problems_.error(
        nearest({"listen", "http", http.cert ? "cert" : "key"}).at,
        {"listen.http", {}},
        {std::string(http.cert ? "cert" : "key") + " stands alone", "give cert and key"}
    );
  }

  void tokens() {
    const auto& all = settings_.auth.tokens;
    if (!problems_.clean("auth")) return;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto at = nearest({"auth", "tokens"}).items[i].at;
      const place where{"auth.tokens[" + std::to_string(i) + "]", {}};
      for (std::size_t other = 0; other < i; ++other) {
        const bool same_name = all[other].name == all[i].name;
        if (!same_name && all[other].secret.value != all[i].secret.value) continue;
        problems_.error(
            at,
            where,
            {std::string(same_name ? "the name" : "the secret") +
                 " is already that of auth.tokens[" + std::to_string(other) + "]",
             "give it another one"}
        );
      }
      for (const auto& name : all[i].keyspaces) {
        if (has_keyspace(name)) continue;
        problems_.error(
            at, where.child("keyspaces"), {"there is no keyspace " + quoted(name), "remove it"}
        );
      }
    }
  }

  bool has_keyspace(const std::string& name) const {
    const auto& all = settings_.keyspaces;
    return std::any_of(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
  }

  /// A token is not for everybody on the way to read.
  void kubernetes() {
    const auto& given = settings_.discovery.kubernetes;
    if (!given || !problems_.clean("discovery.kubernetes")) return;
    if (!given->token || !given->api || !given->api->starts_with("http://")) return;
    problems_.error(
        nearest({"discovery", "kubernetes", "token"}).at,
        place{"discovery.kubernetes", {}}.child("token"),
        {"the token would go over plain text", "write https:// in api, or remove the token"}
    );
  }

  void same_port() {
    const auto& peer = settings_.listen.peer.address;
    const auto& http = settings_.listen.http.address;
    const bool both = settings_.discovery.has_provider() && peer.port != 0;
    const bool overlap = peer.host == http.host || peer.host.empty() || http.host.empty();
    if (!both || peer.port != http.port || !overlap || !problems_.clean("listen")) return;
    problems_.error(
        nearest({"listen", "http", "address"}).at,
        {"listen.http.address", {}},
        {to_string(http) + " is also the port of listen.peer", "give each door its own port"}
    );
  }

  void keyspace(std::size_t index) {
    keyspace_settings& given = settings_.keyspaces[index];
    const place where = keyspace_place(index);
    const node& written = keyspace_node(index);
    unique_name(index, where);
    negative_ttl(where.path, &written, given);
    sqlite_revision(index, where, given);
    unused_statements(index, where, given);
    postgres_statements(index, where, given);
    const node* limit = find(written, "max_entry");
    if (given.max_memory && limit != nullptr && given.max_entry > *given.max_memory &&
        problems_.clean(where.path)) {
      problems_.error(
          limit->at,
          where.child("max_entry"),
          {print_size(given.max_entry) + " is more than max_memory, " +
               print_size(*given.max_memory),
           "lower it, or raise max_memory"}
      );
    }
  }

  void sqlite_revision(std::size_t index, const place& where, const keyspace_settings& given) {
    const auto* from = std::get_if<sqlite_source>(&given.source);
    if (from == nullptr || !from->revision || from->put || from->erase) return;
    const node* source = find(keyspace_node(index), "source");
    const node* revision = source == nullptr ? nullptr : find(*source, "revision");
    if (revision == nullptr || !problems_.clean(where.path)) return;
    problems_.error(
        revision->at,
        {where.path + ".source.revision", {}},
        {"a revision is of use only to put and delete", "remove it, or add one of them"}
    );
  }

  void unused_statements(std::size_t index, const place& where, const keyspace_settings& given) {
    const auto* from = std::get_if<sqlite_source>(&given.source);
    if (from == nullptr || given.writes == writes_mode::allow) return;
    if ((!from->put && !from->erase) || !problems_.clean(where.path)) return;
    const std::string_view key = from->put ? "put" : "delete";
    const node* source = find(keyspace_node(index), "source");
    const node* statement = source == nullptr ? nullptr : find(*source, key);
    if (statement == nullptr) return;
    problems_.warning(
        statement->at,
        {where.path + ".source." + std::string(key), {}},
        {"nobody may write, so that " + std::string(key) + " is never run",
         "add writes: allow to the keyspace"}
    );
  }

  void postgres_statements(std::size_t index, const place& where, const keyspace_settings& given) {
    const auto* from = std::get_if<postgres_source>(&given.source);
    const node* source = find(keyspace_node(index), "source");
    if (from == nullptr || source == nullptr || !problems_.clean(where.path)) return;
    const auto refuse = [&](const char* key, const char* what, const char* advice) {
      const node* at = find(*source, key);
      const bool is_there = at != nullptr;
      const std::string path = where.path + ".source" + (is_there ? "." + std::string(key) : "");
      problems_.error(is_there ? at->at : source->at, {path, {}}, {what, advice});
    };
    const bool has_own = from->query || from->create || from->update || from->put || from->erase;
    if (from->table && has_own)
      return refuse("table", "weir writes the statements of a table itself", "remove the others");
    if (!from->table && !from->query)
      return refuse("", "it has neither a table nor a query", "add one of them");
    if (from->create.has_value() != from->update.has_value()) {
      const char* one = from->create ? "create" : "update";
      refuse(one, "create and update are of use only together", "add the other one, or put");
    }
  }

  void unique_name(std::size_t index, const place& where) {
    const auto& all = settings_.keyspaces;
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(index);
    if (all[index].name.empty()) return;
    const auto first = std::find_if(all.begin(), end, [&](const keyspace_settings& other) {
      return other.name == all[index].name;
    });
    if (first == end) return;
    const auto other = static_cast<std::size_t>(first - all.begin());
    const node& name = *find(keyspace_node(index), "name");
    problems_.error(
        name.at,
        where.child("name"),
        {"the name " + quoted(all[index].name) + " is already that of " +
             keyspace_place(other).path,
         "give it another name"}
    );
  }

  /// Only a written value can be wrong; an inherited one is shortened.
  void negative_ttl(const std::string& path, const node* written, keyspace_settings& given) {
    if (given.negative_ttl <= given.ttl || !problems_.clean(path)) return;
    const node* value = written == nullptr ? nullptr : find(*written, "negative_ttl");
    if (value == nullptr) {
      given.negative_ttl = given.ttl;
      return;
    }
    problems_.error(
        value->at,
        {path + ".negative_ttl", {}},
        {print_duration(given.negative_ttl) + " is longer than ttl, " + print_duration(given.ttl),
         "write " + print_duration(given.ttl) + " or less"}
    );
  }

  void share_memory() {
    auto& all = settings_.keyspaces;
    if (all.empty() || !problems_.clean("keyspaces") || !problems_.clean("node.max_memory")) return;
    const std::uint64_t total = settings_.node.max_memory;
    std::uint64_t limits = 0;
    std::uint64_t sharing = 0;
    for (const auto& each : all) {
      limits += each.max_memory.value_or(0);  // at most 2,000 times 64 TiB
      limits += each.near ? each.near->max_memory : 0;
      sharing += each.max_memory ? 0 : 1;
    }
    if (limits > total) {
      problems_.error(
          nearest({"keyspaces"}).at,
          {"keyspaces", {}},
          {"the max_memory of all keyspaces, near copies included, adds up to " +
               print_size(limits) + ", node.max_memory is " + print_size(total),
           "raise node.max_memory, or lower a limit"}
      );
      return;
    }
    const std::uint64_t share = sharing == 0 ? 0 : (total - limits) / sharing;
    for (auto& each : all) each.budget = each.max_memory.value_or(share);
    if (sharing == 0 || share >= smallest_share) return;
    problems_.error(
        nearest({"keyspaces"}).at,
        {"keyspaces", {}},
        {"keyspaces without max_memory would get " + print_size(share) + " each, less than 1MiB",
         "raise node.max_memory, or lower a limit"}
    );
  }

  /// Other nodes dial the address in their lists, which are most often copies of this one.
  void listed_itself() {
    const auto& fixed = settings_.discovery.fixed;
    if (!fixed || !settings_.node.id || !problems_.clean("discovery")) return;
    const std::size_t self = static_cast<std::size_t>(
        std::find_if(
            fixed->peers.begin(),
            fixed->peers.end(),
            [&](const static_peer& each) { return each.id == *settings_.node.id; }
        ) -
        fixed->peers.begin()
    );
    if (self == fixed->peers.size()) return;
    const address& listed = fixed->peers[self].address;
    const address own = settings_.node.advertise.value_or(settings_.listen.peer.address);
    if (own.port == 0 || own.port == listed.port) return;
    problems_.warning(
        nearest({"discovery", "static", "peers"}).at,
        {"discovery.static.peers[" + std::to_string(self) + "]", {}},
        {"this node is listed with port " + std::to_string(listed.port) + ", but " +
             (settings_.node.advertise ? "advertises " : "listens on ") + std::to_string(own.port),
         "other nodes will not reach it there"}
    );
  }

  settings& settings_;
  const node& root_;
  reporter& problems_;
};

}  // namespace

void cross_check(settings& checked, const node& root, reporter& problems) {
  checker(checked, root, problems).run();
}

}  // namespace weir::config
