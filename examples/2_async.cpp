// The same from coroutines: co_await instead of blocking, and a conditional put by version.

#include <weir/engine/cache.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <iostream>

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> count_visits(weir::keyspace visits) {
  for (int i = 0; i != 3; ++i) {
    const auto before = co_await visits.async_find("home");
    const int count = before.value().found ? std::stoi(before->entry.text()) : 0;

    // Lands only if nobody changed the key since it was read; absent keys have versions too.
    weir::put_options options{.condition = weir::precondition::if_unchanged(before->entry.version)};
    const auto put = co_await visits.async_put("home", std::to_string(count + 1), options);
    std::cout << "visit " << count + 1 << ": version " << to_string(put.value().version) << '\n';
  }

  const weir::version stale{1, 1};
  weir::put_options options{.condition = weir::precondition::if_unchanged(stale)};
  const auto refused = co_await visits.async_put("home", "0", options);
  std::cout << "with an old version: " << refused.error().message() << '\n';
}

int main() {
  weir::cache cache;

  // An awaitable source runs on the cache's event loop, where it must not block.
  const auto nothing_yet = [](std::string) -> asio::awaitable<weir::result<weir::bytes>> {
    co_return weir::errc::not_found;
  };
  auto visits =
      cache.add_keyspace({.name = "visits", .ttl = 1h, .writes = weir::writes::allow}, nothing_yet);

  asio::io_context loop;
  asio::co_spawn(loop, count_visits(visits), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  loop.run();
  return visits.get("home")->text() == "3" ? 0 : 1;
}
