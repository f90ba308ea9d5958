#include "answers.hpp"
#include "dns/dns_candidates.hpp"
#include "dns/dns_message.hpp"

#include <weir/discovery/dns_provider.hpp>
#include <weir/transport/dns_client.hpp>
#include <weir/transport/host_port.hpp>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {
namespace {

constexpr milliseconds shortest_interval{1'000};
constexpr milliseconds longest_interval{5'000};
constexpr int rounds = 2;

dns_type type_of(dns_records records) {
  switch (records) {
    case dns_records::a:
      return dns_type::a;
    case dns_records::aaaa:
      return dns_type::aaaa;
    case dns_records::srv:
      return dns_type::srv;
  }
  return dns_type::a;
}

dns_outcome outcome_of(dns_status status) {
  switch (status) {
    case dns_status::answered:
      return dns_outcome::answered;
    case dns_status::no_such_name:
      return dns_outcome::no_such_name;
    case dns_status::no_records:
      return dns_outcome::empty;
    case dns_status::timed_out:
      return dns_outcome::timed_out;
    case dns_status::malformed:
      return dns_outcome::malformed;
    case dns_status::failed:
    case dns_status::closed:
      break;
  }
  return dns_outcome::failed;
}

bool is_absent(dns_outcome outcome) {
  return outcome == dns_outcome::no_such_name || outcome == dns_outcome::empty;
}

}  // namespace

/// Polls on a strand. Its questions and timer hold it weakly; a poll under way ends with it.
class dns_provider::poller : public std::enable_shared_from_this<poller> {
 public:
  poller(const dns_options& options, environment& env, answer_callback answer)
      : options_(options),
        env_(env),
        strand_(asio::make_strand(env.executor())),
        client_(
            strand_,
            {.query_timeout = options.query_timeout, .tries = rounds, .servers = options.servers}
        ),
        timer_(strand_),
        answers_(std::move(answer)),
        known_({.interval = options.interval}) {}

  void start() {
    asio::post(strand_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->poll();
    });
  }

  /// No answer is given once this has returned.
  static void stop(std::shared_ptr<poller> self) {
    self->answers_.close();
    const auto strand = self->strand_;
    asio::post(strand, [self = std::move(self)] {
      self->is_closed_ = true;
      self->client_.close();
      self->timer_.cancel();
    });
  }

  std::vector<answer_count> counts() const {
    const std::lock_guard lock(known_mutex_);
    return counts_of<dns_outcome>(dns_outcomes, [this](dns_outcome each) {
      return known_.count(each);
    });
  }

 private:
  /// The targets of one SRV answer whose addresses are still asked for.
  struct targets {
    dns_finding found;
    std::size_t missing = 0;
  };

  void poll() {
    if (is_closed_) return;
    ask(options_.name,
        type_of(options_.type),
        [this](dns_outcome outcome, const dns_message& message) {
          if (outcome != dns_outcome::answered) return finish({.outcome = outcome});
          if (options_.type == dns_records::srv) return resolve(message);
          dns_finding found{.outcome = outcome, .ttl = std::chrono::seconds(0x7fffffff)};
          for (const auto& each : message.records) add(each, options_.port, found);
          finish(found);
        });
  }

  /// Calls `done` with what was read, unless the poller is gone by then.
  template <class Done>
  void ask(const std::string& name, dns_type type, Done done) {
    client_.ask(name, type, [weak = weak_from_this(), type, done](dns_reply reply) {
      const auto self = weak.lock();
      if (!self || reply.status == dns_status::closed) return;
      if (reply.status != dns_status::answered) return done(outcome_of(reply.status), {});
      auto read = read_dns_message(reply.message, type);
      if (!read) return done(dns_outcome::malformed, {});
      if (read->records.empty()) return done(dns_outcome::empty, {});
      done(dns_outcome::answered, std::move(*read));
    });
  }

  static void add(const dns_record& record, std::uint16_t port, dns_finding& into) {
    into.addresses.push_back(to_string(host_port{record.address, port}));
    into.ttl = std::min(into.ttl, std::chrono::seconds(record.ttl));
  }

  /// One of several addresses of a node, the same however the server turns them around.
  static const dns_record& steadiest(const std::vector<dns_record>& all) {
    return *std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.address < b.address;
    });
  }

  /// The addresses of SRV targets: those that came along, else asked for.
  void resolve(const dns_message& message) {
    const auto all = std::make_shared<targets>();
    all->found = {.outcome = dns_outcome::answered, .ttl = std::chrono::seconds(0x7fffffff)};
    if (message.records.size() > dns_rules().most_candidates) {
      return finish({.outcome = dns_outcome::too_many});
    }
    std::vector<dns_record> unknown;
    for (const auto& each : message.records) {
      all->found.ttl = std::min(all->found.ttl, std::chrono::seconds(each.ttl));
      std::vector<dns_record> here;
      for (const auto& glue : message.glue) {
        if (glue.host == each.host) here.push_back(glue);
      }
      if (!here.empty()) {
        add(steadiest(here), each.port, all->found);
      } else if (!each.host.empty()) {  // "." = the service is not offered
        unknown.push_back(each);
      }
    }
    all->missing = unknown.size();
    if (unknown.empty()) return finish(all->found);
    for (const auto& each : unknown) resolve(each, dns_type::a, all);
  }

  void resolve(const dns_record& target, dns_type type, const std::shared_ptr<targets>& all) {
    const auto name = target.host + '.';  // never one of the search domains
    ask(name, type, [this, target, type, all](dns_outcome outcome, const dns_message& message) {
      if (is_absent(outcome) && type == dns_type::a) return resolve(target, dns_type::aaaa, all);
      if (outcome == dns_outcome::answered) {
        add(steadiest(message.records), target.port, all->found);
      } else if (!is_absent(outcome)) {
        all->found.outcome = outcome;
      }
      if (--all->missing == 0) finish(all->found);
    });
  }

  dns_candidates::step take(const dns_finding& found, time_point now) {
    const std::lock_guard lock(known_mutex_);
    return known_.take(found, now);
  }

  void finish(const dns_finding& found) {
    const auto now = env_.now();
    auto step = take(found, now);
    if (step.tell) answers_.tell(std::move(*step.tell));
    const auto wait = std::chrono::duration_cast<milliseconds>(step.next - now);
    // Nodes that were started at once do not ask at once for ever.
    const auto spare = std::max(wait - shortest_interval, milliseconds(0));
    const auto earlier = env_.random() % static_cast<std::uint64_t>(spare.count() / 10 + 1);
    timer_.expires_after(wait - milliseconds(earlier));
    timer_.async_wait([weak = weak_from_this()](const error_code& stopped) {
      const auto self = weak.lock();
      if (self && !stopped) self->poll();
    });
  }

  const dns_options options_;
  environment& env_;
  const asio::any_io_executor strand_;
  dns_client client_;
  asio::steady_timer timer_;
  bool is_closed_ = false;

  answer_slot answers_;
  mutable std::mutex known_mutex_;
  dns_candidates known_;
};

dns_provider::dns_provider(dns_options options) : options_(std::move(options)) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("dns: " + what); };
  if (options_.name.empty()) refuse("name is empty; write the name the nodes are found under");
  if (options_.port == 0) refuse("port 0 cannot be dialled; write the peer port of the nodes");
  if (options_.interval < shortest_interval || options_.interval > longest_interval) {
    refuse("interval must be 1 s to 5 s");
  }
}

dns_provider::~dns_provider() {
  stop();
}

void dns_provider::start(environment& env, answer_callback answer) {
  auto made = std::make_shared<poller>(options_, env, std::move(answer));
  made->start();
  const std::lock_guard lock(mutex_);
  poller_ = std::move(made);
}

void dns_provider::stop() {
  std::shared_ptr<poller> stopped;
  {
    const std::lock_guard lock(mutex_);
    stopped = std::exchange(poller_, nullptr);
  }
  if (stopped) poller::stop(std::move(stopped));
}

std::vector<answer_count> dns_provider::counts() const {
  const std::lock_guard lock(mutex_);
  return poller_ ? poller_->counts() : std::vector<answer_count>();
}

}  // namespace weir
