#pragma once

#include <weir/engine/api.hpp>
#include <weir/transport/resp_value.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// What a resp_parser takes; more is malformed, but for `max_bulk`.
struct resp_limits {
  std::size_t max_line = 65'536;          ///< bytes of a line
  std::size_t max_bulk = 1u << 20;        ///< bytes of a value; a larger one is passed over
  std::size_t max_promised = 1ull << 40;  ///< bytes of a value that is passed over
  std::size_t max_items = 4u << 20;       ///< elements of one value, those inside others included
  std::size_t max_depth = 16;             ///< of values inside values
};

/// Reads values of RESP2 and RESP3 from bytes as they come, in pieces of any size.
///
/// A value over max_bulk is not held: resp_kind::too_large stands in its place, and what is around
/// it is read as ever. Attributes are read and dropped. Malformed are types that do not exist, the
/// streamed forms (`$?`, `*?`), which no server sends, and a push inside another value. Memory
/// follows the bytes that have come, not what a length promises.
class resp_parser {
 public:
  enum class status : std::uint8_t { need_more, value, malformed };

  explicit resp_parser(resp_limits limits = {}) : limits_(limits) {}

  /// Takes bytes off the front of `input`; `into` is set if the outcome is `value`. Once malformed,
  /// always so: what follows has no known beginning.
  status next(std::string_view& input, resp_value& into);

 private:
  struct frame {
    resp_value value;
    std::size_t left = 0;
    bool is_attribute = false;
  };

  status take_line(std::string_view& input);
  status take_bulk(std::string_view& input);
  bool read_line(std::string_view line);
  bool read_bulk_head(resp_kind kind, std::string_view digits);
  bool read_items_head(char type, std::string_view digits);
  bool finish_bulk();
  bool place(resp_value& into);

  const resp_limits limits_;
  std::string line_;          // as far as it came
  std::vector<frame> stack_;  // aggregates that are not whole yet
  resp_value done_;           // the last one that is whole, or the bulk that comes
  bool is_done_ = false;
  bool is_in_bulk_ = false;
  std::size_t bulk_left_ = 0;  // with the line's end
  std::size_t items_ = 0;      // of the value that is read
  bool is_malformed_ = false;
};

}  // namespace weir
