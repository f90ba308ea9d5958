#pragma once

#include "yaml/reporter.hpp"

#include <weir/config/settings.hpp>
#include <weir/engine/limits.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace weir::config {

/// The table of all settings. The decoder, the cross-checks' positions, `show`, `diff`, the JSON
/// Schema and the reference page all walk these rows; a setting is added here and in settings.hpp,
/// and nowhere else.

enum class kind : std::uint8_t {
  text,
  boolean,
  integer,
  number,
  ratio,
  duration,
  size,
  address,
  choice,
  group,    ///< a map with the rows of `rows`
  list,     ///< a list of such maps: keyspaces
  source,   ///< a map whose `type` picks one of `alternatives`
  peers,    ///< a list of `id=host:port`
  servers,  ///< a list of literal addresses, with or without a port
  texts,    ///< a list of texts; charset and rule are for each
  secret,   ///< a text, `{env: NAME}` or `{file: path}`
  headers,  ///< a map of name to text or secret
  tokens,   ///< a list of maps with the rows of `rows`: bearer tokens
};

/// monostate = absent, or `auto`. A choice is its index.
using value =
    std::variant<std::monostate, bool, std::uint64_t, double, milliseconds, std::string, address>;

/// Type-erased way from an object to one of its members.
struct accessor {
  void (*set)(void* object, const value& to) = nullptr;
  value (*get)(const void* object) = nullptr;
  /// The member itself, for groups and lists. open() creates an absent optional one; peek() gives
  /// nullptr for it.
  void* (*open)(void* object) = nullptr;
  const void* (*peek)(const void* object) = nullptr;
};

enum class presence : std::uint8_t { optional, required };
enum class reload : std::uint8_t { restart, live };
enum class special : std::uint8_t { none, automatic };         ///< whether `auto` may be written
enum class inheritance : std::uint8_t { own, from_defaults };  ///< also a row of `defaults`

/// `Number` as it is written in YAML, for the rows' limits.
template <std::uint64_t Number>
inline constexpr auto digits = [] {
  std::array<char, 20> out{};
  auto left = Number;
  for (auto at = out.rbegin(); at != out.rend(); ++at, left /= 10) {
    *at = static_cast<char>('0' + left % 10);
  }
  return out;
}();

template <std::uint64_t Number>
inline constexpr std::string_view decimal = [] {
  const std::string_view all(digits<Number>.data(), digits<Number>.size());
  const auto first = all.find_first_not_of('0');
  return first == all.npos ? all.substr(all.size() - 1) : all.substr(first);
}();

struct shape;
struct alternative;

struct field {
  std::string_view name = {};
  kind type = kind::text;
  std::string_view fallback = {};  ///< default as written in YAML; "" = none
  std::string_view low = {};       ///< smallest and largest value as written in YAML, both allowed;
  std::string_view high = {};      ///< of a text or list: of its length
  std::string_view choices = {};   ///< of a choice: `a|b|c`
  std::string_view charset =
      {};                 ///< of a text: allowed characters, as in a regular expression's [...]
  std::string_view text;  ///< for the reference page and editors
  presence needed = presence::optional;
  reload when = reload::restart;
  special word = special::none;
  inheritance inherited = inheritance::own;
  accessor member = {};
  /// A further rule for the value, checked after type and range.
  std::optional<complaint> (*rule)(const value& given) = nullptr;
  const shape* rows = nullptr;
  std::span<const alternative> alternatives = {};
};

/// A key that is known but not available yet.
struct later {
  std::string_view name;
  std::string_view text;
};

struct shape {
  std::string_view name;
  std::span<const field> fields;
  std::span<const later> unavailable = {};
  /// Of `defaults`: only rows that are inherited count.
  inheritance only = inheritance::own;

  bool has(const field& row) const {
    return only == inheritance::own || row.inherited == inheritance::from_defaults;
  }

  const field* find(std::string_view name) const;
};

/// One type of data source; open() makes it the current one of the `source` member.
struct alternative {
  std::string_view type;
  std::string_view text;
  const shape* rows = nullptr;
  void* (*open)(void* member) = nullptr;
  const void* (*peek)(const void* member) = nullptr;  ///< nullptr when it is not the current one
};

/// The root row set; its object is `settings`.
const shape& settings_shape();

/// Blocks with a file of their own.
extern const shape listen_shape;
extern const shape tls_shape;
extern const shape auth_shape;
extern const shape discovery_shape;
extern const alternative source_types[6];

/// The rows of one keyspace and of `defaults`, which are a part of them.
extern const shape keyspace_shape;
extern const shape defaults_shape;

/// Phrases and sets that several rows use.
inline constexpr std::string_view unavailable = "is not available in this version";

/// Rules with their own file, used by rows.
std::optional<complaint> check_url(const value& given);
std::optional<complaint> check_query(const value& given);
std::optional<complaint> check_path(const value& given);
std::optional<complaint> check_right(const value& given);
std::optional<complaint> check_nats_server(const value& given);
std::optional<complaint> check_postgres_url(const value& given);
std::optional<complaint> check_redis_url(const value& given);
std::optional<complaint> check_nats_subject(const value& given);
std::optional<complaint> check_kubernetes_name(const value& given);
std::optional<complaint> check_kubernetes_api(const value& given);

template <class Member>
struct member_traits;

template <class Object, class Value>
struct member_traits<Value Object::*> {
  using object = Object;
  using type = Value;
};

template <class T>
struct unwrapped {
  using type = T;
  static constexpr bool optional = false;
};

template <class T>
struct unwrapped<std::optional<T>> {
  using type = T;
  static constexpr bool optional = true;
};

template <class T>
T from_value(const value& given) {
  if constexpr (std::is_same_v<T, bool>) {
    return std::get<bool>(given);
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return static_cast<T>(std::get<std::uint64_t>(given));
  } else {
    return std::get<T>(given);
  }
}

template <class T>
value to_value(const T& given) {
  if constexpr ((std::is_integral_v<T> || std::is_enum_v<T>)&&!std::is_same_v<T, bool>) {
    return static_cast<std::uint64_t>(given);
  } else {
    return given;
  }
}

/// The accessor of a scalar member, or an optional one.
template <auto Member>
constexpr accessor scalar_member() {
  using traits = member_traits<decltype(Member)>;
  using object = typename traits::object;
  using wrapped = unwrapped<typename traits::type>;
  accessor made;
  made.set = [](void* at, const value& to) {
    auto& member = static_cast<object*>(at)->*Member;
    if constexpr (wrapped::optional) {
      if (std::holds_alternative<std::monostate>(to)) {
        member.reset();
        return;
      }
    }
    member = from_value<typename wrapped::type>(to);
  };
  made.get = [](const void* at) -> value {
    const auto& member = static_cast<const object*>(at)->*Member;
    if constexpr (wrapped::optional) {
      return member ? to_value(*member) : value{};
    } else {
      return to_value(member);
    }
  };
  return made;
}

/// The accessor of a nested object, or an optional one.
template <auto Member>
constexpr accessor object_member() {
  using traits = member_traits<decltype(Member)>;
  using object = typename traits::object;
  using wrapped = unwrapped<typename traits::type>;
  accessor made;
  made.open = [](void* at) -> void* {
    auto& member = static_cast<object*>(at)->*Member;
    if constexpr (wrapped::optional) {
      if (!member) member.emplace();
      return &*member;
    } else {
      return &member;
    }
  };
  made.peek = [](const void* at) -> const void* {
    const auto& member = static_cast<const object*>(at)->*Member;
    if constexpr (wrapped::optional) {
      return member ? &*member : nullptr;
    } else {
      return &member;
    }
  };
  return made;
}

/// The row of a block, which may be absent.
template <auto Member>
constexpr field group_row(std::string_view name, const shape& rows, std::string_view text) {
  return {
      .name = name,
      .type = kind::group,
      .text = text,
      .member = object_member<Member>(),
      .rows = &rows};
}

/// The row of a file or a folder.
template <auto Member>
constexpr field path_row(
    std::string_view name, std::string_view text, presence needed = presence::optional
) {
  return {
      .name = name,
      .low = "1",
      .high = "4096",
      .text = text,
      .needed = needed,
      .member = scalar_member<Member>(),
      .rule = check_path};
}

/// The same rows, all of them taken over by a reload.
template <std::size_t Count>
constexpr std::array<field, Count> all_live(const field (&rows)[Count]) {
  auto made = std::to_array(rows);
  for (auto& each : made) each.when = reload::live;
  return made;
}

}  // namespace weir::config
