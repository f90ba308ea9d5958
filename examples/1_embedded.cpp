// A cache inside one program: a slow function becomes fast, and is called once however many ask.
//
// Links only weir::engine: no sockets, no configuration.

#include <weir/engine/cache.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

int main() {
  std::atomic<int> calls = 0;
  const auto load_user = [&](std::string_view key) -> weir::result<weir::bytes> {
    ++calls;
    std::this_thread::sleep_for(100ms);  // the slow source
    if (key == "0") return weir::errc::not_found;
    return weir::bytes("user " + std::string(key));
  };

  weir::cache cache;
  auto users = cache.add_keyspace({.name = "users", .ttl = 60s}, load_user);

  // Fifty threads ask for the same key at once: one load, fifty answers.
  std::vector<std::thread> threads;
  std::atomic<int> answers = 0;
  for (int i = 0; i != 50; ++i) {
    threads.emplace_back([&] { answers += users.get("42").value().text() == "user 42"; });
  }
  for (auto& each : threads) each.join();
  std::cout << answers << " answers from " << calls << " load\n";

  // A hit never leaves this thread and allocates nothing.
  const auto hit = users.get("42").value();
  std::cout << "hit: " << hit.text() << ", version " << to_string(hit.version) << ", "
            << hit.ttl.count() / 1000 << " s left\n";

  // Absence is an error code, kept for the negative TTL.
  std::cout << "user 0: " << users.get("0").error().message() << '\n';

  // After an invalidation the next get loads again.
  users.invalidate("42").value();
  users.get("42").value();
  std::cout << calls << " loads in all\n";
  return answers == 50 && calls == 3 ? 0 : 1;
}
