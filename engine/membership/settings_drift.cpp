#define XXH_INLINE_ALL
#include "membership/settings_drift.hpp"

#include "values/digest_text.hpp"

#include <algorithm>
#include <utility>
#include <xxhash.h>

namespace weir {
namespace {

constexpr milliseconds told_after{3'000};     // a reload reaches one node after the other
constexpr std::size_t max_told_at_once = 16;  // per peer; the rest is counted

std::string text_of(milliseconds time) {
  const auto count = time.count();
  if (count == 0) return "0";
  if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + 'h';
  if (count % 60'000 == 0) return std::to_string(count / 60'000) + 'm';
  if (count % 1'000 == 0) return std::to_string(count / 1'000) + 's';
  return std::to_string(count) + "ms";
}

std::string text_of(consistency of) {
  return of == consistency::strict ? "strict" : "available";
}

std::string text_of(writes of) {
  return of == writes::allow ? "allow" : "deny";
}

std::string text_of(bool is_on) {
  return is_on ? "on" : "off";
}

std::string text_of(const std::string& text) {
  return text;
}

class comparison {
 public:
  void of(const keyspace_settings& here, const keyspace_settings& there) {
    field(here.name, "consistency", here.consistency, there.consistency);
    field(here.name, "near", here.has_near, there.has_near);
    field(here.name, "negative_ttl", here.negative_ttl, there.negative_ttl);
    field(here.name, "source", here.source, there.source);
    field(here.name, "ttl", here.ttl, there.ttl);
    field(here.name, "writes", here.writes, there.writes);
  }

  void only_here(const std::string& name) { add(name, "keyspace", "present", "absent"); }

  void only_there(const std::string& name) { add(name, "keyspace", "absent", "present"); }

  std::vector<setting_difference> take() { return std::move(found_); }

 private:
  template <class T>
  void field(const std::string& name, const char* what, const T& here, const T& there) {
    if (here != there) add(name, what, text_of(here), text_of(there));
  }

  void add(const std::string& name, const char* what, std::string here, std::string there) {
    found_.push_back({name, what, std::move(here), std::move(there)});
  }

  std::vector<setting_difference> found_;
};

cluster_event event_of(const std::string& peer, const setting_difference& what) {
  return {
      .name = "config.differs",
      .peer = peer,
      .detail = {},
      .fields = {
          {"keyspace", what.keyspace},
          {"field", what.field},
          {"here", what.here},
          {"there", what.there}}};
}

}  // namespace

std::vector<setting_difference> differences_of(
    const keyspace_settings_list& here, const keyspace_settings_list& there
) {
  const auto is_cut_before = [](const keyspace_settings_list& list, const std::string& name) {
    return list.size() >= max_compared_keyspaces && name > list.back().name;
  };
  comparison found;
  auto mine = here.begin();
  auto theirs = there.begin();
  while (mine != here.end() || theirs != there.end()) {
    if (theirs == there.end() || (mine != here.end() && mine->name < theirs->name)) {
      if (!is_cut_before(there, mine->name)) found.only_here(mine->name);
      ++mine;
    } else if (mine == here.end() || theirs->name < mine->name) {
      if (!is_cut_before(here, theirs->name)) found.only_there(theirs->name);
      ++theirs;
    } else {
      found.of(*mine++, *theirs++);
    }
  }
  return found.take();
}

std::uint64_t digest_of(const keyspace_settings_list& all) {
  std::string text;
  append(text, all.size());
  for (const auto& each : all) {
    append(text, each.name);
    append(text, static_cast<std::uint64_t>(each.consistency));
    append(text, static_cast<std::uint64_t>(each.writes));
    append(text, std::uint64_t{each.has_near});
    append(text, static_cast<std::uint64_t>(each.ttl.count()));
    append(text, static_cast<std::uint64_t>(each.negative_ttl.count()));
    append(text, each.source);
  }
  return XXH3_64bits(text.data(), text.size());
}

void settings_drift::set_own(keyspace_settings_list own) {
  if (own.size() > max_compared_keyspaces) own.resize(max_compared_keyspaces);
  const std::lock_guard lock(mutex_);
  if (own == *own_) return;
  digest_ = digest_of(own);
  own_ = std::make_shared<const keyspace_settings_list>(std::move(own));
  has_changed_ = true;
}

std::uint64_t settings_drift::known_of(const std::string& peer) const {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(peer);
  return found == peers_.end() ? digest_ : found->second.digest;
}

void settings_drift::tell(std::uint64_t known, ping_reply& pong) const {
  const std::lock_guard lock(mutex_);
  pong.settings_digest = digest_;
  if (known != digest_) pong.settings = own_;
}

void settings_drift::take(const std::string& peer, const ping_reply& pong, time_point now) {
  const std::lock_guard lock(mutex_);
  const auto known = peers_.find(peer);
  const bool is_known = known != peers_.end() && known->second.digest == pong.settings_digest;
  if (is_known) return;
  auto list = pong.settings;
  if (!list && pong.settings_digest == digest_) list = own_;
  if (!list) return;  // it answered what was asked before this node's own settings changed
  auto& of = peers_[peer];
  of.digest = pong.settings_digest;
  of.list = std::move(list);
  compare(of, now);
}

void settings_drift::compare(known_peer& with, time_point now) const {
  std::vector<lasting> after;
  for (auto& what : differences_of(*own_, *with.list)) {
    const auto is_same = [&](const lasting& before) { return before.what == what; };
    const auto before = std::find_if(with.differences.begin(), with.differences.end(), is_same);
    after.push_back(before != with.differences.end() ? *before : lasting{std::move(what), now});
  }
  with.differences = std::move(after);
}

std::vector<cluster_event> settings_drift::news(
    const std::set<std::string>& peers, time_point now
) {
  std::vector<cluster_event> out;
  const std::lock_guard lock(mutex_);
  std::erase_if(peers_, [&](const auto& each) { return !peers.contains(each.first); });
  const bool has_changed = std::exchange(has_changed_, false);
  for (auto& [id, of] : peers_) {
    if (has_changed) compare(of, now);
    std::size_t told = 0;
    std::size_t rest = 0;
    for (auto& each : of.differences) {
      if (each.is_told || now - each.since < told_after) continue;
      each.is_told = true;
      if (++told > max_told_at_once) {
        ++rest;
      } else {
        out.push_back(event_of(id, each.what));
      }
    }
    if (rest != 0) {
      out.push_back({"config.differs", id, std::to_string(rest) + " more; see `weir members`"});
    }
    of.is_told_of |= told != 0;
    if (of.is_told_of && of.differences.empty()) {
      of.is_told_of = false;
      out.push_back({"config.agrees", id, "its keyspaces are as here again"});
    }
  }
  return out;
}

config_state settings_drift::state_of(const std::string& peer) const {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return config_state::unknown;
  return found->second.differences.empty() ? config_state::same : config_state::differs;
}

std::vector<setting_difference> settings_drift::differences_to(const std::string& peer) const {
  std::vector<setting_difference> out;
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return out;
  for (const auto& each : found->second.differences) out.push_back(each.what);
  return out;
}

}  // namespace weir
