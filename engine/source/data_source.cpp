#include "async/on_pool.hpp"
#include "source/thrown_failure.hpp"

#include <weir/engine/source_argument.hpp>

#include <stdexcept>

namespace weir {
namespace {

result<loaded> settle(result<loaded> answer) {
  if (answer || answer.error() != errc::not_found) return answer;
  return loaded{.found = false, .value = {}};
}

result<loaded> load_guarded(
    blocking_source& source, std::string_view key, const load_context& context
) {
  if (context.env.now() >= context.deadline) return errc::deadline_exceeded;
  try {
    return settle(source.load(key, context));
  } catch (...) {
    return thrown_failure(context);
  }
}

std::vector<result<loaded>> load_many_guarded(
    blocking_source& source, const std::vector<std::string>& keys, const load_context& context
) {
  errc failed = errc::deadline_exceeded;
  if (context.env.now() < context.deadline) {
    try {
      auto answers = source.load_many(keys, context);
      if (answers.size() == keys.size()) {
        for (auto& answer : answers) answer = settle(std::move(answer));
        return answers;
      }
      context.say(
          "load_many() gave " + std::to_string(answers.size()) + " answers for " +
          std::to_string(keys.size()) + " keys"
      );
      failed = errc::source_failed;
    } catch (...) {
      failed = thrown_failure(context);
    }
  }
  return std::vector<result<loaded>>(keys.size(), failed);
}

class function_source final : public blocking_source {
 public:
  using function = std::function<result<loaded>(std::string_view)>;

  explicit function_source(function of) : function_(std::move(of)) {}

  result<loaded> load(std::string_view key, const load_context&) override { return function_(key); }

 private:
  const function function_;
};

class awaitable_source final : public data_source {
 public:
  using function = std::function<asio::awaitable<result<loaded>>(std::string)>;

  explicit awaitable_source(function of) : function_(std::move(of)) {}

  asio::awaitable<result<loaded>> async_load(std::string key, load_context context) override {
    try {
      auto answer = co_await function_(std::move(key));
      co_return settle(std::move(answer));
    } catch (...) {
      co_return thrown_failure(context);
    }
  }

 private:
  const function function_;
};

}  // namespace

void source_remark::say(std::string_view text) {
  const std::lock_guard lock(mutex_);
  text_ = text.substr(0, max_text);
}

std::string source_remark::text() const {
  const std::lock_guard lock(mutex_);
  return text_;
}

asio::awaitable<std::vector<result<loaded>>> data_source::async_load_many(
    std::vector<std::string> keys, load_context context
) {
  std::vector<result<loaded>> answers;
  answers.reserve(keys.size());
  for (auto& key : keys) {
    result<loaded> answer = errc::deadline_exceeded;
    if (context.env.now() < context.deadline) {
      try {
        answer = co_await async_load(std::move(key), context);
      } catch (...) {
        answer = thrown_failure(context);
      }
    }
    answers.push_back(settle(std::move(answer)));
  }
  co_return answers;
}

std::vector<result<loaded>> blocking_source::load_many(
    const std::vector<std::string>& keys, const load_context& context
) {
  std::vector<result<loaded>> answers;
  answers.reserve(keys.size());
  for (const auto& key : keys) answers.push_back(load_guarded(*this, key, context));
  return answers;
}

asio::awaitable<result<loaded>> blocking_source::async_load(std::string key, load_context context) {
  auto work = [this, self = weak_from_this().lock(), key = std::move(key), context] {
    return load_guarded(*this, key, context);
  };
  co_return co_await on_pool<loaded>(context.env, std::move(work));
}

asio::awaitable<std::vector<result<loaded>>> blocking_source::async_load_many(
    std::vector<std::string> keys, load_context context
) {
  const std::size_t count = keys.size();
  auto work = [this, self = weak_from_this().lock(), keys = std::move(keys), context] {
    return load_many_guarded(*this, keys, context);
  };
  using many = std::vector<result<loaded>>;
  auto answers = co_await on_pool<many>(context.env, std::move(work));
  if (!answers) co_return many(count, answers.error());
  co_return std::move(*answers);
}

std::shared_ptr<data_source> source_argument::source_of(
    std::function<result<loaded>(std::string_view)> function
) {
  return std::make_shared<function_source>(std::move(function));
}

std::shared_ptr<data_source> source_argument::source_of(
    std::function<asio::awaitable<result<loaded>>(std::string)> function
) {
  return std::make_shared<awaitable_source>(std::move(function));
}

std::shared_ptr<data_source> make_source(source_argument from) {
  auto made = std::move(from).take();
  if (!made) throw std::invalid_argument("weir: make_source() was given an empty function");
  return made;
}

}  // namespace weir
