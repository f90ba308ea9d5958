#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/entry.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/explain.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/result.hpp>
#include <weir/engine/view.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir WEIR_API {

/// The role in which the asked node serves a request. It never forwards it again.
enum class serve_as : std::uint8_t { owner, gutter };

/// What the asked node does for one key. `cached`: serve or load it. `fresh`: invalidate and load
/// it. `observe`: tell its version only. `peek`: answer from what it kept of a term that is over.
/// `adopt`: as the new owner, ask the former one for what it kept; answered without a value.
enum class get_mode : std::uint8_t { cached, fresh, observe, peek, adopt };

/// "The value of one key, please."
struct get_request {
  std::string keyspace;
  std::string key;
  serve_as role = serve_as::owner;
  get_mode mode = get_mode::cached;
  bool explain = false;
  bool is_of_batch = false;  ///< its load waits in the line of batches
  version held;              ///< the asker has this one: no bytes when it still holds
};

struct get_reply {
  lookup answer;              ///< valid without error
  bool is_leased = false;     ///< the asked node held a lease: the answer may be kept
  bool is_unchanged = false;  ///< what the asker holds is right; `answer` has no value
  weir::error error;          ///< an errc, or none; with words where they are known
  std::vector<explain_step> steps;
  std::vector<member> view;  ///< with errc::not_owner: the members as the asked node sees them
};

/// "The values of these keys", all owned by the asked node.
struct get_many_request {
  std::string keyspace;
  std::vector<std::string> keys;
  serve_as role = serve_as::owner;
};

struct get_many_reply {
  std::vector<get_reply> answers;  ///< one per key, in their order
};

/// `clear`, of every key, is no order to another node: it goes round as a change_record.
enum class change_kind : std::uint8_t { put, remove, invalidate, clear };

/// "Change this key." An order to its owner; any other node refuses it with errc::not_owner.
/// Members are told of the change by a change_record.
struct change_request {
  std::string keyspace;
  change_kind kind = change_kind::invalidate;
  std::string key;  ///< empty for clear
  bytes value;      ///< for put
  std::optional<milliseconds> ttl;
  precondition condition;
};

struct change_reply {
  weir::version version;
  weir::error error;
  std::vector<member> view;  ///< with errc::not_owner
  /// Not 0: the change is ordered and still being broadcast; ask how it ended with confirm_request.
  /// 0: it has ended as the fields below say.
  std::uint64_t ticket = 0;
  std::vector<std::string> unconfirmed;
  milliseconds bound{0};
  bool is_stored = false;  ///< the source took it
};

/// "How did the change end that you gave this ticket for?" Answered when it has ended, or by the
/// deadline.
struct confirm_request {
  std::uint64_t ticket = 0;
};

struct confirm_reply {
  error_code error;
  std::vector<std::string> unconfirmed;
  milliseconds bound{0};
};

/// One change, as every member receives it: drop what you have of the key, whatever your role.
struct change_record {
  std::string keyspace;
  std::string key;        ///< empty = every key
  weir::version version;  ///< of the change; none = no owner ordered it: drop unconditionally
  bytes value;            ///< pushed to members that hold the key already
  milliseconds ttl{0};    ///< of the pushed value, when the message left; 0 = none was pushed
  milliseconds age{0};    ///< of the pushed value, likewise
};

/// "I am leaving; take me off your ring."
struct leave_request {};

struct leave_reply {};

/// "What have you done so far?" Answered with text for people and tools; the engine does not read
/// it.
struct report_request {};

struct report_reply {
  error_code error;  ///< errc::too_large: over max_report
  std::string text;
};

inline constexpr std::size_t max_report = 1u << 20;  ///< bytes of the text

}  // namespace weir
