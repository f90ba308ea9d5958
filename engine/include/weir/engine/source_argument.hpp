#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/data_source.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weir WEIR_API {
namespace source_detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

template <class T>
struct awaited {};

template <class T>
struct awaited<asio::awaitable<T>> {
  using type = T;
};

template <class Function>
using answer_of = std::invoke_result_t<std::decay_t<Function>&, std::string>;

/// Whether `T` says what a source may say of one key; looks into results and optionals.
template <class T>
constexpr bool is_answer() {
  using plain = std::remove_cvref_t<T>;
  if constexpr (std::convertible_to<T, result<loaded>> || std::convertible_to<T, result<bytes>>) {
    return true;
  } else if constexpr (is_optional<plain> || is_result<plain>) {
    return is_answer<typename plain::value_type>();
  } else {
    return false;
  }
}

/// A function's answer as a source gives it: without a value the key is not found.
template <class T>
[[nodiscard]] result<loaded> to_loaded(T&& answer) {
  using plain = std::remove_cvref_t<T>;
  if constexpr (std::convertible_to<T, result<loaded>>) {
    return std::forward<T>(answer);
  } else if constexpr (is_optional<plain>) {
    if (!answer) return errc::not_found;
    return to_loaded(*std::forward<T>(answer));
  } else if constexpr (is_result<plain>) {
    if (!answer) return answer.error();
    return to_loaded(*std::forward<T>(answer));
  } else {
    result<bytes> value = std::forward<T>(answer);
    if (!value) return value.error();
    return loaded{.value = *std::move(value)};
  }
}

/// What a call gives, the key passed as a view where the function takes one.
template <class Function>
decltype(auto) call(Function& function, std::string_view key) {
  if constexpr (std::invocable<Function&, std::string_view>) {
    return std::invoke(function, key);
  } else {
    return std::invoke(function, std::string(key));
  }
}

// The key stands in the frame, so that a function may take it as a view and still suspend.
template <class Function>
[[nodiscard]] asio::awaitable<result<loaded>> call_awaitable(
    std::shared_ptr<Function> function, std::string key
) {
  auto answer = co_await std::invoke(*function, std::move(key));
  co_return to_loaded(std::move(answer));
}

/// Whether a function pointer, a std::function or another wrapper holds nothing to call.
template <class Function>
bool is_empty(const Function& function) {
  if constexpr (std::is_pointer_v<Function>) return function == nullptr;
  if constexpr (requires { function.operator bool(); }) return !function.operator bool();
  return false;
}

}  // namespace source_detail

/// A function that is a source and may block: takes the key as std::string_view or std::string;
/// answers bytes, text or weir::loaded, or a std::optional or weir::result of these.
template <class T>
concept blocking_function = source_detail::is_answer<source_detail::answer_of<T>>();

/// The same answering an asio::awaitable of these: runs on an event loop and must not block.
template <class T>
concept awaitable_function =
    source_detail::is_answer<typename source_detail::awaited<source_detail::answer_of<T>>::type>();

/// A pointer that shares or hands over an object of a class derived from data_source.
template <class T>
concept source_pointer = std::convertible_to<T, std::shared_ptr<data_source>>;

/// Anything that add_keyspace() takes as a source: a blocking_function, an awaitable_function or a
/// source_pointer. Anything else ends the compilation with one sentence.
class source_argument {
 public:
  template <class T>

  requires(!std::same_as<std::remove_cvref_t<T>, source_argument>)
      source_argument(T&& from) {  // NOLINT: meant to convert
    static_assert(
        source_pointer<T> || blocking_function<T> || awaitable_function<T>,
        "weir: a source is a function of std::string_view that returns weir::result<weir::bytes> "
        "(or text, weir::loaded, an optional or an asio::awaitable of these), or a shared_ptr to a "
        "class derived from weir::data_source"
    );
    if constexpr (source_pointer<T>) {
      source_ = std::forward<T>(from);
    } else if constexpr (awaitable_function<T> || blocking_function<T>) {
      take_function(std::forward<T>(from));
    }
  }

  /// Null when the pointer or the function was empty; add_keyspace() refuses that.
  std::shared_ptr<data_source> take() && { return std::move(source_); }

 private:
  template <class T>
  void take_function(T&& from) {
    using function = std::decay_t<T>;
    auto held = std::make_shared<function>(std::forward<T>(from));  // may be one that only moves
    if (source_detail::is_empty(*held)) return;
    if constexpr (awaitable_function<T>) {
      source_ = source_of([held](std::string key) {
        return source_detail::call_awaitable(held, std::move(key));
      });
    } else {
      source_ = source_of([held](std::string_view key) {
        return source_detail::to_loaded(source_detail::call(*held, key));
      });
    }
  }

  static std::shared_ptr<data_source> source_of(
      std::function<result<loaded>(std::string_view)> function
  );
  static std::shared_ptr<data_source> source_of(
      std::function<asio::awaitable<result<loaded>>(std::string)> function
  );

  std::shared_ptr<data_source> source_;
};

/// A function, or whatever else source_argument takes, as a source. Throws std::invalid_argument
/// for an empty one.
std::shared_ptr<data_source> make_source(source_argument from);

/// An object of a class derived from data_source, made of `arguments`. As std::make_shared(), but
/// says in one sentence what is missing where the class is still abstract.
template <class Source, class... Arguments>
std::shared_ptr<Source> make_source_of(Arguments&&... arguments) {
  static_assert(
      std::derived_from<Source, data_source>, "weir: a source class derives from weir::data_source"
  );
  static_assert(
      !std::is_abstract_v<Source>,
      "weir: this source lacks a function; a weir::blocking_source has weir::result<weir::loaded> "
      "load(std::string_view key, const weir::load_context& context) override"
  );
  if constexpr (std::is_abstract_v<Source>) {
    return nullptr;
  } else {
    return std::make_shared<Source>(std::forward<Arguments>(arguments)...);
  }
}

}  // namespace WEIR_API
