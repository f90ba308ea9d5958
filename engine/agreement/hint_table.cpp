#include "agreement/hint_table.hpp"

#include <algorithm>

namespace weir {
namespace {

// In two maps, with what the allocator takes.
std::size_t size_of_hint(const change_record& hint) {
  return 320 + 2 * (hint.keyspace.size() + hint.key.size());
}

}  // namespace

void hint_table::add(missed& of, const change_record& record) {
  change_record hint{.keyspace = record.keyspace, .key = record.key, .version = record.version};
  if (const auto known = of.by_key.find({record.keyspace, record.key}); known != of.by_key.end()) {
    const auto& before = of.by_number.at(known->second).version;
    if (before.epoch != hint.version.epoch) {
      hint.version = {};  // two owners spoke of it: neither's order tells which copy is right
    } else {
      hint.version.seq = std::max(hint.version.seq, before.seq);
    }
    drop(of, known->second);
  }
  const auto size = size_of_hint(hint);
  of.by_key[{record.keyspace, record.key}] = ++of.last;
  of.by_number.emplace(of.last, std::move(hint));
  of.bytes += size;
  bytes_ += size;
}

void hint_table::drop(missed& of, std::uint64_t number) {
  const auto found = of.by_number.find(number);
  const auto size = size_of_hint(found->second);
  of.by_key.erase({found->second.keyspace, found->second.key});
  of.by_number.erase(found);
  of.bytes -= size;
  bytes_ -= size;
}

void hint_table::flush(missed& of) {
  bytes_ -= of.bytes;
  of.bytes = 0;
  of.by_number.clear();
  of.by_key.clear();
  of.flush = ++of.last;
}

void hint_table::keep(
    const std::string& whose, const std::vector<change_record>& records, bool must_flush
) {
  auto& of = missed_[whose];
  if (of.last == 0) of.last = first_;
  for (const auto& each : records) add(of, each);
  if (must_flush || of.by_number.size() > max_records_) flush(of);
  while (bytes_ > max_bytes_) {  // what missed the most loses the least by dropping everything
    const auto has_less = [](const auto& a, const auto& b) {
      return a.second.bytes < b.second.bytes;
    };
    flush(std::max_element(missed_.begin(), missed_.end(), has_less)->second);
  }
}

hint_table::slice hint_table::take(const std::string& whose) const {
  slice out;
  const auto found = missed_.find(whose);
  if (found == missed_.end()) return out;
  const auto& of = found->second;
  out.number = of.last;
  out.must_flush = of.flush != 0;
  for (const auto& [number, record] : of.by_number) {
    if (out.records.size() == max_hints_at_once) {
      out.has_more = true;
      break;
    }
    out.number = number;
    out.records.push_back(record);
  }
  if (!out.has_more) out.number = of.last;
  return out;
}

void hint_table::applied(const std::string& whose, std::uint64_t number) {
  const auto found = missed_.find(whose);
  if (found == missed_.end() || number >> 40 != first_ >> 40) return;
  auto& of = found->second;
  while (!of.by_number.empty() && of.by_number.begin()->first <= number) {
    drop(of, of.by_number.begin()->first);
  }
  if (of.flush <= number) of.flush = 0;
}

void hint_table::forget(const std::string& id) {
  const auto found = missed_.find(id);
  if (found == missed_.end()) return;
  bytes_ -= found->second.bytes;
  missed_.erase(found);
}

std::size_t hint_table::size() const {
  std::size_t total = 0;
  for (const auto& [whose, of] : missed_) total += of.by_number.size();
  return total;
}

}  // namespace weir
