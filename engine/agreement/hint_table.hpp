#pragma once

#include <weir/engine/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir {

inline constexpr std::size_t max_hints = 65'536;  ///< per member; more become "drop everything"
inline constexpr std::size_t max_hint_bytes = 16u << 20;  ///< of all members together
inline constexpr std::size_t max_hints_at_once = 1'024;   ///< in one heartbeat answer

/// The records that members missed while they could not be reached, kept by the nodes that vote
/// about them (hinted handoff). One entry per key, numbered as stored; bounded in number and bytes.
/// Not thread-safe.
class hint_table {
 public:
  /// `tag` tells the numbers of this table from those of an earlier life of the node.
  explicit hint_table(
      std::uint64_t tag, std::size_t max_records = max_hints, std::size_t max_bytes = max_hint_bytes
  )
      : first_(tag << 40), max_records_(max_records), max_bytes_(max_bytes) {}

  struct slice {
    std::uint64_t number = 0;  ///< to be confirmed with applied() once the records are applied
    bool must_flush = false;
    bool has_more = false;
    std::vector<change_record> records;
  };

  void keep(const std::string& whose, const std::vector<change_record>& records, bool must_flush);

  /// The oldest records; if there are more, ask again after these were confirmed.
  slice take(const std::string& whose) const;

  void applied(const std::string& whose, std::uint64_t number);
  void forget(const std::string& id);
  std::size_t size() const;

  /// What all of them take, approximately.
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  struct missed {
    std::uint64_t last = 0;
    std::uint64_t flush = 0;  ///< number of the order to drop everything; 0 = none
    std::map<std::uint64_t, change_record> by_number;
    std::map<std::pair<std::string, std::string>, std::uint64_t> by_key;
    std::size_t bytes = 0;
  };

  void add(missed& of, const change_record& record);
  void drop(missed& of, std::uint64_t number);
  void flush(missed& of);

  const std::uint64_t first_;
  const std::size_t max_records_;
  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::map<std::string, missed> missed_;  ///< by id: hints for one life do another no harm
};

}  // namespace weir
