#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// What a NATS server says about itself when a connection begins, as far as a client needs it.
struct nats_info {
  bool is_tls_required = false;
  bool is_tls_available = false;
  std::size_t max_payload = 1 << 20;
  std::vector<std::string> connect_urls;  ///< "10.0.0.1:4222", other servers of its cluster
};

/// Reads the JSON of an INFO line; unknown members are ignored. False when it is not JSON or a
/// member has another type than it should have.
bool read_nats_info(std::string_view json, nats_info& into);

/// What a server sends: one line, or a line and a payload.
enum class nats_op : std::uint8_t { info, message, ping, pong, ok, error };

struct nats_input {
  nats_op op = nats_op::ok;
  std::string text;       ///< the JSON of INFO, the reason of -ERR, the payload of MSG
  std::string subject;    ///< of a MSG
  std::uint64_t sid = 0;  ///< of a MSG: the subscription
};

struct nats_limits {
  std::size_t max_line = 4'096;
  std::size_t max_info = 65'536;    ///< of a line that begins with INFO
  std::size_t max_message = 1'024;  ///< a longer payload is skipped, never held
  std::size_t max_declared =
      64 << 20;  ///< a payload that claims more is malformed; NATS's own limit
};

/// Splits the bytes of a server into what they say, whatever the pieces they come in.
///
/// Strict: lines end with CR LF, hold no control characters but tabs, and begin with an operation
/// in capitals that a client without headers may get. Holds at most one line and one payload of the
/// limits and allocates as bytes come, not as they are promised. Not thread-safe.
class nats_parser {
 public:
  enum class status : std::uint8_t {
    need_more,  ///< all bytes are taken
    input,
    too_large,  ///< a MSG over max_message was skipped
    failed,     ///< malformed: nothing more can be read from this connection
  };

  explicit nats_parser(nats_limits limits = {}) : limits_(limits) {}

  /// Takes bytes off `rest` until there is something to tell.
  status next(std::string_view& rest, nats_input& into);

  /// Bytes held.
  std::size_t held() const noexcept { return line_.size() + payload_.size(); }

 private:
  enum class phase : std::uint8_t { line, payload, skipped, payload_end, failed };

  status fail();
  bool take_line(std::string_view& rest);
  status read_line(nats_input& into);
  status read_message(std::string_view arguments);
  status take_payload(std::string_view& rest, nats_input& into);

  nats_limits limits_;
  phase phase_ = phase::line;
  std::string line_;  ///< without its CR LF once complete
  std::string payload_;
  std::size_t missing_ = 0;  ///< of the payload, or of its CR LF
  bool is_skipping_ = false;
  nats_input pending_;  ///< the MSG whose payload is read
};

}  // namespace weir
