#pragma once

#include "http/door_route.hpp"

#include <weir/doors/door_token.hpp>
#include <weir/transport/http_message.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class door_verdict : std::uint8_t {
  allowed,
  unauthorized,  ///< no token, or none that is known
  forbidden,     ///< a known one without the right
  ambiguous,     ///< two Authorization fields
  foreign_page,  ///< a change that a web page sent
  foreign_host,  ///< the Host is not this machine's, at a door for this machine only
};

/// The token that a connection showed last, so that the next request with it costs a comparison.
struct door_pass {
  std::uint64_t generation = 0;
  std::string shown;
  std::uint8_t rights = 0;
  std::shared_ptr<const std::vector<std::string>> keyspaces;  ///< null = all

  bool reaches(std::string_view keyspace) const;
};

/// What each token may do at the HTTP door. Secrets are kept and compared as SHA-256 hashes, in
/// constant time. Thread-safe; the passes belong to their connections.
class door_auth {
 public:
  /// From now on these count; without any the door asks for no token.
  void replace(const std::vector<door_token>& tokens);

  bool is_on() const noexcept { return generation_.load(std::memory_order_acquire) != 0; }

  /// Judges what `request` for `route` asks for, as far as its head says it.
  door_verdict judge(const http_request& request, const door_route& route, door_pass& pass) const;

  /// Whether the request that was judged last may do this too.
  bool allows(const door_pass& pass, door_right right, std::string_view keyspace) const;

  /// Whether `request`, whatever it is for, shows a token that may read `keyspace`.
  bool may_read(const http_request& request, std::string_view keyspace, door_pass& pass) const;

  void count(door_verdict verdict) const noexcept {
    if (verdict == door_verdict::ambiguous) return;
    auto& sum = verdict == door_verdict::unauthorized ? unauthorized_ : forbidden_;
    sum.fetch_add(1, std::memory_order_relaxed);
  }

  std::uint64_t unauthorized() const noexcept { return unauthorized_; }

  std::uint64_t forbidden() const noexcept { return forbidden_; }

 private:
  using digest = std::array<unsigned char, 32>;

  struct grant {
    digest hash;
    std::uint8_t rights;
    std::shared_ptr<const std::vector<std::string>> keyspaces;
  };

  struct table {
    std::uint64_t generation;
    std::vector<grant> grants;
  };

  static digest hash_of(std::string_view secret);
  bool recognize(std::string_view shown, door_pass& pass) const;

  std::atomic<std::uint64_t> generation_{0};  // of the table; 0 = open
  mutable std::mutex mutex_;
  std::shared_ptr<const table> table_;
  std::uint64_t tables_ = 0;
  mutable std::atomic<std::uint64_t> unauthorized_{0}, forbidden_{0};
};

}  // namespace weir
