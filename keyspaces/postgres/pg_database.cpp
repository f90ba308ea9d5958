#include "postgres/pg_database.hpp"

#include "postgres/pg_types.hpp"

#include <algorithm>
#include <bit>

namespace weir {
namespace {

using std::chrono::milliseconds;

/// The four leading bits: what changes with each call would be told to the server each time.
milliseconds rounded_down(milliseconds time) {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1));
  const auto width = std::bit_width(count);
  const auto dropped = width > 4 ? width - 4 : 0;
  return milliseconds(static_cast<std::int64_t>(count >> dropped << dropped));
}

/// What weir itself refuses of a statement, as the server refuses others.
pg_fault refusal(const pg_statement& of, const std::string& why) {
  return {pg_fault::kind::refused, "42000", of.name + " " + why};
}

}  // namespace

pg_patience::pg_patience(const load_context& context) {
  const auto left = std::clamp<steady_duration>(
      context.deadline - context.env.now(), steady_duration::zero(), std::chrono::hours(24)
  );
  until = std::chrono::steady_clock::now() + left;
}

milliseconds pg_patience::limit() const {
  const auto now = std::chrono::steady_clock::now();
  const auto left = std::chrono::duration_cast<milliseconds>(until - now);
  return rounded_down(left - std::clamp(left / 10, milliseconds(5), milliseconds(100)));
}

pg_database::pg_database(const postgres_source_options& options)
    : statements_(pg_statements_of(options)),
      max_entry_(options.max_entry),
      connections_(options.connections),
      pool_(std::make_shared<pg_pool>(pg_server(options), options.connections)) {}

void pg_database::say(const load_context& context, const std::string& what) const {
  context.say("postgres at " + pool_->server().name() + ": " + what);
}

asio::awaitable<result<std::unique_ptr<pg_pool::place>>> pg_database::async_take(
    const load_context& context, const pg_patience& patience
) const {
  auto taken = co_await pool_->async_take(patience.until);
  if (!taken)
    say(context,
        "all " + std::to_string(connections_) + " connections are in use; raise connections");
  co_return std::move(taken);
}

asio::awaitable<std::optional<pg_fault>> pg_database::async_prepare(
    pg_connection& on, pg_act act, pg_patience patience
) const {
  const auto number = number_of(act);
  if (on.prepared(number) != nullptr) co_return std::nullopt;
  auto wanted = statement(act);
  pg_prepared made;
  auto fault = co_await describe(on, wanted, patience, made);
  if (fault) co_return fault;
  fault = check(act, made);
  if (fault) on.run("DEALLOCATE " + made.name);  // with the next round
  if (!fault && act == pg_act::load) {
    wanted.sql = pg_bounded_load(wanted.sql, made.columns, max_entry_);
    on.run("DEALLOCATE " + made.name);
    fault = co_await describe(on, wanted, patience, made);
  }
  if (!fault) on.keep(number, std::move(made));
  co_return fault;
}

asio::awaitable<std::optional<pg_fault>> pg_database::describe(
    pg_connection& on, const pg_statement& what, pg_patience patience, pg_prepared& into
) const {
  into = pg_prepared{on.unused_name(), {}, {}};
  on.prepare(into.name, what.sql, what.types);
  on.describe(into.name);
  auto answers = co_await on.async_round(patience.until);
  if (answers.fault) {
    if (answers.fault->what == pg_fault::kind::refused)
      answers.fault->text = what.name + " does not work: " + answers.fault->text;
    co_return std::move(answers.fault);
  }
  const auto* const told = answers.results.back().get();
  for (int i = 0; i != PQnparams(told); ++i) into.parameters.push_back(PQparamtype(told, i));
  for (int i = 0; i != PQnfields(told); ++i) into.columns.push_back(PQftype(told, i));
  co_return std::nullopt;
}

std::optional<pg_fault> pg_database::check(pg_act act, const pg_prepared& made) const {
  const auto& of = statement(act);
  const bool has_tags = !statement(pg_act::update).sql.empty();
  if (act == pg_act::load) {
    if (made.parameters.size() != 1 || !is_pg_array(made.parameters[0]))
      return refusal(of, "must compare the key with = ANY($1), and have no other parameter");
    const auto least = has_tags ? 3u : 2u;
    if (made.columns.size() < least || made.columns.size() > 3)
      return refusal(
          of,
          "must have the columns key, value" +
              std::string(has_tags ? " and revision" : ", and if need be revision")
      );
    return std::nullopt;
  }
  if (made.parameters.empty() || made.parameters.size() > 4)
    return refusal(of, "has no parameter $1, the key, or one beyond $4");
  if (act == pg_act::update && made.parameters.size() < 3)
    return refusal(of, "does not compare the revision with $3");
  const bool tells_revision = act == pg_act::create || act == pg_act::update || act == pg_act::put;
  if (has_tags && tells_revision && made.columns.empty())
    return refusal(of, "does not tell the new revision; add RETURNING");
  return std::nullopt;
}

}  // namespace weir
