#include "kubernetes/kubernetes_watcher.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace weir {
namespace {

using kind = kubernetes_change::kind;
using outcome = kubernetes_outcome;

class kubernetes_category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "kubernetes"; }

  std::string message(int code) const override {
    switch (static_cast<outcome>(code)) {
      case outcome::answered:
        return "the API server answered";
      case outcome::empty:
        return "the service has no endpoints; check discovery.kubernetes.service and namespace, "
               "and the selector of the service";
      case outcome::no_port:
        return "the endpoints of the service lack the port; name it as in "
               "discovery.kubernetes.port_name, or set discovery.kubernetes.port";
      case outcome::unauthorized:
        return "the API server does not know the token (401), or its file cannot be read; check "
               "discovery.kubernetes.token";
      case outcome::forbidden:
        return "the API server forbids to list endpoints (403); allow the service account to list "
               "and watch endpointslices in discovery.k8s.io";
      case outcome::expired:
        return "the API server forgot the version to watch from (410) again and again; look at it";
      case outcome::overloaded:
        return "the API server is overloaded (429); it is asked more seldom";
      case outcome::failed:
        return "the API server cannot be reached or fails; check discovery.kubernetes.api";
      case outcome::untrusted:
        return "the certificate of the API server is not trusted, or the file of authorities "
               "cannot "
               "be read; check discovery.kubernetes.ca and the host in discovery.kubernetes.api";
      case outcome::timed_out:
        return "the API server did not answer in time; check discovery.kubernetes.api";
      case outcome::malformed:
        return "the answer is not what an API server sends, or names an address or port nobody can "
               "dial; check discovery.kubernetes.api";
      case outcome::too_many:
        return "the answer of the API server is over a limit; check discovery.kubernetes.service";
      case outcome::watch_forbidden:
        return "the API server forbids to watch endpoints (403), so that lists alone tell of "
               "changes, "
               "seconds later; allow the service account to watch endpointslices in "
               "discovery.k8s.io";
    }
    return "Kubernetes failed";
  }
};

/// Up to `part` per cent of `of`.
milliseconds some(milliseconds of, int part, std::uint64_t random) {
  const auto most = static_cast<std::uint64_t>(of.count()) * static_cast<std::uint64_t>(part) / 100;
  return milliseconds(static_cast<std::int64_t>(random % (most + 1)));
}

bool may_watch_on(outcome after) {
  switch (after) {
    case outcome::unauthorized:
    case outcome::forbidden:
    case outcome::watch_forbidden:
    case outcome::overloaded:
    case outcome::failed:
    case outcome::untrusted:
    case outcome::timed_out:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string_view name(kubernetes_outcome outcome) noexcept {
  switch (outcome) {
    case kubernetes_outcome::answered:
      return "answered";
    case kubernetes_outcome::empty:
      return "empty";
    case kubernetes_outcome::no_port:
      return "no_port";
    case kubernetes_outcome::unauthorized:
      return "unauthorized";
    case kubernetes_outcome::forbidden:
      return "forbidden";
    case kubernetes_outcome::expired:
      return "expired";
    case kubernetes_outcome::overloaded:
      return "overloaded";
    case kubernetes_outcome::failed:
      return "failed";
    case kubernetes_outcome::untrusted:
      return "untrusted";
    case kubernetes_outcome::timed_out:
      return "timed_out";
    case kubernetes_outcome::malformed:
      return "malformed";
    case kubernetes_outcome::too_many:
      return "too_many";
    case kubernetes_outcome::watch_forbidden:
      return "watch_forbidden";
  }
  return "unknown";
}

error_code make_error_code(kubernetes_outcome outcome) noexcept {
  static const kubernetes_category category;
  return {static_cast<int>(outcome), category};
}

kubernetes_todo kubernetes_watcher::begin(time_point now) {
  return list_at(now);
}

kubernetes_watcher::step kubernetes_watcher::listed(
    const kubernetes_list& list, time_point now, std::uint64_t random
) {
  std::map<std::string, kubernetes_slice> slices;
  for (const auto& each : list.slices) slices[each.name] = each;
  const auto before = std::exchange(slices_, std::move(slices));
  if (is_too_much()) {
    slices_ = before;
    return failed({.outcome = outcome::too_many}, now, random);
  }
  version_ = list.version;
  end_trouble(kubernetes_todo::kind::list);
  view(now);
  const auto tenth = some(rules_.relist, 20, random);
  relist_at_ = now + rules_.relist - rules_.relist / 10 + tenth;
  return {.tell = news(), .next = watch_at(now, now, random)};
}

kubernetes_watcher::step kubernetes_watcher::watching(time_point now) {
  watched_at_ = now;
  is_watching_ = true;
  end_trouble(kubernetes_todo::kind::list);
  return {.tell = news(), .next = std::nullopt};
}

kubernetes_watcher::step kubernetes_watcher::changed(
    const kubernetes_change& change, time_point now, std::uint64_t random
) {
  if (change.what == kind::error) {
    const auto is_gone = change.status == 410;
    const auto is_busy = change.status == 429;
    version_.clear();
    const auto why = is_gone ? outcome::expired : is_busy ? outcome::overloaded : outcome::failed;
    return failed({.outcome = why}, now, random);
  }
  if (change.what == kind::bookmark) {
    settle();
    version_ = change.version;
    return {.tell = news(), .next = std::nullopt};
  }
  auto before = slices_;
  if (change.what == kind::removed) {
    slices_.erase(change.slice.name);
  } else {
    slices_[change.slice.name] = change.slice;
  }
  if (is_too_much()) {
    slices_ = std::move(before);
    return failed({.outcome = outcome::too_many}, now, random);
  }
  settle();
  version_ = change.version;
  view(now);
  return {.tell = news(), .next = std::nullopt};
}

kubernetes_watcher::step kubernetes_watcher::ended(time_point now, std::uint64_t random) {
  if (is_steady(now)) settle();
  is_watching_ = false;
  const auto next = std::max(now, watched_at_ + rules_.gap);
  const bool is_due = next + rules_.gap >= relist_at_;
  return {.tell = news(), .next = is_due ? list_at(now) : watch_at(next, now, random)};
}

kubernetes_watcher::step kubernetes_watcher::failed(
    const kubernetes_failure& failure, time_point now, std::uint64_t random
) {
  if (is_steady(now)) settle();
  is_watching_ = false;
  ++failures_;
  ++row_[static_cast<std::size_t>(failure.outcome)];
  ++counts_[static_cast<std::size_t>(failure.outcome)];
  if (is_loud(failure.outcome)) {
    trouble_ = failure.outcome;
    // What is too much in an event is so in a list.
    trouble_of_ = failure.outcome == outcome::too_many ? kubernetes_todo::kind::list : asked_;
  }
  if (!may_watch_on(failure.outcome)) version_.clear();
  const auto when = now + wait(failure, random);
  const bool watch_on = !version_.empty() && failures_ < 2 && when < relist_at_;
  if (!watch_on) version_.clear();
  return {.tell = news(), .next = watch_on ? watch_at(when, now, random) : list_at(when)};
}

/// Whether it is worth telling now. Some have to come twice: tokens and versions run out, and API
/// servers restart, all in a day's work.
bool kubernetes_watcher::is_loud(outcome failure) const {
  if (!last_ || failures_ >= 3 || row_[static_cast<std::size_t>(failure)] >= 2) return true;
  return failure == outcome::forbidden || failure == outcome::watch_forbidden ||
         failure == outcome::untrusted || failure == outcome::malformed ||
         failure == outcome::too_many;
}

/// A watch goes well: what failed before it is forgotten.
void kubernetes_watcher::settle() {
  failures_ = 0;
  row_.fill(0);
  trouble_.reset();
}

/// A list that goes well says nothing about watches.
void kubernetes_watcher::end_trouble(kubernetes_todo::kind of) {
  if (trouble_of_ == of) trouble_.reset();
}

bool kubernetes_watcher::is_steady(time_point now) const {
  return is_watching_ && now - watched_at_ >= rules_.steady;
}

milliseconds kubernetes_watcher::wait(const kubernetes_failure& failure, std::uint64_t random)
    const {
  const bool is_first = row_[static_cast<std::size_t>(failure.outcome)] == 1;
  if (is_first && (failure.outcome == outcome::expired || failure.outcome == outcome::unauthorized))
    return some(rules_.backoff, 20, random);
  milliseconds most = rules_.backoff;
  for (int i = 1; i < failures_ && most < rules_.most_backoff; ++i) most *= 2;
  most = std::min(most, rules_.most_backoff);
  const auto jittered = most - some(most, 50, random);
  if (!failure.retry_after) return jittered;
  const auto asked = std::min(*failure.retry_after, rules_.most_retry_after);
  return std::max(jittered, asked + some(asked, 10, random));
}

kubernetes_todo kubernetes_watcher::list_at(time_point when) {
  const auto at = listed_at_ == time_point() ? when : std::max(when, listed_at_ + rules_.list_gap);
  listed_at_ = at;
  asked_ = kubernetes_todo::kind::list;
  return {.what = kubernetes_todo::kind::list, .at = at};
}

kubernetes_todo kubernetes_watcher::watch_at(
    time_point when, time_point now, std::uint64_t random
) {
  watched_at_ = when;
  asked_ = kubernetes_todo::kind::watch;
  const auto most = rules_.watch - some(rules_.watch, 20, random);
  const auto left = std::chrono::ceil<milliseconds>(relist_at_ - std::max(when, now));
  const auto timeout = std::chrono::ceil<std::chrono::seconds>(std::min(most, left));
  return {
      .what = kubernetes_todo::kind::watch,
      .at = when,
      .version = version_,
      .timeout = std::max(timeout, std::chrono::seconds(1)),
  };
}

/// The addresses of all pods that stay, each once. A pod that is terminating or serving in one slice
/// is so in all; of several addresses of a pod the first in the order of IPv4, IPv6, text is taken.
kubernetes_watcher::merged kubernetes_watcher::merge() const {
  std::set<std::string_view> leaving;
  for (const auto& [name, slice] : slices_) {
    for (const auto& each : slice.endpoints) {
      if (each.is_terminating) leaving.insert(each.pod);
    }
  }
  using place = std::tuple<bool, std::string_view, std::uint16_t>;  // IPv6, address, port

  struct pod {
    place where;
    std::optional<bool> is_serving;
  };

  std::map<std::string_view, pod> pods;
  for (const auto& [name, slice] : slices_) {
    if (slice.port == 0) continue;
    for (const auto& each : slice.endpoints) {
      if (leaving.contains(each.pod)) continue;
      const bool is_v6 = each.address.find(':') != std::string::npos;
      const place here{is_v6, each.address, slice.port};
      const auto [known, is_new] = pods.emplace(each.pod, pod{here, each.is_serving});
      if (is_new) continue;
      auto& [where, is_serving] = known->second;
      where = std::min(where, here);
      if (!is_serving || each.is_serving.value_or(false)) is_serving = each.is_serving;
    }
  }
  merged out;
  for (const auto& [name, each] : pods) {
    const auto& [is_v6, address, port] = each.where;
    const std::string host(address);
    auto& told = out[(is_v6 ? '[' + host + ']' : host) + ':' + std::to_string(port)];
    if (!told.value_or(false)) told = each.is_serving;
  }
  return out;
}

bool kubernetes_watcher::is_too_much() const {
  std::size_t endpoints = 0;
  for (const auto& [name, slice] : slices_) endpoints += slice.endpoints.size();
  return slices_.size() > rules_.most_slices || endpoints > rules_.most_endpoints ||
         merge().size() > rules_.most_candidates;
}

bool kubernetes_watcher::lacks_port() const {
  return std::any_of(slices_.begin(), slices_.end(), [](const auto& each) {
    return each.second.port == 0 && !each.second.endpoints.empty();
  });
}

/// Judges the slices as they are now, and takes over what can be taken.
void kubernetes_watcher::view(time_point now) {
  auto found = merge();
  if (lacks_port()) {
    view_ = outcome::no_port;
  } else if (found.empty()) {
    view_ = outcome::empty;
  } else {
    view_ = outcome::answered;
    say_goodbye(found, now);
    known_ = std::move(found);
  }
  ++counts_[static_cast<std::size_t>(view_)];
}

/// Who is not in `to` any more stays a little: what is under way on its link may end, and one that
/// moves from slice to slice is not cut off.
void kubernetes_watcher::say_goodbye(const merged& to, time_point now) {
  if (rules_.linger > milliseconds(0)) {
    for (const auto& [address, is_serving] : known_)
      leaving_.emplace(address, departure{now + rules_.linger, is_serving});
  }
  for (const auto& [address, is_serving] : to) leaving_.erase(address);
  if (leaving_.size() > rules_.most_candidates) leaving_.clear();
}

kubernetes_watcher::merged kubernetes_watcher::known() const {
  merged out = known_;
  for (const auto& [address, each] : leaving_) out.emplace(address, each.is_serving);
  return out;
}

std::optional<time_point> kubernetes_watcher::due() const {
  std::optional<time_point> out;
  for (const auto& [address, each] : leaving_) out = std::min(out.value_or(each.at), each.at);
  if (is_watching_ && trouble_) {
    const auto steady_at = watched_at_ + rules_.steady;
    out = std::min(out.value_or(steady_at), steady_at);
  }
  return out;
}

kubernetes_watcher::step kubernetes_watcher::tick(time_point now) {
  std::erase_if(leaving_, [now](const auto& each) { return each.second.at <= now; });
  if (is_steady(now)) settle();
  return {.tell = news(), .next = std::nullopt};
}

// While watches fail, lists go on to tell who is there.
std::optional<result<std::vector<candidate>>> kubernetes_watcher::news() {
  const auto now = trouble_.value_or(view_);
  const bool is_of_watch = trouble_ && trouble_of_ == kubernetes_todo::kind::watch;
  const bool is_good = view_ == outcome::answered && (!trouble_ || is_of_watch);
  auto all = known();
  const bool is_changed = is_good && all != told_;
  if (!is_changed && last_ == now) return std::nullopt;
  last_ = now;
  if (!is_changed && now != outcome::answered)
    return result<std::vector<candidate>>(make_error_code(now));
  told_ = std::move(all);
  std::vector<candidate> out;
  for (const auto& [address, is_serving] : told_)
    out.push_back({.id = {}, .address = address, .is_serving = is_serving});
  return result<std::vector<candidate>>(std::move(out));
}

}  // namespace weir
