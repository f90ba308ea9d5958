#include "hints.hpp"

#include <algorithm>

namespace weir {

void hint_store::keep(
    const std::string& whose, const std::vector<change_record>& records, bool must_flush
) {
  auto& of = missed_[whose];
  if (of.last == 0) of.last = first_;
  for (const auto& each : records) {
    change_record hint{.keyspace = each.keyspace, .key = each.key, .version = each.version};
    auto [known, is_new] = of.by_key.try_emplace({each.keyspace, each.key}, 0);
    if (!is_new) {
      const auto& before = of.by_number[known->second].version;
      if (before.epoch != hint.version.epoch) {
        hint.version = {};  // two owners spoke of it: neither's order tells which copy is right
      } else {
        hint.version.seq = std::max(hint.version.seq, before.seq);
      }
      of.by_number.erase(known->second);
    }
    known->second = ++of.last;
    of.by_number.emplace(of.last, std::move(hint));
  }
  if (!must_flush && of.by_number.size() <= most_) return;
  of.by_number.clear();
  of.by_key.clear();
  of.flush = ++of.last;
}

hint_store::slice hint_store::take(const std::string& whose) const {
  slice out;
  const auto found = missed_.find(whose);
  if (found == missed_.end()) return out;
  const auto& of = found->second;
  out.number = of.last;
  out.must_flush = of.flush != 0;
  for (const auto& [number, record] : of.by_number) {
    if (out.records.size() == most_hints_at_once) {
      out.has_more = true;
      break;
    }
    out.number = number;
    out.records.push_back(record);
  }
  if (!out.has_more) out.number = of.last;
  return out;
}

void hint_store::applied(const std::string& whose, std::uint64_t number) {
  const auto found = missed_.find(whose);
  if (found == missed_.end() || number >> 40 != first_ >> 40) return;
  auto& of = found->second;
  while (!of.by_number.empty() && of.by_number.begin()->first <= number) {
    const auto& record = of.by_number.begin()->second;
    of.by_key.erase({record.keyspace, record.key});
    of.by_number.erase(of.by_number.begin());
  }
  if (of.flush <= number) of.flush = 0;
}

void hint_store::forget(const std::string& id) {
  missed_.erase(id);
}

std::size_t hint_store::size() const {
  std::size_t total = 0;
  for (const auto& [whose, of] : missed_) total += of.by_number.size();
  return total;
}

}  // namespace weir
