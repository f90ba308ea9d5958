#include "agreement/hedge_table.hpp"

namespace weir {
namespace {

constexpr milliseconds between_remarks{10'000};

}  // namespace

hedged_peer::hedged_peer(std::shared_ptr<hedge_world> world, std::string id)
    : world_(std::move(world)), id_(std::move(id)), line_(world_->options, world_->rules) {}

void hedged_peer::move_to(const std::string& address) {
  const std::lock_guard lock(mutex_);
  address_ = address;
}

void hedged_peer::begin(waiting_read& sent, time_point now) {
  std::optional<time_point> due;
  {
    const std::lock_guard lock(mutex_);
    due = line_.begin(sent, now);
  }
  if (due) arm(*due);
}

void hedged_peer::told(waiting_read& of, time_point now) {
  const std::lock_guard lock(mutex_);
  line_.told(of, now);
}

void hedged_peer::end(waiting_read& of, time_point now, hedge_line::ending how) {
  const std::lock_guard lock(mutex_);
  line_.end(of, now, how);
}

time_point hedged_peer::heard() const {
  const auto* network = world_->network.load(std::memory_order_acquire);
  std::string address;
  {
    const std::lock_guard lock(mutex_);
    address = address_;
  }
  return network == nullptr ? hedge_line::never : network->heard(address);
}

bool hedged_peer::is_suspect() {
  if (!is_suspect_.load(std::memory_order_acquire)) return false;
  const auto last = heard();
  const auto now = world_->env.now();
  bool is_over = false;
  bool is_silent = false;
  {
    const std::lock_guard lock(mutex_);
    is_over = line_.trust_again(last);
    is_silent = line_.is_suspect(now);
    is_suspect_ = line_.is_suspect();
  }
  if (is_over) tell(hedge_line::news::trusted);
  return is_silent;
}

void hedged_peer::arm(time_point when) {
  world_->env.schedule(when, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void hedged_peer::look() {
  if (world_->network.load(std::memory_order_acquire) == nullptr) return;
  const auto now = world_->env.now();
  const auto last = heard();
  hedge_line::decision made;
  std::vector<std::shared_ptr<waiting_read>> hedged;
  {
    const std::lock_guard lock(mutex_);
    made = line_.on_timer(now, last);
    is_suspect_ = line_.is_suspect();
    for (auto* each : made.hedge) {
      auto read = static_cast<waiting_read*>(each)->weak_from_this().lock();
      if (read) hedged.push_back(std::move(read));
    }
  }
  world_->refused += made.refused;
  if (made.again) arm(*made.again);
  if (made.what != hedge_line::news::none) tell(made.what);
  for (const auto& each : hedged) each->hedge();
}

// A peer that stops and goes again and again is reported once in a while.
void hedged_peer::tell(hedge_line::news what) {
  const bool is_suspect = what == hedge_line::news::suspect;
  if (is_suspect) ++world_->suspicions;
  const auto now = world_->env.now();
  {
    const std::lock_guard lock(mutex_);
    const bool is_soon = told_at_ != time_point{} && now - told_at_ < between_remarks;
    if (is_suspect ? is_told_ || is_soon : !is_told_) return;
    is_told_ = is_suspect;
    if (is_suspect) told_at_ = now;
  }
  const auto listeners = world_->listeners.lock();
  if (!listeners) return;
  cluster_event event{"peer.trusted", id_, "heard again: reads ask it again"};
  if (is_suspect) event = {"peer.suspect", id_, "silent while reads wait: they ask gutter nodes"};
  listeners->report(event);
}

hedge_table::hedge_table(
    environment& env, const hedge_options& options, const protocol_rules& rules
)
    : world_(std::make_shared<hedge_world>(env, options, rules)) {}

void hedge_table::start(peer_network& network, std::weak_ptr<const member_links> listeners) {
  world_->listeners = std::move(listeners);
  world_->network = &network;
}

std::vector<std::shared_ptr<hedged_peer>> hedge_table::peers_of(
    const std::vector<member>& members, std::uint16_t self
) {
  std::map<std::string, std::shared_ptr<hedged_peer>> kept;
  std::vector<std::shared_ptr<hedged_peer>> out(members.size());
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i != members.size(); ++i) {
    if (i == self) continue;
    auto known = peers_.find(members[i].id);
    out[i] = known != peers_.end() ? known->second
                                   : std::make_shared<hedged_peer>(world_, members[i].id);
    out[i]->move_to(members[i].address);
    kept.emplace(members[i].id, out[i]);
  }
  peers_.swap(kept);
  return out;
}

hedge_stats hedge_table::stats() const {
  hedge_stats out;
  out.sent = world_->sent;
  out.won = world_->won;
  out.lost = world_->lost;
  out.refused = world_->refused;
  out.redirected = world_->redirected;
  out.suspicions = world_->suspicions;
  const std::lock_guard lock(mutex_);
  for (const auto& [id, each] : peers_) out.suspects += each->was_suspect() ? 1 : 0;
  return out;
}

}  // namespace weir
