#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/keyspace.hpp>
#include <weir/engine/typed_events.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir WEIR_API {

/// A codec of many types is told by name which one it shall make: codec.decode<Value>(text).
template <class Value, class Codec>
result<Value> decode_by(const Codec& codec, std::string_view text) {
  if constexpr (requires { codec.template decode<Value>(text); }) {
    return codec.template decode<Value>(text);
  } else {
    return codec.decode(text);
  }
}

/// What turns values into bytes and back. Both may fail, with errc::bad_request or an error of
/// their own, and may throw; both are called from several threads at once.
template <class Codec, class Value>
concept codec_of = requires(const Codec& codec, const Value& value, std::string_view text) {
  { codec.encode(value) } -> std::convertible_to<result<bytes>>;
  { decode_by<Value>(codec, text) } -> std::convertible_to<result<Value>>;
};

/// Text as it is.
struct string_codec {
  result<bytes> encode(std::string_view value) const { return bytes(value); }

  result<std::string> decode(std::string_view text) const { return std::string(text); }
};

/// One answer of a typed keyspace.
template <class Value>
struct typed_lookup {
  std::optional<Value> value;  ///< nullopt = the source has none
  weir::version version;       ///< of an absent key too
  milliseconds ttl{0};         ///< remaining; 0 = not kept
  origin from;
};

/// How a typed keyspace judges and reports.
template <class Value>
struct typed_options {
  /// Bytes; a larger value is not decoded, and not put. It is errc::too_large.
  std::size_t max_size = 1u << 20;
  /// A veto: a value of which it says false is not given to anybody. It is dropped, loaded once
  /// more from the source, and counts as absent if that one is refused too. An exception is a veto.
  std::function<bool(std::string_view key, const Value& value)> guard = {};
  /// Told of what heals itself or went wrong beside the answer, on the thread of the call; must not
  /// throw or block. For a slow listener see event_line.
  std::function<void(const typed_event&)> on_event = {};
};

/// A keyspace of values of one type: a view over bytes, with a codec.
///
/// A value that cannot be decoded is dropped on every node, unless it was replaced meanwhile, and
/// reported; the call fails with errc::source_failed and says why, and the next one loads again. A
/// cheap handle as weir::keyspace is, if its codec is; thread-safe if codec, guard and listener
/// are. Members fail as those of weir::keyspace. Each read decodes: keep the result.
template <class Value, class Codec>

requires codec_of<Codec, Value>

class typed {
 public:
  explicit typed(keyspace on, Codec codec = {}, typed_options<Value> options = {})
      : on_(std::move(on)), codec_(std::move(codec)), options_(std::move(options)) {}

  keyspace& bytes_of() noexcept { return on_; }

  /// The value; errc::not_found for an absent key.
  [[nodiscard]] asio::awaitable<result<Value>> async_get(std::string key, get_options how = {}) {
    auto found = co_await async_find(std::move(key), how);
    if (!found) co_return found.error();
    if (!found->value) co_return errc::not_found;
    co_return std::move(*found->value);
  }

  [[nodiscard]] result<Value> get(std::string_view key, get_options how = {}) {
    auto found = find(key, how);
    if (!found) return found.error();
    if (!found->value) return errc::not_found;
    return std::move(*found->value);
  }

  /// As get(), but absence is an answer with a version.
  [[nodiscard]] asio::awaitable<result<typed_lookup<Value>>> async_find(
      std::string key, get_options how = {}
  ) {
    auto got = co_await on_.async_find(key, how);
    auto read = judge(key, std::move(got), how.from);
    if (read.drop) {
      const auto dropped = co_await on_.async_invalidate(key, *read.drop);
      note_dropped(key, dropped);
    }
    if (!read.again) co_return std::move(read.out);
    how.from = read_from::source;
    got = co_await on_.async_find(key, how);
    co_return judge(key, std::move(got), how.from).out;
  }

  [[nodiscard]] result<typed_lookup<Value>> find(std::string_view key, get_options how = {}) {
    auto read = judge(key, on_.find(key, how), how.from);
    if (read.drop) note_dropped(key, on_.invalidate(key, *read.drop));
    if (!read.again) return std::move(read.out);
    how.from = read_from::source;
    return judge(key, on_.find(key, how), how.from).out;
  }

  /// Several keys, in their order. A member that is refused or cannot be decoded spoils no other;
  /// it is read again by itself.
  [[nodiscard]] std::vector<result<typed_lookup<Value>>> get_many(
      const std::vector<std::string>& keys, get_options how = {}
  ) {
    auto got = on_.get_many(keys, how);
    std::vector<result<typed_lookup<Value>>> out;
    out.reserve(got.size());
    for (std::size_t i = 0; i != got.size(); ++i) {
      auto read = judge(keys[i], std::move(got[i]), how.from);
      if (read.drop) note_dropped(keys[i], on_.invalidate(keys[i], *read.drop));
      out.push_back(read.again ? find(keys[i], how) : std::move(read.out));
    }
    return out;
  }

  [[nodiscard]] asio::awaitable<result<change_result>> async_put(
      std::string key, Value value, put_options how = {}
  ) {
    auto made = encoded(value);
    if (!made) co_return refused(key, made.error());
    auto done = co_await on_.async_put(key, std::move(*made), how);
    if (!done) refused(key, done.error());
    co_return done;
  }

  [[nodiscard]] result<change_result> put(
      std::string_view key, const Value& value, put_options how = {}
  ) {
    auto made = encoded(value);
    if (!made) return refused(key, made.error());
    auto done = on_.put(key, std::move(*made), how);
    if (!done) refused(key, done.error());
    return done;
  }

  /// Reads, computes and writes if nothing has changed meanwhile; see keyspace::update(). The
  /// function gets a null pointer for an absent key, and answers nullopt to change nothing. A value
  /// that cannot be decoded ends it with errc::source_failed.
  template <class Compute>

  requires std::is_invocable_r_v < std::optional<Value>, Compute,

  const Value* > [[nodiscard]] asio::awaitable<result<updated>> async_update(
                     std::string key, Compute compute, update_options how = {}
                 ) {
    auto step = stepped(std::move(compute));
    co_return co_await on_.async_update(std::move(key), std::move(step), how);
  }
  template <class Compute>

  requires std::is_invocable_r_v < std::optional<Value>, Compute,

  const Value* > [[nodiscard]] result<updated> update(
                     std::string_view key, Compute compute, update_options how = {}
                 ) {
    return on_.update(key, stepped(std::move(compute)), how);
  }

  [[nodiscard]] result<change_result> remove(std::string_view key, change_options how = {}) {
    return on_.remove(key, how);
  }

  [[nodiscard]] result<change_result> invalidate(std::string_view key, change_options how = {}) {
    auto done = on_.invalidate(key, how);
    if (!done) tell(typed_event::kind::invalidation_failed, key, done.error());
    return done;
  }

 private:
  /// What a read of bytes comes to.
  struct judged {
    result<typed_lookup<Value>> out;
    std::optional<change_options> drop = std::nullopt;  ///< what was read, if it is still there
    bool again = false;
  };

  judged judge(std::string_view key, result<lookup> got, read_from from) {
    if (!got) return {got.error()};
    auto& read = got->entry;
    typed_lookup<Value> out{
        .value = std::nullopt, .version = read.version, .ttl = read.ttl, .from = read.from};
    if (!got->found) return {std::move(out)};
    const auto drop =
        read.version
            ? std::optional(change_options{.condition = precondition::if_unchanged(read.version)})
            : std::nullopt;
    auto value = decoded(read.value);
    if (!value) {
      tell(typed_event::kind::unreadable, key, value.error());
      return {unreadable(key, value.error()), drop};
    }
    if (is_refused(key, *value)) {
      tell(typed_event::kind::refused_by_guard, key, {});
      return {std::move(out), drop, from != read_from::source};
    }
    out.value = std::move(*value);
    return {std::move(out)};
  }

  result<Value> decoded(const bytes& value) const {
    if (value.size() > options_.max_size) return errc::too_large;
    try {
      return decode_by<Value>(codec_, value.view());
    } catch (const std::exception& thrown) {
      return error(errc::bad_request, error_context{.remark = thrown.what()});
    }
  }

  result<bytes> encoded(const Value& value) const {
    try {
      result<bytes> made = codec_.encode(value);
      if (made && made->size() > options_.max_size) return errc::too_large;
      return made;
    } catch (const std::exception& thrown) {
      return error(errc::bad_request, error_context{.remark = thrown.what()});
    }
  }

  bool is_refused(std::string_view key, const Value& value) const {
    if (!options_.guard) return false;
    try {
      return !options_.guard(key, value);
    } catch (...) {
      return true;
    }
  }

  error unreadable(std::string_view key, const error& why) const {
    return {
        errc::source_failed,
        error_context{
            .keyspace = std::string(on_.name()),
            .key = std::string(key),
            .detail = "the value cannot be decoded and was dropped",
            .remark = why.message()}};
  }

  template <class Compute>
  update_function stepped(Compute compute) const {
    return [self = *this,
            compute = std::move(compute)](const entry* present) mutable -> result<update_decision> {
      std::optional<Value> before;
      if (present != nullptr) {
        auto value = self.decoded(present->value);
        if (!value) return self.unreadable({}, value.error());
        before = std::move(*value);
      }
      std::optional<Value> after = compute(before ? &*before : nullptr);
      if (!after) return update_decision(std::nullopt);
      auto made = self.encoded(*after);
      if (!made) return made.error();
      return update_decision(std::move(*made));
    };
  }

  error refused(std::string_view key, error why) const {
    tell(typed_event::kind::put_refused, key, why);
    return why;
  }

  void note_dropped(std::string_view key, const result<change_result>& done) const {
    if (done || done.error() == errc::conflict) return;  // a newer one is there
    tell(typed_event::kind::invalidation_failed, key, done.error());
  }

  void tell(typed_event::kind what, std::string_view key, error why) const {
    if (!options_.on_event) return;
    options_.on_event({what, std::string(on_.name()), std::string(key), std::move(why)});
  }

  keyspace on_;
  Codec codec_;
  typed_options<Value> options_;
};

}  // namespace weir
