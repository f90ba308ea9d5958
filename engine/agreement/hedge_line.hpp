#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/protocol_rules.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir {

/// The reads that wait for one peer, and when they ask another node too.
///
/// A function of what was sent, what came and the time. Not thread-safe, knows no clock; the caller
/// owns the reads and the one timer.
class hedge_line {
 public:
  class list;

  /// One request to the peer, from begin() to end(). The caller owns it and does not move it; only
  /// the line uses its fields.
  struct read {
    list* in = nullptr;
    read* before = nullptr;
    read* after = nullptr;
    time_point began{};
    bool was_refused = false;
  };

  /// What on_timer() is told of a peer without a link.
  static constexpr time_point never{};

  /// Reads in order of arrival, linked through themselves.
  class list {
   public:
    void push_back(read& one) noexcept;
    void remove(read& one) noexcept;

    read* front() const noexcept { return first_; }

    std::size_t size() const noexcept { return size_; }

    bool empty() const noexcept { return size_ == 0; }

   private:
    read* first_ = nullptr;
    read* last_ = nullptr;
    std::size_t size_ = 0;
  };

  static constexpr milliseconds min_delay{20};
  static constexpr milliseconds max_delay{250};
  static constexpr milliseconds suspect_after{250};
  static constexpr std::size_t suspect_waiting = 8;
  static constexpr double burst = 100;

  hedge_line(const hedge_options& options, const protocol_rules& rules) noexcept
      : after_(options.after), budget_(options.budget), rules_(rules) {}

  /// A read was sent. Returns when to call on_timer(), unless a call is due anyway.
  std::optional<time_point> begin(read& sent, time_point now);

  /// The peer works on the read: it is no longer hedged, unless the peer becomes suspect.
  void told(read& of, time_point now);

  enum class ending : std::uint8_t { answered, lost };

  /// The read was answered, or never will be. No effect if it has ended already.
  void end(read& of, time_point now, ending how);

  enum class news : std::uint8_t { none, suspect, trusted };

  struct decision {
    std::vector<read*> hedge;         ///< these ask the gutter node too, once each
    std::uint64_t refused = 0;        ///< not hedged as the budget is spent; each counts once
    std::optional<time_point> again;  ///< when to call next; empty = when begin() says so
    news what = news::none;
  };

  /// `heard` is when this node last heard anything from the peer.
  decision on_timer(time_point now, time_point heard);

  /// Whether reads should go elsewhere at once. False while this node has yet to read what came
  /// while it stood still.
  bool is_suspect(time_point now) const noexcept {
    return is_suspect_ && !((is_late(now) || is_in_grace_) && rules_.wait_again_after_pause);
  }

  bool is_suspect() const noexcept { return is_suspect_; }

  /// Ends the suspicion if the peer was heard since.
  bool trust_again(time_point heard) noexcept;

  /// How long the peer must be silent before a read is hedged.
  milliseconds delay();

 private:
  static constexpr milliseconds lateness{10};  // of a timer: more means that this node stood still

  bool is_late(time_point now) const noexcept { return due_ && now - *due_ > lateness; }

  // Fewer answers say too little about how long they take.
  static constexpr std::size_t min_samples = 32;
  static constexpr std::size_t samples = 128;

  void sample(time_point began, time_point now) noexcept;
  bool is_pause(time_point now) noexcept;
  void suspect(time_point now, time_point heard, decision& out);
  void hedge(time_point now, time_point heard, decision& out);
  std::optional<time_point> next_look(time_point now, time_point heard);
  time_point oldest_unanswered() const noexcept;

  std::size_t unanswered() const noexcept { return waiting_.size() + hedged_.size(); }

  const std::optional<timespan> after_;
  const double budget_;
  const protocol_rules& rules_;
  list waiting_;                               ///< for any word of the peer
  list hedged_;                                ///< the same, and the gutter node was asked
  list told_;                                  ///< the peer works on them
  std::array<std::uint32_t, samples> took_{};  ///< until the first word, in microseconds
  std::size_t taken_ = 0;                      ///< of all time
  std::size_t judged_ = 0;                     ///< of them: when delay_ was made
  milliseconds delay_{max_delay};
  double tokens_ = burst;
  std::optional<time_point> due_;  ///< when on_timer() is to be called
  bool was_late_ = false;
  bool is_in_grace_ = false;  ///< after a pause, until the next on_timer()
  bool is_suspect_ = false;
  time_point suspect_since_{};
};

}  // namespace weir
