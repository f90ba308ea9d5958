#include "postgres/pg_writer.hpp"

#include "postgres/pg_failure.hpp"
#include "postgres/pg_types.hpp"

#include <array>

namespace weir {
namespace {

pg_fault unfit(const std::string& what) {
  return {pg_fault::kind::refused, "22021", what};
}

/// Key, value, revision and new revision as the statement takes them. Views of the change.
class change_parameters {
 public:
  change_parameters(const pg_change& of, std::uint64_t random)
      : key_(of.key),
        value_(of.value.view()),
        texts_{of.key, {}, of.revision, std::to_string(random >> 2)} {}

  /// Why it cannot be; null = it can.
  std::optional<pg_fault> fit(const std::vector<Oid>& types) {
    const auto key = pg_form_of(types[0]);
    if (!pg_holds(key, key_)) return unfit("the table cannot hold that key");
    add(key, key_, 0);
    if (types.size() > 1) {
      const auto value = pg_form_of(types[1]);
      const auto as_text = value == pg_form::binary ? value : pg_form::text;
      if (!pg_holds(as_text, value_)) return unfit("the value is not UTF-8, or has a NUL byte");
      if (!pg_takes_bytes(value)) texts_[1] = value_;
      add(value, value_, 1);
    }
    for (std::size_t i = 2; i < types.size(); ++i) add(pg_form::other, texts_[i], i);
    return std::nullopt;
  }

  std::span<const pg_parameter> all() const { return {all_.data(), count_}; }

 private:
  void add(pg_form form, std::string_view bytes, std::size_t text) {
    pg_parameter made{texts_[text].c_str(), texts_[text].size()};
    if (pg_takes_bytes(form)) made = {bytes.data(), bytes.size(), true};
    const bool is_none = text == 2 && bytes.empty();
    all_[count_++] = is_none ? pg_parameter{} : made;
  }

  const std::string_view key_, value_;
  std::array<std::string, 4> texts_;
  std::array<pg_parameter, 4> all_{};
  std::size_t count_ = 0;
};

}  // namespace

/// How far one attempt came.
struct pg_writer::attempt {
  std::optional<pg_fault> fault = std::nullopt;
  bool was_sent = false;
  int rows = 0;
  stored done = {};
};

asio::awaitable<result<stored>> pg_writer::async_write(pg_change change, load_context context)
    const {
  if (of_->statement(change.act).sql.empty()) co_return errc::method_not_allowed;
  const pg_patience patience(context);
  const auto taken = co_await of_->async_take(context, patience);
  if (!taken) co_return taken.error();
  auto made = co_await write(**taken, change, context, patience);
  if (made.fault) {
    of_->say(context, *made.fault);
    if (made.fault->what == pg_fault::kind::refused)
      co_return pg_write_error(*made.fault, of_->statement(change.act));
    co_return made.was_sent ? errc::unknown_outcome : errc::unavailable;
  }
  if (made.rows == 0 && change.act != pg_act::erase) {
    of_->say(context, of_->statement(change.act).name + " changed no row");
    co_return errc::conflict;
  }
  co_return std::move(made.done);
}

// Once more on a new connection only when nothing was sent, or when the server refused the
// statement as one that it does not know any more.
asio::awaitable<pg_writer::attempt> pg_writer::write(
    pg_pool::place& at, const pg_change& change, const load_context& context, pg_patience patience
) const {
  attempt made;
  const bool is_reused = at.get() != nullptr;
  if (is_reused) {
    const bool was_prepared = at.get()->prepared(number_of(change.act)) != nullptr;
    made = co_await write_once(*at.get(), change, context, patience);
    if (!made.fault) co_return made;
    const bool is_lost = made.fault->what == pg_fault::kind::lost;
    if (made.fault->what != pg_fault::kind::refused) at.drop();
    const bool is_outdated = was_prepared && made.fault->is_stale();
    if (!is_outdated && (!is_lost || made.was_sent)) co_return made;
  }
  made = attempt();
  made.fault = co_await at.async_connect(patience.until);
  if (made.fault) co_return made;
  made = co_await write_once(*at.get(), change, context, patience);
  if (made.fault && made.fault->what != pg_fault::kind::refused) at.drop();
  co_return made;
}

asio::awaitable<pg_writer::attempt> pg_writer::write_once(
    pg_connection& on, const pg_change& change, const load_context& context, pg_patience patience
) const {
  attempt made;
  made.fault = co_await of_->async_prepare(on, change.act, patience);
  if (made.fault) co_return made;
  const auto& prepared = *on.prepared(number_of(change.act));
  change_parameters parameters(change, context.env.random());
  made.fault = parameters.fit(prepared.parameters);
  if (made.fault) co_return made;
  on.limit_statements(patience.limit());
  made.was_sent = true;
  on.execute(prepared.name, parameters.all(), false);
  auto answered = co_await on.async_round(patience.until);
  if (answered.fault) {
    made.fault = std::move(answered.fault);
    co_return made;
  }
  const auto& told = answered.results.back();
  made.rows = std::atoi(PQcmdTuples(told.get()));
  const bool has_revision = PQntuples(told.get()) > 0 && PQnfields(told.get()) > 0;
  if (has_revision) made.done.etag = pg_cell(told, 0, 0);
  co_return made;
}

}  // namespace weir
