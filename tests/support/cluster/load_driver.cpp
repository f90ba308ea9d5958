#include "tests/support/cluster/load_driver.hpp"

#include "tests/support/cluster/http_exchange.hpp"
#include "tests/support/cluster/sealed_value.hpp"
#include "tests/support/cluster/versioned_origin.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A request without an answer so long after its deadline is lost.
constexpr auto patience = 3s;
constexpr auto tick = 5ms;
constexpr std::size_t most_idle = 8;  // connections kept per node

outcome outcome_of(const http_answer& answer, operation what) {
  switch (answer.status) {
    case 0:
      return answer.is_connected ? outcome::connection_lost : outcome::refused;
    case 200:
      return what == operation::read ? outcome::value : outcome::ok;
    case 204:
      return outcome::ok;
    case 202:
      return outcome::partial;
    case 404:
      return outcome::not_found;
    case 502:
      return outcome::source_error;
    case 504:
      return outcome::deadline;
    case 503:
      return answer.body.find("\"overloaded\"") != std::string::npos ? outcome::overloaded
                                                                     : outcome::unavailable;
    case 500:
      return answer.body.find("\"unknown_outcome\"") != std::string::npos ? outcome::unknown
                                                                          : outcome::other;
    default:
      return outcome::other;
  }
}

std::string word_after(const std::string& text, std::string_view name) {
  const auto at = text.find(name);
  if (at == std::string::npos) return {};
  const auto begin = at + name.size();
  return text.substr(begin, text.find_first_of(",}\"", begin) - begin);
}

void read_etag(const std::string& text, request_record& into) {
  const auto dash = text.find('-');
  if (dash == std::string::npos || text.size() < 3) return;
  std::from_chars(text.data() + 1, text.data() + dash, into.epoch, 16);
  std::from_chars(text.data() + dash + 1, text.data() + text.size() - 1, into.sequence, 16);
}

}  // namespace

struct load_driver::impl {
  struct line {
    line(
        asio::io_context& loop,
        const std::string& address,
        const std::string& source,
        std::uint64_t number
    )
        : http(loop, address, source), id(number) {}

    http_line http;
    std::uint64_t id;
  };

  impl(driver_options given, versioned_origin& source)
      : options(std::move(given)),
        origin(source),
        random(options.seed),
        ranks(popularities.begin(), popularities.end()),
        idle(options.nodes.size()) {
    asio::co_spawn(loop, pace(), asio::detached);
    thread = std::thread([this] { loop.run(); });
  }

  std::size_t below(std::size_t limit) { return random() % limit; }

  asio::awaitable<void> pace() {
    asio::steady_timer timer(loop);
    const auto began = history_clock::now();
    double reads = 0;
    double changes = 0;
    for (auto due = began; !is_stopping; due += tick) {
      timer.expires_at(due);
      co_await timer.async_wait(asio::use_awaitable);
      const auto now = history_clock::now();
      auto& worst = seen.lag[second_of(now)];
      worst = std::max(worst, now - due);
      const auto passed = std::chrono::duration<double>(due - began).count();
      for (; reads < passed * options.reads_per_second; ++reads) begin_read();
      for (; changes < passed * options.changes_per_second; ++changes) begin_change();
    }
  }

  const std::string& any_keyspace() {
    const auto all = options.invalidated.size() + options.written.size();
    const auto chosen = below(all);
    return chosen < options.invalidated.size()
               ? options.invalidated[chosen]
               : options.written[chosen - options.invalidated.size()];
  }

  static std::vector<double> popularity(const driver_options& of) {
    std::vector<double> out;
    for (std::size_t rank = 1; of.zipf != 0 && rank <= of.keys; ++rank)
      out.push_back(std::pow(static_cast<double>(rank), -of.zipf));
    return out;
  }

  // A few keys get most of the requests.
  std::string any_key(const std::string& keyspace) {
    const auto at =
        options.zipf != 0 ? ranks(random) : std::min(below(options.keys), below(options.keys));
    return keyspace + "/k" + std::to_string(at);
  }

  void begin_read() {
    request_record one;
    one.key = any_key(any_keyspace());
    one.timeout = options.read_timeout;
    begin(std::move(one), "GET", {});
  }

  void begin_change() {
    request_record one;
    const auto& keyspace = any_keyspace();
    one.key = any_key(keyspace);
    one.timeout = options.change_timeout;
    if (!changing.insert(one.key).second && options.per_key == changes_of_a_key::one_by_one) return;
    const bool is_written = std::find(options.written.begin(), options.written.end(), keyspace) !=
                            options.written.end();
    const auto dice = below(10);
    one.what = is_written && dice < 6   ? operation::put
               : is_written && dice < 8 ? operation::remove
                                        : operation::purge;
    one.version = origin.write(one.key);
    if (one.what == operation::put) {
      one.load = next_put++;
      const sealed_value value{.key = one.key, .version = one.version, .load = one.load};
      auto body = seal(value, 100);
      return begin(std::move(one), "PUT", std::move(body));
    }
    const char* const method = one.what == operation::remove ? "DELETE" : "PURGE";
    begin(std::move(one), method, {});
  }

  int any_node() {
    std::vector<int> asked;
    for (int i = 1; i <= static_cast<int>(options.nodes.size()); ++i) {
      if (!options.is_asked || options.is_asked(i)) asked.push_back(i);
    }
    return asked.empty() ? 1 : asked[below(asked.size())];
  }

  void begin(request_record one, const char* method, std::string body) {
    one.node = any_node();
    auto text = http_text(
        method,
        "/v1/" + one.key,
        "Weir-Timeout: " + std::to_string(one.timeout.count()) + "ms\r\n",
        body
    );
    ++running;
    asio::co_spawn(loop, perform(std::move(one), std::move(text)), asio::detached);
  }

  std::unique_ptr<line> line_to(std::size_t node) {
    auto& known = idle[node];
    while (!known.empty() && !known.back()->http.is_open()) known.pop_back();
    if (known.empty()) {
      const auto number = next_line++;
      const auto& sources = options.sources;
      const auto source = sources.empty() ? std::string() : sources[number % sources.size()];
      return std::make_unique<line>(loop, options.nodes[node], source, number);
    }
    auto taken = std::move(known.back());
    known.pop_back();
    return taken;
  }

  asio::awaitable<void> perform(request_record one, std::string text) {
    const auto node = static_cast<std::size_t>(one.node - 1);
    auto line = line_to(node);
    one.connection = line->id;
    one.begin = history_clock::now();
    const auto limit = one.begin + one.timeout + patience;
    const auto answer = co_await line->http.exchange(std::move(text), limit);
    one.end = history_clock::now();
    one.result = outcome_of(answer, one.what);
    if (answer.status == 0 && one.end >= limit) one.result = outcome::none;
    read_answer(answer, one);
    if (line->http.is_open() && idle[node].size() < most_idle)
      idle[node].push_back(std::move(line));
    if (one.what != operation::read) changing.erase(one.key);
    {
      const std::lock_guard lock(mutex);
      seen.requests.push_back(std::move(one));
    }
    --running;
  }

  void read_answer(const http_answer& answer, request_record& one) {
    one.status = answer.status;
    if (one.result == outcome::partial) {
      const auto bound = word_after(answer.body, "\"bound_ms\":");
      std::int64_t ms = 0;
      const auto digits = bound.find_first_not_of(' ');
      if (digits != std::string::npos) {
        std::from_chars(bound.data() + digits, bound.data() + bound.size(), ms);
      }
      one.bound = milliseconds(ms);
    }
    if (one.status >= 400) one.code = word_after(answer.body, "\"code\":\"");
    if (one.what != operation::read || one.result != outcome::value) return;
    one.is_cached = answer.field("Cache-Status").find("; hit") != std::string::npos;
    read_etag(answer.field("ETag"), one);
    const auto value = unseal(answer.body);
    one.is_whole = value && value->key == one.key;
    if (!one.is_whole) return;
    one.version = value->version;
    one.load = value->load;
  }

  const driver_options options;
  versioned_origin& origin;
  asio::io_context loop;
  std::mt19937_64 random;
  const std::vector<double> popularities = popularity(options);
  std::discrete_distribution<std::size_t> ranks;
  std::vector<std::vector<std::unique_ptr<line>>> idle;
  std::set<std::string> changing;
  std::uint64_t next_line = 1;
  std::uint64_t next_put = first_put;
  std::size_t running = 0;
  std::atomic<bool> is_stopping{false};
  mutable std::mutex mutex;
  history seen;  ///< requests under the mutex; the rest belongs to the loop
  std::thread thread;
};

load_driver::load_driver(driver_options options, versioned_origin& origin)
    : impl_(std::make_unique<impl>(std::move(options), origin)) {}

load_driver::~load_driver() {
  impl_->is_stopping = true;
  if (impl_->thread.joinable()) impl_->thread.join();
}

history load_driver::stop() {
  impl_->is_stopping = true;
  impl_->thread.join();  // ends when no request is left
  impl_->seen.loads = impl_->origin.log();
  return std::move(impl_->seen);
}

std::size_t load_driver::count(bool (*matches)(const request_record&)) const {
  const std::lock_guard lock(impl_->mutex);
  const auto& all = impl_->seen.requests;
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), matches));
}

}  // namespace weir::test
