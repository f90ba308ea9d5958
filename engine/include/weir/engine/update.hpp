#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/entry.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/result.hpp>

#include <concepts>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir WEIR_API {

/// What an update function answers to make the key absent.
struct remove_entry {};

/// What an update wants: a new value, none, or the key gone. Made of bytes or text, of
/// `std::nullopt` (decline: change nothing), of an optional of bytes, or of remove_entry{}.
class update_decision {
 public:
  enum class kind : std::uint8_t { put, remove, decline };

  update_decision(bytes value)
      : what_(kind::put), value_(std::move(value)) {}  // NOLINT: to convert

  update_decision(std::nullopt_t) {}  // NOLINT

  update_decision(remove_entry) : what_(kind::remove) {}  // NOLINT

  update_decision(std::optional<bytes> value) {  // NOLINT
    if (value) *this = std::move(*value);
  }
  template <class Text>

  requires(std::convertible_to<Text, std::string_view>) update_decision(const Text& text)
      : update_decision(bytes(std::string_view(text))) {}  // NOLINT

  kind what() const noexcept { return what_; }

  const bytes& value() const noexcept { return value_; }

 private:
  kind what_ = kind::decline;
  bytes value_;
};

/// Computes the new value from the present one, a copy; null = the key is absent. May run several
/// times, so it should only compute. An error ends the update and is handed on as it is; an
/// exception as well.
using update_function = std::function<result<update_decision>(const entry* present)>;

/// How often an update asked and wrote.
struct update_tries {
  unsigned attempts = 0;   ///< calls of the function
  unsigned conflicts = 0;  ///< another writer was faster
  unsigned busy = 0;  ///< owner, or store, had no place or could not be asked; nothing was written
};

/// How one update is done.
struct update_options {
  /// Then errc::deadline_exceeded; the real limit of the retries.
  timespan timeout = milliseconds(5000);
  unsigned max_attempts = 100;  ///< then errc::conflict; being busy does not count
  bool create = true;  ///< false: an absent key is errc::not_found, the function is not called
  std::optional<timespan> ttl = std::nullopt;  ///< of the new value, as put_options::ttl
  update_tries* tries = nullptr;               ///< filled whatever the end; must outlive the call
};

/// What an update did.
struct updated {
  update_decision::kind what = update_decision::kind::decline;
  weir::version version;  ///< of the key afterwards
  update_tries tries;
  change_result change;  ///< of the write that succeeded; empty after `decline`

  bool is_partial() const noexcept { return change.is_partial(); }
};

}  // namespace WEIR_API
