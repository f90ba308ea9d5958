#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/bytes.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace weir WEIR_API {

using std::chrono::milliseconds;

/// What the owner calls one state of a key: a random epoch per term of ownership and a sequence
/// number.
///
/// Callers compare versions for equality only. An absent key has a version too. {0,0} means "none":
/// the value was passed through, and no node can tell later whether it changed.
struct version {
  std::uint64_t epoch = 0;
  std::uint64_t seq = 0;

  explicit operator bool() const noexcept { return epoch != 0; }

  friend bool operator==(version, version) = default;
};

/// The ETag form without quotes, `<epoch>-<seq>` in lower-case hex.
std::string to_string(version v);

/// Reads the form that to_string() writes; anything else is nullopt.
std::optional<version> parse_version(std::string_view text) noexcept;

/// What a source said beside the value, kept only when there is something to keep.
struct metadata {
  std::string content_type;        ///< as the source gave it; empty = application/octet-stream
  std::string etag;                ///< the source's own entity tag, sent back to revalidate
  std::string last_modified = {};  ///< the source's date of the value, where it gave no etag
  /// What the source granted the value when it was new; of use to the source when it confirms it.
  std::optional<milliseconds> freshness = std::nullopt;
};

/// How the answer came about at one node; the parts of one Cache-Status member (RFC 9211).
enum class served_from : std::uint8_t {
  memory,  ///< a hit among owned entries
  near,    ///< a hit among near copies
  load,    ///< the source was called
  peer,    ///< the former owner of the key handed over what it had kept
};

/// Why an answer is special; empty for a plain hit or load.
enum class served_detail : std::uint8_t { none, near, gutter, passthrough, unleased, stale };

/// Where an entry came from, for Cache-Status, `--explain` and tests.
struct origin {
  served_from from = served_from::memory;  ///< at the node that had the value
  served_detail detail = served_detail::none;
  bool collapsed = false;  ///< joined a load that another caller began
  bool stored = false;     ///< the node that had the value keeps it
  std::string node;        ///< id of the node that had the value; empty = the one that was asked
};

/// One answer: the value of a key, its version and the time it has left.
struct entry {
  bytes value;
  weir::version version;
  milliseconds ttl{0};                   ///< remaining; 0 = not kept
  milliseconds age{0};                   ///< since the load began
  std::shared_ptr<const metadata> meta;  ///< null = none
  origin from;

  /// The value as text; the bytes need not be text.
  std::string text() const { return value.text(); }
};

/// An answer that tells absence from failure: `found` is false for a key that the source does not
/// have.
struct lookup {
  bool found = false;
  weir::entry entry;  ///< of an absent key: no value, but version, ttl and origin
};

}  // namespace weir
