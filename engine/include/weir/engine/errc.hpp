#pragma once

#include <weir/engine/api.hpp>

#include <boost/system/error_category.hpp>
#include <boost/system/error_code.hpp>

#include <string_view>

namespace weir WEIR_API {

/// Every way in which a weir operation can fail; the same names stand in HTTP problem documents,
/// in metrics (`outcome`) and in logs. Each says what the caller can do.
enum class errc {
  /// The source says that the key does not exist. Create it there, or treat it as absent.
  not_found = 1,
  /// No keyspace of that name on this node (or it was removed). Check the name and the
  /// configuration.
  no_keyspace,
  /// The key is empty. Pass 1 byte or more.
  bad_key,
  /// A malformed request or argument. Correct it; repeating it as it is will not help.
  bad_request,
  /// No or wrong credentials. Send a valid token.
  unauthorized,
  /// The credentials do not allow this operation. Ask for the right.
  forbidden,
  /// The keyspace does not allow this operation (`writes: deny`), or the source cannot do it.
  method_not_allowed,
  /// The entry is not the one that the precondition names. Read again, then retry.
  conflict,
  /// Key, value or batch is over its limit. Send less, or raise the limit.
  too_large,
  /// A queue or limit is full. Retry after a while, with growing delay.
  overloaded,
  /// The source was asked and failed. Retry later; look at the source.
  source_failed,
  /// The deadline passed first. The load may still finish and be kept.
  deadline_exceeded,
  /// A write that may or may not have happened. Read, then decide.
  unknown_outcome,
  /// No node could answer, or this one is stopping. Of a put or remove: nothing was changed. Of an
  /// invalidation or clear: too few members took note of it. Repeat it.
  unavailable,
  /// The asked node does not own the slot in its own view. Handled inside the engine.
  not_owner,
  /// A peer broke the wire protocol, or speaks another version. The connection was closed.
  protocol,
};

/// The category of errc, named "weir".
const boost::system::error_category& weir_category() noexcept;

boost::system::error_code make_error_code(errc code) noexcept;

/// The snake_case name of `code`, as on the wire: "not_found". Static storage.
std::string_view name(errc code) noexcept;

/// The name of any error code: that of errc for ours, "source_failed" for foreign ones.
std::string_view name(const boost::system::error_code& code) noexcept;

}  // namespace weir

template <>
struct boost::system::is_error_code_enum<weir::errc> : std::true_type {};
