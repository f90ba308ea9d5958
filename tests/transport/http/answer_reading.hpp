#pragma once

#include "transport/http/client/http_codec.hpp"

#include <cstring>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

inline constexpr http_answer_reader::limits usual{.header = 1'024, .body = 1'000};

struct outcome {
  error_code error;
  unsigned status = 0;
  std::string body;
  bool leaves_connection = false;
  std::string refusal;

  bool operator==(const outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const outcome& shown) {
  return out << shown.error.message() << " (" << shown.refusal << "), " << shown.status << " \""
             << shown.body << "\" " << shown.leaves_connection;
}

/// Whether the reader goes on.
inline error_code feed(http_answer_reader& to, std::string_view text) {
  const auto room = to.room(text.size());
  std::memcpy(room.data(), text.data(), text.size());
  return to.take(text.size());
}

/// The outcome when the pieces come one by one, and then the end.
inline outcome read(
    const std::vector<std::string_view>& pieces,
    http_method asked = http_method::get,
    http_answer_reader::limits most = usual
) {
  http_answer_reader reader(asked, most);
  outcome out;
  for (std::size_t i = 0; i < pieces.size() && !out.error; ++i) out.error = feed(reader, pieces[i]);
  if (!out.error) out.error = reader.end();
  if (out.error) return {.error = out.error, .refusal = reader.refusal()};
  out.status = reader.answer().status;
  out.body = reader.answer().body;
  out.leaves_connection = reader.leaves_connection();
  return out;
}

inline std::string with_body(const std::string& fields, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

inline std::string chunked(const std::string& body) {
  return with_body("Transfer-Encoding: chunked\r\n", body);
}

}  // namespace weir::test
