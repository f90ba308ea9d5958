#pragma once

#include "kubernetes/kubernetes_message.hpp"

#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/result.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// How one list, one event of a watch or a watch as a whole ended.
enum class kubernetes_outcome : std::uint8_t {
  answered,
  empty,         ///< the service has no endpoint that stays
  no_port,       ///< a slice with endpoints lacks the port
  unauthorized,  ///< 401
  forbidden,     ///< 403 to a list
  expired,       ///< 410: the version to watch from is gone
  overloaded,    ///< 429
  failed,        ///< another status, or no connection
  untrusted,     ///< the certificate of the API server
  timed_out,
  malformed,
  too_many,
  watch_forbidden,  ///< 403 to a watch
};
inline constexpr std::size_t kubernetes_outcomes =
    static_cast<std::size_t>(kubernetes_outcome::watch_forbidden) + 1;

/// The label of a metric: "answered", "timed_out", ...
std::string_view name(kubernetes_outcome outcome) noexcept;

/// In the category "kubernetes", whose messages say what to do.
error_code make_error_code(kubernetes_outcome outcome) noexcept;

struct kubernetes_rules {
  milliseconds relist{300'000};  ///< +-10 %, between lists that went well
  milliseconds watch{300'000};   ///< of one watch at most, up to 20 % less
  milliseconds backoff{500};     ///< after the first failure; doubles
  milliseconds linger{3'000};    ///< from when a pod terminates or is gone until it is dropped
  milliseconds most_backoff{10'000};
  milliseconds most_retry_after{120'000};  ///< a longer Retry-After is cut to this
  milliseconds gap{1'000};                 ///< between the beginnings of two watches at least
  milliseconds list_gap{250};              ///< the same of two lists
  milliseconds steady{5'000};              ///< a watch that lived this long ends a row of failures
  std::size_t most_slices = 256;
  std::size_t most_endpoints = 4'096;  ///< of all slices
  std::size_t most_candidates = 256;
};

/// The next request, and when.
struct kubernetes_todo {
  enum class kind : std::uint8_t { list, watch };

  kind what = kind::list;
  time_point at{};
  std::string version = {};        ///< to watch from
  std::chrono::seconds timeout{};  ///< after which the server is asked to end the watch
};

/// A request that went wrong.
struct kubernetes_failure {
  kubernetes_outcome outcome = kubernetes_outcome::failed;
  std::optional<milliseconds> retry_after = {};
};

/// What is known of the endpoints after everything the API server said, and what to ask it next: a
/// function of the answers, the time and the random number passed along.
///
/// Only good answers that name at least one endpoint change the candidates. Not thread-safe.
class kubernetes_watcher {
 public:
  explicit kubernetes_watcher(kubernetes_rules rules = {}) : rules_(rules) {}

  struct step {
    /// What to report: the first finding, a changed list, a new kind of failure or its end.
    std::optional<result<std::vector<candidate>>> tell = {};
    /// Nothing while the watch goes on.
    std::optional<kubernetes_todo> next = {};
  };

  kubernetes_todo begin(time_point now);

  /// A list came.
  step listed(const kubernetes_list& list, time_point now, std::uint64_t random);
  /// The server accepted the watch. Failures of earlier watches are over only once this one has
  /// brought something or lived for a while: some servers accept watches that they never serve.
  step watching(time_point now);
  /// The watch said so.
  step changed(const kubernetes_change& change, time_point now, std::uint64_t random);
  /// The server ended the watch as asked.
  step ended(time_point now, std::uint64_t random);
  /// The time of due() has come.
  step tick(time_point now);
  /// The list or the watch under way went wrong.
  step failed(const kubernetes_failure& failure, time_point now, std::uint64_t random);

  /// When tick() is to be called: a pod is to be dropped, or a watch has proven itself.
  std::optional<time_point> due() const;

  std::uint64_t count(kubernetes_outcome outcome) const noexcept {
    return counts_[static_cast<std::size_t>(outcome)];
  }

 private:
  using merged = std::map<std::string, std::optional<bool>>;  ///< by address, whether it serves

  struct departure {
    time_point at;  ///< when to drop it
    std::optional<bool> is_serving;
  };

  merged merge() const;
  bool is_too_much() const;
  bool lacks_port() const;
  void view(time_point now);
  void say_goodbye(const merged& to, time_point now);
  merged known() const;
  std::optional<result<std::vector<candidate>>> news();
  kubernetes_todo list_at(time_point when);
  kubernetes_todo watch_at(time_point when, time_point now, std::uint64_t random);
  bool is_loud(kubernetes_outcome failure) const;
  void settle();
  void end_trouble(kubernetes_todo::kind of);
  bool is_steady(time_point now) const;
  milliseconds wait(const kubernetes_failure& failure, std::uint64_t random) const;

  kubernetes_rules rules_;
  std::map<std::string, kubernetes_slice> slices_;
  merged known_;                              ///< of the last good view
  std::map<std::string, departure> leaving_;  ///< was in it before
  merged told_;
  std::string version_;                                             ///< empty = list first
  kubernetes_outcome view_ = kubernetes_outcome::empty;             ///< of slices_
  std::optional<kubernetes_outcome> trouble_;                       ///< not over, and worth telling
  kubernetes_todo::kind trouble_of_ = kubernetes_todo::kind::list;  ///< what failed
  kubernetes_todo::kind asked_ = kubernetes_todo::kind::list;       ///< the request under way
  std::optional<kubernetes_outcome> last_;                          ///< told
  int failures_ = 0;                                                ///< in a row
  std::array<int, kubernetes_outcomes> row_{};                      ///< the same by outcome
  bool is_watching_ = false;
  time_point relist_at_{};
  time_point listed_at_{};
  time_point watched_at_{};
  std::array<std::uint64_t, kubernetes_outcomes> counts_{};
};

}  // namespace weir
