#pragma once

#include <weir/engine/entry.hpp>
#include <weir/transport/http_message.hpp>

#include <string>
#include <string_view>

namespace weir {

/// Writes the response fields that tell about an entry: ETag, Age, Cache-Status, Content-Type.
/// Immutable; any thread.
class door_fields {
 public:
  explicit door_fields(std::string_view own_id);

  /// Adds them to `response`. `scratch` is overwritten; keep it, and nothing is allocated.
  void add(http_response& response, const lookup& found, std::string& scratch) const;

  /// Appends the Cache-Status value of an answer (RFC 9211): one member per node passed, the one
  /// nearest the source first.
  void append_cache_status(std::string& out, const entry& answer) const;

 private:
  std::string own_id_;
  std::string own_item_;
};

/// Appends `"<epoch>-<seq>"` with its quotes.
void append_etag(std::string& out, version v);

/// Appends `id` as an item of structured fields (RFC 8941): a token if it can be one, else a
/// string, in which bytes beyond printable ASCII become '?'.
void append_item(std::string& out, std::string_view id);

}  // namespace weir
