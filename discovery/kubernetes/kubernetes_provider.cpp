#include "answers.hpp"
#include "kubernetes/kubernetes_settings.hpp"
#include "kubernetes/kubernetes_watcher.hpp"

#include <weir/discovery/kubernetes_provider.hpp>
#include <weir/transport/http_stream.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <charconv>
#include <cstdlib>
#include <exception>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;
using outcome = kubernetes_outcome;

const asio::as_tuple_t<asio::use_awaitable_t<>> as_tuple{asio::use_awaitable};

constexpr std::size_t most_refusal = 16'384;  // bytes of an answer that says why not
constexpr milliseconds grace{10'000};  // past the time at which the server was to end a watch

const char* variable(const char* name) {
  return std::getenv(name);
}

outcome outcome_of(tls_fault fault) {
  switch (fault) {
    case tls_fault::plaintext:
    case tls_fault::version:
    case tls_fault::refused:
    case tls_fault::broken:
      return outcome::malformed;
    default:
      return outcome::untrusted;  // its certificate
  }
}

outcome outcome_of(const error_code& error) {
  if (error == make_error_code(errc::deadline_exceeded)) return outcome::timed_out;
  if (error.category() == tls_category()) return outcome_of(static_cast<tls_fault>(error.value()));
  if (error == make_error_code(errc::too_large)) return outcome::too_many;
  if (error == make_error_code(errc::bad_request) || error == make_error_code(errc::protocol))
    return outcome::malformed;
  return outcome::failed;
}

outcome outcome_of(unsigned status, kubernetes_todo::kind asked) {
  switch (status) {
    case 401:
      return outcome::unauthorized;
    case 403:
      return asked == kubernetes_todo::kind::list ? outcome::forbidden : outcome::watch_forbidden;
    case 410:
      return outcome::expired;
    case 429:
      return outcome::overloaded;
    default:
      return outcome::failed;
  }
}

/// Of seconds only; a date would need two clocks that agree.
std::optional<milliseconds> retry_after(const http_stream_head& head) {
  const auto text = head.header("retry-after");
  std::uint32_t seconds = 0;
  if (!text) return std::nullopt;
  const auto* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, seconds);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return std::chrono::seconds(seconds);
}

kubernetes_rules rules_of(const kubernetes_options& options) {
  return {
      .relist = options.relist,
      .watch = options.watch,
      .backoff = options.backoff,
      .linger = options.linger};
}

}  // namespace

/// Lists and watches on one event loop, one request at a time, until it is stopped.
class kubernetes_provider::poller : public std::enable_shared_from_this<poller> {
 public:
  poller(const kubernetes_options& options, environment& env, answer_callback answer)
      : options_(options),
        api_(parse_kubernetes_api(options.api)),
        wanted_{options.service, options.port_name, options.port},
        env_(env),
        executor_(env.executor()),
        timer_(executor_),
        leave_timer_(executor_),
        answers_(std::move(answer)),
        known_(rules_of(options)) {}

  void start() {
    asio::co_spawn(executor_, run(shared_from_this()), [](const std::exception_ptr& broken) {
      if (broken) std::rethrow_exception(broken);
    });
  }

  /// No answer is given once this has returned.
  static void stop(std::shared_ptr<poller> self) {
    self->answers_.close();
    const auto executor = self->executor_;
    asio::post(executor, [self = std::move(self)] {
      self->is_closed_ = true;
      self->timer_.cancel();
      self->leave_timer_.cancel();
      if (self->stream_) self->stream_->close();
    });
  }

  std::string detail() const {
    const auto port = options_.port != 0 ? "port " + std::to_string(options_.port)
                                         : "port name \"" + options_.port_name + '"';
    const std::lock_guard lock(known_mutex_);
    return "service \"" + options_.service + "\" in namespace \"" + options_.service_namespace +
           "\", " + port + (words_.empty() ? "" : "; the server says: " + words_);
  }

  std::vector<answer_count> counts() const {
    const std::lock_guard lock(known_mutex_);
    return counts_of<outcome>(kubernetes_outcomes, [this](outcome each) {
      return known_.count(each);
    });
  }

 private:
  using step = kubernetes_watcher::step;

  static asio::awaitable<void> run(std::shared_ptr<poller> self) {
    auto todo = self->decide([](auto& known, time_point now, std::uint64_t) {
      return step{.tell = std::nullopt, .next = known.begin(now)};
    });
    while (todo) {
      self->timer_.expires_after(std::chrono::ceil<milliseconds>(todo->at - self->env_.now()));
      if (!self->is_closed_) co_await self->timer_.async_wait(as_tuple);
      if (self->is_closed_) co_return;
      std::optional<kubernetes_todo> next;
      bool is_broken = false;
      try {
        next = co_await self->ask(*todo);
      } catch (const std::exception&) {  // no memory left
        is_broken = true;
      }
      if (is_broken) next = self->fail(outcome::failed);
      todo = std::move(next);
    }
  }

  /// Takes one decision; tells what came of it and returns what is to be done next.
  template <class Decide>
  std::optional<kubernetes_todo> decide(Decide take) {
    step made;
    std::optional<time_point> due;
    {
      const std::lock_guard lock(known_mutex_);
      made = take(known_, env_.now(), env_.random());
      due = known_.due();
    }
    wake_at(due);
    if (made.tell) answers_.tell(std::move(*made.tell));
    return std::move(made.next);
  }

  /// Drops whom nobody names any more when the time has come, also while a watch is silent.
  void wake_at(std::optional<time_point> due) {
    if (!due || due == due_ || is_closed_) return;
    due_ = due;
    leave_timer_.expires_after(std::chrono::ceil<milliseconds>(*due - env_.now()));
    leave_timer_.async_wait([weak = weak_from_this()](const error_code& stopped) {
      const auto self = weak.lock();
      if (!self || stopped) return;
      self->due_.reset();
      self->decide([](auto& known, time_point now, std::uint64_t) { return known.tick(now); });
    });
  }

  std::optional<kubernetes_todo> fail(
      outcome why, std::optional<milliseconds> retry_after = std::nullopt
  ) {
    return decide([&](auto& known, time_point now, std::uint64_t random) {
      return known.failed({.outcome = why, .retry_after = retry_after}, now, random);
    });
  }

  asio::awaitable<std::optional<kubernetes_todo>> ask(kubernetes_todo todo) {
    auto request = request_of(todo);
    if (!request) {
      say({});
      co_return fail(refused_);
    }
    stream_ = std::make_unique<http_stream>(executor_);
    const auto deadline = clock::now() + options_.request_timeout;
    const auto head = co_await stream_->async_open(std::move(*request), deadline);
    std::optional<kubernetes_todo> next;
    if (is_closed_) {
      // Nobody wants to know.
    } else if (!head) {
      say({});
      next = fail(outcome_of(head.error()));
    } else if (head->status != 200) {
      const auto wait = retry_after(*head);
      say(co_await words(deadline));
      if (!is_closed_) next = fail(outcome_of(head->status, todo.what), wait);
    } else if (todo.what == kubernetes_todo::kind::list) {
      next = co_await list(deadline);
    } else {
      next = co_await watch(clock::now() + todo.timeout + grace);
    }
    stream_.reset();
    co_return next;
  }

  std::optional<http_stream_request> request_of(const kubernetes_todo& todo) {
    http_stream_request out{
        .server = api_.server,
        .target = kubernetes_target(options_, api_, todo.version, todo.timeout),
        .fields = {{"Accept", "application/json"}, {"User-Agent", "weir"}},
    };
    auto token = kubernetes_token(options_);
    if (!token) {
      refused_ = outcome::unauthorized;
      return std::nullopt;
    }
    if (!token->empty()) out.fields.emplace_back("Authorization", "Bearer " + *token);
    if (!api_.is_secure) return out;
    // A file that is just being replaced leaves the authorities from before.
    auto made = make_tls_client(options_.ca_file);
    if (made) authorities_ = std::move(*made);
    if (!authorities_) {
      refused_ = outcome::untrusted;
      return std::nullopt;
    }
    out.tls = authorities_;
    return out;
  }

  /// What the server says about a refusal, as far as it is a status of the API.
  asio::awaitable<std::string> words(clock::time_point deadline) {
    std::string text;
    while (text.size() < most_refusal) {
      auto part = co_await stream_->async_read(deadline);
      if (!part || part->empty() || is_closed_) break;
      text += *part;
    }
    co_return read_kubernetes_message(text, limits_);
  }

  void say(std::string words) {
    const std::lock_guard lock(known_mutex_);
    words_ = std::move(words);
  }

  asio::awaitable<std::optional<kubernetes_todo>> list(clock::time_point deadline) {
    std::string text;
    for (;;) {
      auto part = co_await stream_->async_read(deadline);
      if (is_closed_) co_return std::nullopt;
      if (!part) co_return fail(outcome_of(part.error()));
      if (part->empty()) break;
      if (text.size() + part->size() > limits_.document) co_return fail(outcome::too_many);
      text += *part;
    }
    say({});
    const auto read = read_kubernetes_list(text, wanted_, limits_);
    if (!read) co_return fail(outcome_of(read.error()));
    co_return decide([&](auto& known, time_point now, std::uint64_t random) {
      return known.listed(*read, now, random);
    });
  }

  asio::awaitable<std::optional<kubernetes_todo>> watch(clock::time_point deadline) {
    decide([](auto& known, time_point now, std::uint64_t) { return known.watching(now); });
    std::string text;
    for (;;) {
      const auto silent = clock::now() + options_.silence;
      auto part = co_await stream_->async_read(std::min(deadline, silent));
      if (is_closed_) co_return std::nullopt;
      if (!part) co_return fail(outcome_of(part.error()));
      if (part->empty()) break;
      text += *part;
      auto next = take_lines(text);
      if (next) co_return next;
      if (text.size() > limits_.line) co_return fail(outcome::too_many);
    }
    if (!text.empty()) co_return fail(outcome::failed);  // cut within a line
    co_return decide([](auto& known, time_point now, std::uint64_t random) {
      return known.ended(now, random);
    });
  }

  /// Takes the whole lines off `text`; what to do next, if the watch is not to go on.
  std::optional<kubernetes_todo> take_lines(std::string& text) {
    std::size_t begin = 0;
    std::optional<kubernetes_todo> next;
    for (auto end = text.find('\n'); end != text.npos && !next; end = text.find('\n', begin)) {
      next = take_line(std::string_view(text).substr(begin, end - begin));
      begin = end + 1;
    }
    text.erase(0, begin);
    return next;
  }

  std::optional<kubernetes_todo> take_line(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == line.npos) return std::nullopt;
    const auto read = read_kubernetes_change(line, wanted_, limits_);
    if (!read) return fail(outcome_of(read.error()));
    return decide([&](auto& known, time_point now, std::uint64_t random) {
      return known.changed(*read, now, random);
    });
  }

  const kubernetes_options options_;
  const kubernetes_api api_;
  const kubernetes_wanted wanted_;
  const kubernetes_limits limits_;
  environment& env_;
  const asio::any_io_executor executor_;
  asio::steady_timer timer_;
  asio::steady_timer leave_timer_;
  std::optional<time_point> due_;  // of leave_timer_
  std::unique_ptr<http_stream> stream_;
  tls_context authorities_;            // the last that could be read
  outcome refused_ = outcome::failed;  // why request_of() made none
  bool is_closed_ = false;

  answer_slot answers_;
  mutable std::mutex known_mutex_;
  kubernetes_watcher known_;
  std::string words_;  // of the server about its last refusal
};

kubernetes_provider::kubernetes_provider(kubernetes_options options)
    : options_(completed(std::move(options), variable)) {}

kubernetes_provider::~kubernetes_provider() {
  stop();
}

void kubernetes_provider::start(environment& env, answer_callback answer) {
  auto made = std::make_shared<poller>(options_, env, std::move(answer));
  made->start();
  const std::lock_guard lock(mutex_);
  poller_ = std::move(made);
}

void kubernetes_provider::stop() {
  std::shared_ptr<poller> stopped;
  {
    const std::lock_guard lock(mutex_);
    stopped = std::exchange(poller_, nullptr);
  }
  if (stopped) poller::stop(std::move(stopped));
}

std::string kubernetes_provider::detail() const {
  const std::lock_guard lock(mutex_);
  return poller_ ? poller_->detail() : std::string();
}

std::vector<answer_count> kubernetes_provider::counts() const {
  const std::lock_guard lock(mutex_);
  return poller_ ? poller_->counts() : std::vector<answer_count>();
}

}  // namespace weir
