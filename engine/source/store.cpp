#include "async/on_pool.hpp"

#include <weir/engine/store.hpp>

#include <exception>
#include <stdexcept>

namespace weir {
namespace {

// Words of the exception that is being handled go to the remark.
errc failure(const load_context& context, errc code) {
  try {
    throw;
  } catch (const std::exception& thrown) {
    context.say(thrown.what());
  } catch (...) {
    context.say("the store threw something that is no std::exception");
  }
  return code;
}

template <class Write>
result<stored> write_guarded(const load_context& context, Write&& write) {
  if (context.env.now() >= context.deadline) return errc::overloaded;
  try {
    return write();
  } catch (...) {
    return failure(context, errc::unknown_outcome);
  }
}

class function_store final : public blocking_store {
 public:
  explicit function_store(store_functions functions) : functions_(std::move(functions)) {
    if (!functions_.load) throw std::invalid_argument("weir: make_store() needs a load function");
  }

  entity_tags tags() const noexcept override { return functions_.tags; }

  result<loaded> load(std::string_view key, const load_context&) override {
    return functions_.load(key);
  }

  result<stored>
  put(std::string_view key,
      const bytes& value,
      const write_condition& condition,
      const load_context&) override {
    if (!functions_.put) return errc::method_not_allowed;
    return functions_.put(key, value, condition);
  }

  result<stored> erase(std::string_view key, const write_condition& condition, const load_context&)
      override {
    if (!functions_.erase) return errc::method_not_allowed;
    return functions_.erase(key, condition);
  }

 private:
  const store_functions functions_;
};

}  // namespace

asio::awaitable<result<loaded>> blocking_store::async_load(std::string key, load_context context) {
  auto work =
      [this, self = weak_from_this().lock(), key = std::move(key), context]() -> result<loaded> {
    if (context.env.now() >= context.deadline) return errc::deadline_exceeded;
    try {
      auto answer = load(key, context);
      if (!answer && answer.error() == errc::not_found) return loaded{.found = false};
      return answer;
    } catch (...) {
      return failure(context, errc::source_failed);
    }
  };
  co_return co_await on_pool<loaded>(context.env, std::move(work));
}

asio::awaitable<result<stored>> blocking_store::async_put(
    std::string key, bytes value, write_condition condition, load_context context
) {
  auto work = [this,
               self = weak_from_this().lock(),
               key = std::move(key),
               value = std::move(value),
               condition = std::move(condition),
               context] {
    return write_guarded(context, [&] { return put(key, value, condition, context); });
  };
  co_return co_await on_pool<stored>(context.env, std::move(work));
}

asio::awaitable<result<stored>> blocking_store::async_erase(
    std::string key, write_condition condition, load_context context
) {
  auto work = [this,
               self = weak_from_this().lock(),
               key = std::move(key),
               condition = std::move(condition),
               context] {
    return write_guarded(context, [&] { return erase(key, condition, context); });
  };
  co_return co_await on_pool<stored>(context.env, std::move(work));
}

std::shared_ptr<store> make_store(store_functions functions) {
  return std::make_shared<function_store>(std::move(functions));
}

}  // namespace weir
