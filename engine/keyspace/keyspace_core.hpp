#pragma once

#include "agreement/engine_context.hpp"
#include "async/key_turns.hpp"
#include "keyspace/doubtful_keys.hpp"
#include "keyspace/flight.hpp"
#include "keyspace/held_entries.hpp"
#include "keyspace/keyspace_feed.hpp"
#include "keyspace/live_options.hpp"
#include "source/load_batcher.hpp"
#include "source/load_limiter.hpp"
#include "source/source_watch.hpp"

#include <weir/engine/data_source.hpp>
#include <weir/engine/keyspace.hpp>
#include <weir/engine/store.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// One keyspace on one node: the path of a get (get.cpp), of a load (load.cpp) and of a change
/// (change.cpp). One that was replaced (tune.cpp) goes on with what has begun, keeps nothing, and
/// sends late callers to its successor.
/// Thread-safe; its handles and running flights keep it alive.
class keyspace_core : public std::enable_shared_from_this<keyspace_core> {
 public:
  keyspace_core(
      std::shared_ptr<engine_context> context,
      keyspace_options options,
      std::shared_ptr<data_source> source,
      keyspace_origin origin
  );
  ~keyspace_core();

  const live_options& options() const noexcept { return options_; }

  const std::shared_ptr<data_source>& loads_from() const noexcept { return source_; }

  std::uint64_t lineage() const noexcept { return lineage_; }

  std::string_view source_kind() const noexcept { return source_->type(); }

  environment& env() const noexcept { return context_->env; }

  /// The error of every call after close(). On the hit path, so without a text: a result with one
  /// must be destroyed.
  boost::system::result<void> open() const {
    if (const int why = closed_.load(std::memory_order_acquire)) [[unlikely]]
      return why == moved ? errc::no_keyspace : static_cast<errc>(why);
    return {};
  }

  /// The keyspace that replaced this one, or this one.
  std::shared_ptr<keyspace_core> current();

  /// Takes other options in place: only if options().can_become() them. Returns the entries that
  /// this cost. Blocks for a walk over the entries if the TTL became shorter.
  std::uint64_t retune(const keyspace_options& wanted);

  /// From now on sends late callers to the keyspace of the same lineage that the engine has.
  void move_on();

  /// What is kept, for what concerns that alone. empty_out() only after move_on(); a keyspace that
  /// replaces this one goes on from its last_seq().
  held_entries& held() noexcept { return held_; }

  /// The error of a key that no keyspace takes, if it is one.
  boost::system::result<void> check_key(std::string_view key) const;

  /// `why` with its place and, unless it has words of its own, with `detail`. Absence is an answer
  /// and stays as it is.
  error located(const error& why, std::string_view key, std::string_view detail = {}) const;

  /// Gets one key for a caller of this node, from wherever it comes.
  void find(
      std::string key,
      get_options options,
      completion<result<lookup>> done,
      std::uint64_t batch = load_limiter::alone
  );

  /// Gets several keys, one request per owner; answers in their order.
  void find_many(
      std::vector<std::string> keys,
      get_options options,
      completion<std::vector<result<lookup>>> done
  );

  /// Serves one key to another node, or to a flight of this one, as owner or in the owner's place.
  /// `loading`, unless empty, is called before this returns if as owner it starts or joins a load.
  void serve(
      get_request request,
      milliseconds timeout,
      completion<get_reply> done,
      completion<> loading = {}
  );
  bool try_serve(const get_request& request, get_reply& reply);

  /// Serves several keys to another node.
  void serve_many(
      get_many_request request,
      milliseconds timeout,
      completion<get_many_reply> done,
      completion<> loading = {}
  );

  /// Changes a key (or, for clear, all) on every node; finds the owner.
  asio::awaitable<result<change_result>> change(change_request request, milliseconds timeout);

  /// Makes a change as owner, at the source too where that is a store, and broadcasts it.
  ///
  /// `accepted`, if set, is called once when the change is ordered and its record is on the way.
  asio::awaitable<change_reply> change_as_owner(
      change_request request, time_point deadline, completion<change_reply> accepted
  );

  /// Applies a change that reached this node as owner. `meta` goes with a put value.
  /// Of a `write` that a store took, the value is not kept if the source told of another since.
  change_reply apply(
      const change_request& request,
      std::shared_ptr<const metadata> meta = nullptr,
      const running_write* write = nullptr
  );

  /// Makes a put or remove at the source first, where it is a store, then here: as owner of the
  /// key.
  asio::awaitable<change_reply> write_through(change_request request, time_point deadline);

  /// The source as a store; null when it cannot write.
  store* as_store() const noexcept { return store_.get(); }

  /// One update of a key at a time on this node.
  key_turns& update_turns() noexcept { return update_turns_; }

  /// Applies a change that another node ordered, to whatever this node has of the key. A pushed
  /// value has travelled for at most `on_the_way`.
  void apply_record(const change_record& record, milliseconds on_the_way);

  /// Begins to listen to the source's own changes, where it tells of them.
  void follow_source();

  /// What the source's feed told. `now` is when it did.
  void source_changed(const source_change& change, time_point now);
  void source_reset();

  /// The state of that feed; nullopt where the source has none.
  std::optional<feed_status> feed() const;

  /// Drops everything on this node.
  void drop_all() {
    keyspace_counters::add(counters_.invalidations);
    held_.clear();
  }

  /// The version of a key at its owner, absent or not.
  asio::awaitable<result<version>> observe(std::string key, milliseconds timeout);

  /// The steps of a get that are known before it starts, and when it ended.
  void explain_place(std::string_view key, std::vector<explain_step>& steps);
  void explain_answer(
      const result<lookup>& found, std::chrono::microseconds took, std::vector<explain_step>& steps
  );

  void explain_flight(const flight& ended, const waiter& of);
  std::string near_state(std::string_view key);

  keyspace_stats stats();

  /// Tells the listeners of this node's events.
  void report(const cluster_event& event) const { context_->report(event); }

  source_state source() const { return watch_.state(env().now()); }

  /// Reclaims what expired or lies below the floor, a slice at a time.
  void reclaim();

  /// Later calls fail with `why`, and those that wait with errc::unavailable. Idempotent.
  void close(errc why);

 private:
  enum class begun { yes, found_meanwhile, nobody_waits };
  // get.cpp, in call order
  void join(
      const std::string& key,
      std::uint64_t hash,
      flight_kind kind,
      const get_options& options,
      time_point deadline,
      completion<result<lookup>> done,
      flight_traits traits = {}
  );
  void arm(const std::shared_ptr<waiter>& waiting);
  asio::awaitable<void> fly(std::shared_ptr<flight> flown);
  asio::awaitable<result<lookup>> fetch(const std::shared_ptr<flight>& flown);
  asio::awaitable<result<get_reply>> ask_owner(
      const std::shared_ptr<flight>& flown,
      const std::shared_ptr<const routing>& route,
      std::uint16_t index
  );
  asio::awaitable<result<lookup>> fetch_without_owner(flight& f, const routing& route);
  asio::awaitable<result<get_reply>> ask_gutter(flight& f, const routing& route);
  void leave_at_gutter(const flight& f);
  get_request request_of(const flight& f, serve_as role) const;
  peer_request message_of(
      const flight& f, const routing& route, get_request request, time_point now
  ) const;
  void begin_asking(flight& f, time_point now);
  asio::awaitable<result<get_reply>> ask(
      flight& f, const routing& route, std::uint16_t index, serve_as role, version held = {}
  );
  result<get_reply> take_reply(flight& f, const asked_peer& peer, result<peer_reply> reply);
  void refresh(const std::string& key);
  void vouch(get_reply& reply, version held) const;
  time_point good_until(const lookup& own) const;
  time_point good_for(time_point began, time_point until) const;
  bool must_ask_again(const flight& ended, const result<lookup>& answer, const waiter& of) const;
  void finish(const std::shared_ptr<flight>& ended, const result<lookup>& answer);

  // hedge.cpp
  class owner_call;
  struct first_word;
  bool may_hedge(read_from from) const noexcept;
  bool can_stand_in(const routing& route, std::uint16_t owner, std::uint16_t gutter) const;
  bool goes_around(flight& f, const routing& route, std::uint16_t owner);
  asio::awaitable<result<first_answer>> ask_or_hedge(
      const std::shared_ptr<flight>& flown,
      const std::shared_ptr<const routing>& route,
      std::uint16_t index,
      version held
  );
  result<first_answer> take_first(
      flight& f, const routing& route, std::uint16_t owner, first_word first
  );

  // gather.cpp
  void start(std::shared_ptr<flight> started);
  bool may_gather(const flight& f) const;
  void spawn(asio::awaitable<void> work);
  asio::awaitable<void> fly_and_tell(std::shared_ptr<flight> flown);
  void load_gathered(flight_list flights);
  asio::awaitable<void> load_gathered_batch(flight_list flights);
  void look_at_gathered(bool is_time_over);
  void call_ended();

  // reads.cpp
  completion<result<lookup>> counting(completion<result<lookup>> done, read_attempt attempt);
  void count_read(const result<lookup>& answer, read_attempt attempt) noexcept;
  void count_reads(keyspace_stats& out) const noexcept;

  // load.cpp, in call order
  asio::awaitable<result<lookup>> pass_through(flight& f);
  asio::awaitable<result<lookup>> load(flight& f);
  asio::awaitable<void> take_turn(flight& f);
  bool try_take_turn(flight& f);
  begun begin(flight& f, lookup& found);
  void note_former(flight& f, const stored_entry& held);
  asio::awaitable<result<loaded>> call_source(flight& f);
  result<loaded> judged(result<loaded> answer, const source_remark& remark) const;
  void note(const result<loaded>& answer);
  error value_too_large(std::size_t size) const;
  void note_refused(const error& why);
  void report(const source_watch::events& events) const;
  template <class T>
  asio::awaitable<result<T>> within_timeout(asio::awaitable<result<T>> work, time_point deadline);
  enum class expiry { spread, as_given };
  lookup answer_of(flight& f, const loaded& answer, time_point began, expiry how, milliseconds& ttl)
      const;
  const char* why_not_kept(const landing& of, const flight& f) const;
  result<lookup> land(
      flight& f, result<loaded> answer, time_point began, expiry how = expiry::spread
  );
  void explain_kept(flight& f, const char* why_not, milliseconds ttl) const;
  void give_back_turn(flight& f);

  // many.cpp
  struct many;
  class many_call;
  void ask_many(
      std::shared_ptr<many> state,
      const std::shared_ptr<const routing>& route,
      std::uint16_t owner,
      std::vector<std::size_t> positions
  );
  asio::awaitable<void> load_batch(flight_list flights, std::uint64_t batch);

  std::uint64_t next_batch() noexcept { return batches_.fetch_add(1, std::memory_order_relaxed); }

  // change.cpp
  asio::awaitable<result<change_result>> carry_out(change_request request, milliseconds timeout);
  asio::awaitable<result<change_result>> change_at_owner(
      change_request request, time_point deadline
  );
  asio::awaitable<result<change_result>> change_without_owner(
      change_record record, time_point deadline
  );
  asio::awaitable<result<change_reply>> order(
      const routing& route, std::uint16_t index, change_request request, time_point deadline
  );
  asio::awaitable<result<peer_reply>> send(
      const member& to,
      const routing& route,
      request_body body,
      time_point deadline,
      std::optional<time_point> work_until = std::nullopt
  );
  change_record record_of(const change_request& request, const change_reply& applied) const;
  change_reply not_owner() const;
  void tell_others(const std::string& key);
  entry_table::entry_ptr make_written(
      const change_request& request, std::shared_ptr<const metadata> meta, time_point now
  ) const;
  get_reply observed(const std::string& key);

  // peek.cpp
  bool may_peek(std::uint16_t slot, time_point now) const;
  asio::awaitable<std::optional<peeked_value>> peek_at_former_owner(flight& f);
  get_reply peeked(const std::string& key);
  void adopt(const std::string& key, milliseconds timeout, completion<get_reply> done);

  // write_through.cpp, in call order
  asio::awaitable<change_reply> write_in_turn(change_request request, time_point deadline);
  result<write_condition> judge_write(const change_request& request, std::uint64_t epoch);
  asio::awaitable<result<stored>> call_store(
      const change_request& request, write_condition condition, time_point deadline
  );
  change_reply drop_written(const change_request& request, error why);

  // record.cpp
  entry_table::entry_ptr make_pushed(
      const change_record& record, std::uint64_t hash, std::uint16_t slot, milliseconds on_the_way
  );

  // near.cpp
  version near_version(const flight& f);
  void keep_near(
      flight& f,
      const std::shared_ptr<const routing>& route,
      const std::string& owner,
      const get_reply& reply
  );
  void drop_older_near(const flight& f, version seen);
  bool may_keep_near(
      const flight& f,
      const std::shared_ptr<const routing>& route,
      const std::string& owner,
      std::uint64_t epoch,
      time_point loaded_at
  );
  std::optional<lookup> revive_near(
      flight& f,
      const std::shared_ptr<const routing>& route,
      const std::string& owner,
      const get_reply& reply,
      version asked
  );

  // tune.cpp
  std::shared_ptr<keyspace_core> successor() const;
  error why_failed(const error& why) const;

  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire) != 0; }

  // keyspace_core.cpp
  milliseconds jittered(milliseconds ttl) const noexcept;
  const std::shared_ptr<engine_context> context_;
  live_options options_;
  const std::uint64_t lineage_;
  const std::shared_ptr<data_source> source_;
  const std::shared_ptr<store> store_ = std::dynamic_pointer_cast<store>(source_);
  const std::unique_ptr<keyspace_counters> counted_ = std::make_unique<keyspace_counters>();
  keyspace_counters& counters_ = *counted_;
  held_entries held_;
  load_limiter limiter_;
  source_watch watch_;
  const std::shared_ptr<keyspace_feed> feed_;  ///< null: the source tells of no changes
  const bool gathers_ = source_->is_batched() && !source_->revalidates();
  std::mutex gathering_;
  load_batcher<std::shared_ptr<flight>> batcher_;  // guarded by gathering_
  std::atomic<std::uint64_t> batches_{load_limiter::of_others + 1};
  key_turns write_turns_, update_turns_;
  doubtful_keys doubtful_;  ///< after a write of unknown outcome loads of the key are not kept
  std::mutex tuning_;       ///< one change of the options at a time
  static constexpr int moved = -1;
  std::atomic<int> closed_{0};  ///< an errc once closed; `moved` once it was replaced
};

}  // namespace weir
