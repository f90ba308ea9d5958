#pragma once

#include "tests/support/cluster/fault_pump.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace weir::test {

enum class direction : std::uint8_t {
  forth,  ///< from who dialled to the target
  back,   ///< from the target to who dialled
};

struct fault_proxy_options {
  std::string target;                  ///< "10.0.0.1:7420"
  std::string listen = "127.0.0.1:0";  ///< where others dial
  std::string source = {};             ///< address it dials from; empty = the system's choice
  std::uint64_t seed = 1;              ///< of jitter and corruption
};

/// A TCP proxy that can be told, at run time and per direction, how badly to behave.
///
/// What is set applies to open connections and to those that come. Its members may be called from
/// any thread but the loop's, and only while `loop` runs: they wait until the change is in force.
/// Who dials is accepted before the target is dialled, so a target that is away shows as a reset.
class fault_proxy {
 public:
  fault_proxy(asio::io_context& loop, fault_proxy_options options);
  ~fault_proxy();

  fault_proxy(const fault_proxy&) = delete;
  fault_proxy& operator=(const fault_proxy&) = delete;

  /// The address it listens on, with its port.
  const std::string& address() const noexcept;

  void set(direction way, const toxics& now);

  /// Nothing moves in either direction until resume(); nothing is lost.
  void pause();
  void resume();

  /// Ends all connections with RST.
  void reset_all();

  /// No toxics, not paused.
  void heal();

  struct counts {
    std::size_t open = 0;
    std::uint64_t accepted = 0;
    std::uint64_t resets = 0;      ///< connections ended by a toxic, an error or reset_all()
    std::uint64_t bytes_lost = 0;  ///< in black holes
  };

  counts count() const;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace weir::test
