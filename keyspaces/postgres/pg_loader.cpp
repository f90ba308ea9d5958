#include "postgres/pg_loader.hpp"

#include "postgres/pg_failure.hpp"
#include "postgres/pg_types.hpp"

#include <algorithm>
#include <unordered_map>

namespace weir {
namespace {

bool is_of_data(const pg_fault& fault) {
  return fault.what == pg_fault::kind::refused && fault.state.starts_with("22");
}

/// As the server says it where it notices itself.
pg_fault other_type() {
  return {pg_fault::kind::refused, "0A000", "the type of the value has changed"};
}

}  // namespace

asio::awaitable<std::vector<result<loaded>>> pg_loader::async_load(
    std::vector<std::string> keys, load_context context
) const {
  const loaded none{.found = false};
  std::vector<result<loaded>> all(keys.size(), none);
  const pg_patience patience(context);
  const auto taken = co_await of_->async_take(context, patience);
  if (!taken) {
    std::fill(all.begin(), all.end(), taken.error());
    co_return all;
  }
  auto& place = **taken;
  const names wanted(keys);
  const answers into(all);
  auto fault = co_await fetch(place, wanted, into, patience);
  const bool is_split = fault && is_of_data(*fault) && keys.size() > 1;
  const std::size_t step = is_split ? 1 : keys.size();
  for (std::size_t i = 0; fault && i < keys.size(); i += step) {
    auto own = fault;
    if (is_split) own = co_await fetch(place, wanted.subspan(i, 1), into.subspan(i, 1), patience);
    if (!own || (step == 1 && is_key_fault(*own))) continue;
    of_->say(context, *own);
    const auto part = into.subspan(i, step);
    std::fill(part.begin(), part.end(), pg_load_error(*own));
  }
  co_return all;
}

// A connection that was idle may have died unseen, and what was prepared on it may be of another
// time: once more on a new one. Nothing is lost by asking twice.
asio::awaitable<std::optional<pg_fault>> pg_loader::fetch(
    pg_pool::place& at, names keys, answers into, pg_patience patience
) const {
  const bool is_reused = at.get() != nullptr;
  if (is_reused) {
    const bool was_prepared = at.get()->prepared(number_of(pg_act::load)) != nullptr;
    auto fault = co_await fetch_once(*at.get(), keys, into, patience);
    if (!fault || fault->what == pg_fault::kind::late) {
      if (fault) at.drop();
      co_return fault;
    }
    const bool is_outdated = was_prepared && fault->is_stale();
    if (fault->what == pg_fault::kind::refused && !is_outdated) co_return fault;
  }
  auto fault = co_await at.async_connect(patience.until);
  if (fault) co_return fault;
  fault = co_await fetch_once(*at.get(), keys, into, patience);
  if (fault && fault->what != pg_fault::kind::refused) at.drop();
  co_return fault;
}

asio::awaitable<std::optional<pg_fault>> pg_loader::fetch_once(
    pg_connection& on, names keys, answers into, pg_patience patience
) const {
  auto unprepared = co_await of_->async_prepare(on, pg_act::load, patience);
  if (unprepared) co_return unprepared;
  const auto& prepared = *on.prepared(number_of(pg_act::load));
  const auto form = pg_form_of(prepared.parameters[0]);
  std::vector<std::string_view> asked;
  for (const auto& key : keys) {
    if (pg_holds(form, key)) asked.push_back(key);
  }
  if (asked.empty()) co_return std::nullopt;
  const auto array = pg_array_of(form, asked);
  const pg_parameter parameter{array.c_str(), array.size()};
  on.limit_statements(patience.limit());
  on.execute(prepared.name, {&parameter, 1}, true);
  auto answered = co_await on.async_round(patience.until);
  if (answered.fault) co_return std::move(answered.fault);

  const auto& rows = answered.results.back();
  std::unordered_map<std::string_view, int> row_of;
  for (int row = 0; row != PQntuples(rows.get()); ++row) {
    if (pg_cell(rows, row, 4) == "true") co_return other_type();
    row_of.emplace(pg_cell(rows, row, 0), row);
  }
  for (std::size_t i = 0; i != keys.size(); ++i) {
    const auto found = row_of.find(keys[i]);
    if (found != row_of.end()) into[i] = value_of(rows, found->second);
  }
  co_return std::nullopt;
}

result<loaded> pg_loader::value_of(const pg_result& rows, int row) const {
  enum column { value = 1, revision = 2, size = 3 };

  if (PQgetisnull(rows.get(), row, size) == 1) return loaded{.found = false};
  if (PQgetisnull(rows.get(), row, value) == 1) return errc::too_large;
  loaded made{.value = bytes(pg_cell(rows, row, value))};
  if (PQgetisnull(rows.get(), row, revision) == 0) {
    auto meta = std::make_shared<metadata>();
    meta->etag = pg_cell(rows, row, revision);
    made.meta = std::move(meta);
  }
  return made;
}

}  // namespace weir
