#pragma once

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace weir::bench {

/// The least that Beast needs to answer every request with one fixed body: what an HTTP server on
/// Beast costs before it does anything. No limits, no timeouts.
class bare_beast {
 public:
  bare_beast(boost::asio::io_context& loop, std::string body);
  ~bare_beast();

  std::uint16_t port() const;

 private:
  class listener;
  std::shared_ptr<listener> listener_;
};

}  // namespace weir::bench
