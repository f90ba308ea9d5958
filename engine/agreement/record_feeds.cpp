#include "agreement/record_feeds.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t max_journal_records = 65'536;
constexpr std::size_t max_journal_bytes = 16u << 20;
constexpr std::size_t max_records_at_once = 512;
constexpr std::size_t max_bytes_at_once = 256u << 10;
constexpr std::size_t max_records_to_vote = 4'096;
constexpr std::size_t max_bytes_to_vote = 768u << 10;
constexpr std::size_t max_waiting_bytes = 32u << 20;
constexpr std::size_t bytes_of_a_wait = 2'048;  // with its frames, about

}  // namespace

void record_feeds::add(const std::string& id) {
  members_.try_emplace(id, member{.acked = last_, .settled = last_, .hinted = last_});
}

record_feeds::member* record_feeds::find(const std::string& id) {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : &found->second;
}

const record_feeds::member* record_feeds::find(const std::string& id) const {
  const auto found = members_.find(id);
  return found == members_.end() ? nullptr : &found->second;
}

std::uint64_t record_feeds::append(change_record record, time_point now) {
  if (members_.empty()) return last_;
  journal_bytes_ += size_of(record);
  journal_.push_back({std::move(record), now});
  ++last_;
  while (journal_.size() > max_journal_records || journal_bytes_ > max_journal_bytes) {
    drop_oldest();
  }
  return last_;
}

void record_feeds::drop_oldest() {
  journal_bytes_ -= size_of(journal_.front().record);
  journal_.pop_front();
}

void record_feeds::confirmed(member& by, std::uint64_t number) {
  by.acked = std::max(by.acked, number);
  settled(by, by.acked);
  by.is_stalled = by.is_outvoted = false;
  // What every member has confirmed is never sent again.
  auto acked = last_;
  for (const auto& [id, each] : members_) acked = std::min(acked, each.acked);
  while (!journal_.empty() && oldest() <= acked) drop_oldest();
}

void record_feeds::settled(member& of, std::uint64_t number) {
  of.settled = std::max(of.settled, number);
  hinted(of, number);
}

void record_feeds::hinted(member& of, std::uint64_t number) {
  of.hinted = std::max(of.hinted, number);
}

feed_request record_feeds::next_batch(const member& to, time_point now) const {
  feed_request batch;
  batch.after_ping = to.pings;
  batch.first = std::max(to.acked + 1, oldest());
  batch.is_reset = to.acked + 1 < oldest();
  std::size_t bytes = 0;
  for (auto number = batch.first; number <= last_; ++number) {
    const auto& [record, since] = journal_[number - oldest()];
    bytes += size_of(record);
    if (!batch.records.empty() &&
        (bytes > max_bytes_at_once || batch.records.size() == max_records_at_once))
      break;
    batch.records.push_back(record);
    if (record.ttl == milliseconds(0)) continue;
    auto& pushed = batch.records.back();
    const auto waited = std::chrono::ceil<milliseconds>(now - since);
    pushed.age += waited;
    pushed.ttl -= waited;
    if (pushed.ttl <= milliseconds(0)) pushed = without_value(record);
  }
  return batch;
}

vote_request record_feeds::unconfirmed(const member& of, const std::string& voter) const {
  const auto kept = of.kept_by.find(voter);
  vote_request request;
  request.since = of.settled + 1;
  request.first = std::max(request.since, kept == of.kept_by.end() ? 0 : kept->second + 1);
  request.must_flush = request.first < oldest() || last_ + 1 - request.first > max_records_to_vote;
  std::size_t bytes = 0;
  for (auto number = request.first; !request.must_flush && number <= last_; ++number) {
    request.records.push_back(without_value(journal_[number - oldest()].record));
    bytes += size_of(request.records.back());
    request.must_flush = bytes > max_bytes_to_vote;
  }
  if (request.must_flush) {
    request.records.clear();
    request.first = last_ + 1;
  }
  return request;
}

bool record_feeds::is_full() const noexcept {
  return waiting_bytes_ > max_waiting_bytes;
}

record_feeds::wait_key record_feeds::wait_for(
    std::uint64_t number, std::size_t bytes, completion<result<void>> done
) {
  bytes += bytes_of_a_wait;
  const wait_key key{number, ++last_wait_};
  waits_.emplace(key, wait{.bytes = bytes, .done = std::move(done)});
  waiting_bytes_ += bytes;
  return key;
}

record_feeds::wait* record_feeds::find(const wait_key& key) {
  const auto found = waits_.find(key);
  return found == waits_.end() ? nullptr : &found->second;
}

std::optional<record_feeds::wait> record_feeds::take(const wait_key& key) {
  const auto found = waits_.find(key);
  if (found == waits_.end()) return std::nullopt;
  auto out = std::move(found->second);
  waiting_bytes_ -= out.bytes;
  waits_.erase(found);
  return out;
}

std::vector<record_feeds::wait> record_feeds::take_settled(bool waits_for_all) {
  auto up_to = last_;
  for (const auto& [id, each] : members_) {
    const bool is_given_up = each.is_stalled && !waits_for_all;
    if (!is_given_up) up_to = std::min(up_to, each.settled);
  }
  std::vector<wait> out;
  while (!waits_.empty() && waits_.begin()->first.first <= up_to) {
    waiting_bytes_ -= waits_.begin()->second.bytes;
    out.push_back(std::move(waits_.begin()->second));
    waits_.erase(waits_.begin());
  }
  return out;
}

std::vector<record_feeds::wait> record_feeds::take_all() {
  std::vector<wait> out;
  for (auto& [key, each] : waits_) out.push_back(std::move(each));
  waits_.clear();
  waiting_bytes_ = 0;
  return out;
}

}  // namespace weir
