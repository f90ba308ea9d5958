// What a read counts as: once, where it was asked, by what answered it. A hit counts in its shard,
// under the lock that it holds anyway; everything else here.

#include "keyspace/keyspace_core.hpp"

namespace weir {
namespace {

// `hit` is what a node keeps: of its own, or in an owner's place. Only the latter has no version.
read_outcome outcome_of_hit(const entry& hit, const std::string& self) {
  if (hit.from.detail == served_detail::gutter || !hit.version) return read_outcome::gutter;
  const bool is_here = hit.from.node.empty() || hit.from.node == self;
  return is_here ? read_outcome::memory : read_outcome::owner;
}

read_outcome outcome_of(const entry& answer, const std::string& self) {
  if (answer.from.detail == served_detail::stale) return read_outcome::stale;
  switch (answer.from.from) {
    case served_from::memory:
      return outcome_of_hit(answer, self);
    case served_from::near:
      return read_outcome::near;
    case served_from::peer:
      return read_outcome::owner;
    case served_from::load:
      break;
  }
  if (answer.from.collapsed) return read_outcome::joined;
  return answer.from.detail == served_detail::passthrough ? read_outcome::passed
                                                          : read_outcome::source;
}

}  // namespace

completion<result<lookup>> keyspace_core::counting(
    completion<result<lookup>> done, read_attempt attempt
) {
  if (attempt == read_attempt::again) return done;
  return [self = shared_from_this(), done = std::move(done)](result<lookup> answer) mutable {
    self->count_read(answer, read_attempt::first);
    std::move(done)(std::move(answer));
  };
}

void keyspace_core::count_read(const result<lookup>& answer, read_attempt attempt) noexcept {
  if (attempt == read_attempt::again) return;
  if (answer) {
    const auto from = outcome_of(answer->entry, context_->self.id);
    return keyspace_counters::add(counters_.reads[static_cast<std::size_t>(from)]);
  }
  const auto error = answer.error().code();
  const bool is_ours = error.category() == weir_category();
  const auto code = is_ours ? error.value() : static_cast<int>(errc::source_failed);
  keyspace_counters::add(counters_.reads_failed[static_cast<std::size_t>(code)]);
}

void keyspace_core::count_reads(keyspace_stats& out) const noexcept {
  const auto& c = counters_;
  for (std::size_t i = 0; i != read_outcome_count; ++i) out.reads[i] += c.reads[i];
  for (std::size_t i = 0; i != errc_count; ++i) out.reads_failed[i] = c.reads_failed[i];
}

}  // namespace weir
