#include "postgres/pg_feed.hpp"

#include <charconv>
#include <utility>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_dial{5};
constexpr char before_revision = '\x1f';

/// The bytes of `\x0a1b`; nullopt for what is no such text.
std::optional<std::string> bytes_of(std::string_view text) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (auto left = text.substr(2); !left.empty(); left.remove_prefix(2)) {
    unsigned char byte = 0;
    const auto read = std::from_chars(left.data(), left.data() + 2, byte, 16);
    if (read.ptr != left.data() + 2) return std::nullopt;
    out.push_back(static_cast<char>(byte));
  }
  return out;
}

}  // namespace

void add_pg_change(std::vector<source_change>& to, std::string_view payload, pg_key_type keys) {
  const auto end = payload.find(before_revision);
  const auto key = payload.substr(0, end);
  const std::string revision(end == payload.npos ? "" : payload.substr(end + 1));
  auto plain = keys == pg_key_type::text ? std::nullopt : bytes_of(key);
  if (plain) to.push_back({.key = std::move(*plain), .etag = revision});
  if (keys == pg_key_type::bytea && !plain) return to.push_back({});
  if (keys != pg_key_type::bytea) to.push_back({.key = std::string(key), .etag = revision});
}

/// The connection that cut() ends, for as long as the coroutine lives that uses it.
class pg_feed::holding {
 public:
  holding(pg_feed& by, pg_connection* used) : by_(by) {
    const std::lock_guard lock(by_.mutex_);
    by_.used_ = used;
    is_wanted_ = !std::exchange(by_.is_cut_, false);
  }

  holding(const holding&) = delete;
  holding& operator=(const holding&) = delete;

  ~holding() {
    const std::lock_guard lock(by_.mutex_);
    by_.used_ = nullptr;
  }

  /// False if it was cut before there was anything to cut.
  bool is_wanted() const noexcept { return is_wanted_; }

 private:
  pg_feed& by_;
  bool is_wanted_ = true;
};

asio::awaitable<error> pg_feed::async_run(change_sink& to, load_context context) {
  const auto until = clock::now() + longest_dial;
  auto made = co_await server_->async_connect(until);
  pg_fault fault{pg_fault::kind::lost, {}, "cut"};
  if (made.fault) {
    fault = std::move(*made.fault);
  } else {
    const holding held(*this, made.connection.get());
    if (held.is_wanted()) fault = co_await listen(*made.connection, to, context.env);
  }
  context.say("postgres at " + server_->name() + ": " + fault.text);
  co_return errc::source_failed;
}

void pg_feed::cut() {
  const std::lock_guard lock(mutex_);
  is_cut_ = used_ == nullptr;
  if (used_ != nullptr) used_->shut();
}

asio::awaitable<pg_fault> pg_feed::listen(
    pg_connection& on, change_sink& to, const environment& env
) {
  auto fault = co_await ask(on, "LISTEN \"" + settings_.channel + '"');
  if (fault) co_return std::move(*fault);
  to.reset();
  tell(on, to);
  auto next = clock::now() + change_feed::heartbeat;
  while (true) {
    fault = co_await on.async_await_notice(next);
    if (fault && fault->what != pg_fault::kind::late) co_return std::move(*fault);
    tell(on, to);
    if (clock::now() < next) continue;
    next = clock::now() + change_feed::heartbeat;
    const auto asked = env.now();
    fault = co_await ask(on, "SELECT 1");
    if (fault) co_return std::move(*fault);
    tell(on, to);
    to.alive(asked);
  }
}

asio::awaitable<std::optional<pg_fault>> pg_feed::ask(pg_connection& on, std::string sql) {
  on.run(sql);
  auto answers = co_await on.async_round(clock::now() + change_feed::lost_after);
  co_return std::move(answers.fault);
}

void pg_feed::tell(pg_connection& on, change_sink& to) const {
  std::vector<source_change> changes;
  for (const auto& payload : on.take_notices()) add_pg_change(changes, payload, settings_.keys);
  if (!changes.empty()) to.apply(changes);
}

}  // namespace weir
