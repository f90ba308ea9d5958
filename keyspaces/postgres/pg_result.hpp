#pragma once

#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct drop_pg_result {
  void operator()(PGresult* of) const noexcept { PQclear(of); }
};

/// What the server answered to one message.
using pg_result = std::unique_ptr<PGresult, drop_pg_result>;

/// Why a call came to nothing.
struct pg_fault {
  enum class kind {
    refused,  ///< the server said no: nothing of the round was done, the connection is good
    lost,     ///< the connection is gone, or could not be made
    late,     ///< the deadline passed first
  };

  kind what = kind::lost;
  std::string state = {};  ///< SQLSTATE of what was refused
  std::string text = {};   ///< the words of the server or of libpq

  /// What was prepared is not there any more, or was made for columns of other types; a statement
  /// that is prepared anew may work.
  bool is_stale() const;
};

/// The answers to the messages of one round, in their order; as far as they came if there is a
/// fault.
struct pg_answers {
  std::vector<pg_result> results = {};
  std::optional<pg_fault> fault = std::nullopt;
};

/// "" for NULL; see PQgetisnull().
inline std::string_view pg_cell(const pg_result& of, int row, int column) {
  return {
      PQgetvalue(of.get(), row, column),
      static_cast<std::size_t>(PQgetlength(of.get(), row, column))};
}

/// The words of libpq as one line.
std::string pg_text(const char* words);

/// What the server refused.
pg_fault pg_refusal(const PGresult* answer);

}  // namespace weir
