#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/errc.hpp>

#include <boost/assert/source_location.hpp>
#include <boost/system/system_error.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weir WEIR_API {

using boost::system::error_code;

/// What is known of a failure besides its code.
struct error_context {
  std::string keyspace = {};
  std::string key = {};     ///< any bytes; empty = of no single key
  std::string detail = {};  ///< our own words: "loads.queue 256 is full"
  std::string remark = {};  ///< the source's words: text from outside
};

/// Why an operation failed: an error code, and where it happened and in which words, where that is
/// known.
///
/// Made from errc and from any error code, compared with them, and converts to error_code, which
/// drops the words. "Not found" has none. Cheap to copy: copies share the context. 40 bytes;
/// without a context it allocates nothing.
class error : public error_code {
 public:
  error() noexcept = default;

  error(error_code code) noexcept : error_code(code) {}  // NOLINT: meant to convert

  template <class Code>

  requires(boost::system::is_error_code_enum<Code>::value) error(Code code)
  noexcept : error_code(code) {}  // NOLINT: meant to convert

  error(error_code code, error_context context)
      : error_code(code), context_(std::make_shared<const error_context>(std::move(context))) {}

  /// The same code with other words.
  error(error_code code, const error& words) noexcept
      : error_code(code), context_(words.context_) {}

  const error_code& code() const noexcept { return *this; }

  bool has_context() const noexcept { return context_ != nullptr; }

  /// Empty where nothing is known.
  std::string_view keyspace() const noexcept { return of(&error_context::keyspace); }

  std::string_view key() const noexcept { return of(&error_context::key); }

  std::string_view detail() const noexcept { return of(&error_context::detail); }

  std::string_view remark() const noexcept { return of(&error_context::remark); }

  /// What failed and why: the code's message, our words and the source's, with colons between them.
  std::string message() const;

  /// message() with the place before it: `keyspace "users", key "42": the source was asked and
  /// failed: connection refused`. A key that is long or cannot be printed is left out.
  std::string what() const;

 private:
  std::string_view of(std::string error_context::*part) const noexcept {
    return context_ ? std::string_view((*context_).*part) : std::string_view();
  }

  std::shared_ptr<const error_context> context_;
};

/// What `value()` of a failed result throws; its what() is that of the error.
class operation_error : public boost::system::system_error {
 public:
  explicit operation_error(weir::error of);

  const weir::error& error() const noexcept { return error_; }

  const char* what() const noexcept override { return text_.c_str(); }

 private:
  weir::error error_;
  std::string text_;
};

[[noreturn]] void throw_exception_from_error(const error& of, const boost::source_location& where);

}  // namespace weir
