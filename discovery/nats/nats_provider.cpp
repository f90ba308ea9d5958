#include "answers.hpp"
#include "nats/nats_members.hpp"
#include "nats/nats_presence.hpp"

#include <weir/discovery/nats_provider.hpp>
#include <weir/transport/nats_client.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {
namespace {

constexpr milliseconds shortest_heartbeat{100};
constexpr milliseconds longest_heartbeat{10'000};
constexpr int fewest_misses = 3;

nats_outcome outcome_of(nats_trouble trouble) {
  switch (trouble) {
    case nats_trouble::failed:
      return nats_outcome::failed;
    case nats_trouble::refused:
      return nats_outcome::refused;
    case nats_trouble::untrusted:
      return nats_outcome::untrusted;
    case nats_trouble::malformed:
      return nats_outcome::protocol;
  }
  return nats_outcome::failed;
}

nats_rules rules_of(const nats_options& options) {
  return {
      .heartbeat = options.heartbeat,
      .misses = static_cast<int>(
          (options.expire + options.heartbeat - milliseconds(1)) / options.heartbeat
      ),
      .is_signed = !options.secret.empty(),
  };
}

nats_client_options client_options_of(const nats_options& options, const std::string& name) {
  return {
      .servers = options.servers,
      .subject = options.subject,
      .user = options.user,
      .password = options.password,
      .token = options.token,
      .ca = options.ca,
      .name = name,
      .max_message = longest_presence,
  };
}

}  // namespace

/// One node on the subject, on a strand. Client and timer hold it weakly.
class nats_provider::presence : public std::enable_shared_from_this<presence> {
 public:
  presence(const nats_options& options, environment& env, answer_callback answer, identity self)
      : options_(options),
        env_(env),
        strand_(asio::make_strand(env.executor())),
        timer_(strand_),
        answers_(std::move(answer)),
        self_(std::move(self)),
        known_(rules_of(options_), self_) {}

  void start() {
    asio::post(strand_, [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && !self->is_closed_) self->connect();
    });
  }

  void leave() {
    asio::post(strand_, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->is_closed_ || std::exchange(self->has_left_, true)) return;
      self->publish(nats_presence::kind::gone);
    });
  }

  /// No answer is given once this has returned.
  static void stop(std::shared_ptr<presence> self) {
    self->answers_.close();
    const auto strand = self->strand_;
    asio::post(strand, [self = std::move(self)] {
      self->is_closed_ = true;
      if (self->client_) self->client_->close();
      self->timer_.cancel();
    });
  }

  std::vector<answer_count> counts() const {
    const std::lock_guard lock(known_mutex_);
    return counts_of<nats_outcome>(nats_outcomes, [this](nats_outcome each) {
      return known_.counted(each);
    });
  }

 private:
  void connect() {
    const auto when = [weak = weak_from_this()](auto then) {
      return [weak, then](auto... arguments) {
        if (const auto self = weak.lock()) then(*self, arguments...);
      };
    };
    nats_client::handlers call;
    call.up = when([](presence& self) {
      self.apply([&](nats_members& known) { return known.up(self.env_.now()); });
    });
    call.down = when([](presence& self) {
      self.timer_.cancel();
      self.apply([](nats_members& known) { return known.down(); });
    });
    call.failed = when([](presence& self, nats_trouble why) {
      self.apply([why](nats_members& known) { return known.failed(outcome_of(why)); });
    });
    call.ended = when([](presence& self, nats_trouble why) { self.count(outcome_of(why)); });
    call.too_large = when([](presence& self) { self.count(nats_outcome::too_large); });
    call.message = when([](presence& self, std::string_view text) { self.read(text); });
    client_ = std::make_unique<nats_client>(
        strand_, env_, client_options_of(options_, "weir-" + self_.id), std::move(call)
    );
    client_->start();
  }

  void count(nats_outcome outcome) {
    const std::lock_guard lock(known_mutex_);
    known_.count(outcome);
  }

  std::uint64_t unix_ms() const {
    const auto since = options_.wall_clock().time_since_epoch();
    const auto count = std::chrono::duration_cast<milliseconds>(since).count();
    return static_cast<std::uint64_t>(std::max<milliseconds::rep>(count, 0));
  }

  void publish(nats_presence::kind what) {
    last_at_ = std::max(last_at_ + 1, unix_ms());  // grows also when the clock is set back
    const nats_presence own{
        .what = what,
        .cluster = self_.cluster,
        .id = self_.id,
        .address = self_.address,
        .incarnation = self_.incarnation,
        .at = last_at_,
    };
    client_->publish(write_nats_presence(own, options_.secret));
  }

  void read(std::string_view text) {
    nats_presence from;
    const auto what = read_nats_presence(text, self_.cluster, options_.secret, from);
    const auto read_at = unix_ms();
    apply([&](nats_members& known) { return known.take(what, from, read_at, env_.now()); });
  }

  void beat() {
    if (!has_left_) publish(nats_presence::kind::here);
    apply([&](nats_members& known) { return known.beat(env_.now()); });
  }

  template <class Event>
  void apply(Event event) {
    auto step = [&] {
      const std::lock_guard lock(known_mutex_);
      return event(known_);
    }();
    if (step.next) beat_at(*step.next);
    if (step.tell) answers_.tell(std::move(*step.tell));
  }

  void beat_at(time_point when) {
    const auto wait = std::chrono::duration_cast<milliseconds>(when - env_.now());
    // Earlier by up to a tenth, so that nodes that were started at once spread.
    const auto tenth = std::max(wait / 10, milliseconds(0));
    const auto earlier = env_.random() % static_cast<std::uint64_t>(tenth.count() + 1);
    timer_.expires_after(wait - milliseconds(earlier));
    timer_.async_wait([weak = weak_from_this()](const error_code& stopped) {
      const auto self = weak.lock();
      if (self && !stopped && !self->is_closed_) self->beat();
    });
  }

  const nats_options options_;
  environment& env_;
  const asio::any_io_executor strand_;
  asio::steady_timer timer_;
  std::unique_ptr<nats_client> client_;
  bool is_closed_ = false;
  bool has_left_ = false;
  std::uint64_t last_at_ = 0;

  answer_slot answers_;
  const identity self_;
  mutable std::mutex known_mutex_;
  nats_members known_;
};

nats_provider::nats_provider(nats_options options) : options_(std::move(options)) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("nats: " + what); };
  if (options_.heartbeat < shortest_heartbeat || options_.heartbeat > longest_heartbeat) {
    refuse("heartbeat must be 100 ms to 10 s");
  }
  if (options_.expire < fewest_misses * options_.heartbeat) {
    refuse("expire must be 3 heartbeats at least");
  }
  check_nats_client(client_options_of(options_, {}));
}

nats_provider::~nats_provider() {
  stop();
}

void nats_provider::start(environment& env, answer_callback answer) {
  const std::lock_guard lock(mutex_);
  env_ = &env;
  answer_ = std::move(answer);
}

void nats_provider::announce(const identity& self) {
  const std::lock_guard lock(mutex_);
  if (env_ == nullptr || presence_) return;
  presence_ = std::make_shared<presence>(options_, *env_, std::exchange(answer_, nullptr), self);
  presence_->start();
}

void nats_provider::leave() {
  const std::lock_guard lock(mutex_);
  if (presence_) presence_->leave();
}

void nats_provider::stop() {
  std::shared_ptr<presence> stopped;
  {
    const std::lock_guard lock(mutex_);
    env_ = nullptr;
    stopped = std::exchange(presence_, nullptr);
  }
  if (stopped) presence::stop(std::move(stopped));
}

std::vector<answer_count> nats_provider::counts() const {
  const std::lock_guard lock(mutex_);
  return presence_ ? presence_->counts() : std::vector<answer_count>();
}

}  // namespace weir
