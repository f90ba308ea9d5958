#include "http/http_confirmation.hpp"

#include "http/http_date.hpp"

namespace weir {
namespace {

constexpr std::size_t max_kept_field = 255;

std::string kept(const http_client_response& answer, std::string_view name) {
  const auto value = answer.header(name);
  return std::string(value && value->size() <= max_kept_field ? *value : std::string_view());
}

/// A date tells two states apart only if a second has passed since (RFC 9110, 8.8.2.2).
std::string kept_date(const http_client_response& answer) {
  auto written = kept(answer, "last-modified");
  const auto changed = parse_http_date(written);
  const auto sent = parse_http_date(kept(answer, "date"));
  return changed && sent && *changed < *sent ? written : std::string();
}

/// Weak comparison (RFC 9110, 8.8.3.2).
bool is_same_tag(std::string_view a, std::string_view b) noexcept {
  const auto opaque = [](std::string_view tag) {
    return tag.starts_with("W/") ? tag.substr(2) : tag;
  };
  return opaque(a) == opaque(b);
}

}  // namespace

std::shared_ptr<const metadata> metadata_of(
    const http_client_response& answer, const http_freshness& granted
) {
  metadata meta{.content_type = kept(answer, "content-type"), .etag = kept(answer, "etag")};
  if (meta.etag.empty()) meta.last_modified = kept_date(answer);
  const bool is_confirmable = !meta.etag.empty() || !meta.last_modified.empty();
  if (is_confirmable) meta.freshness = granted.lifetime;
  if (meta.content_type.empty() && !is_confirmable) return nullptr;
  return std::make_shared<const metadata>(std::move(meta));
}

bool add_condition(http_fields& to, const loaded* former) {
  if (former == nullptr || !former->meta) return false;
  const auto& meta = *former->meta;
  if (!meta.etag.empty())
    to.emplace_back("if-none-match", meta.etag);
  else if (!meta.last_modified.empty())
    to.emplace_back("if-modified-since", meta.last_modified);
  else
    return false;
  return true;
}

std::optional<loaded> confirmed(
    const loaded& former, const http_client_response& answer, std::chrono::sys_seconds now
) {
  metadata meta = *former.meta;
  if (const auto tag = kept(answer, "etag"); !tag.empty()) {
    if (!meta.etag.empty() && !is_same_tag(tag, meta.etag)) return std::nullopt;
    meta.etag = tag;
  }
  if (auto type = kept(answer, "content-type"); !type.empty()) meta.content_type = std::move(type);
  auto said = freshness_of(answer.fields, now);
  if (said.lifetime)
    meta.freshness = said.lifetime;
  else
    said.lifetime = meta.freshness;
  return loaded{
      .value = former.value,
      .ttl = said.ttl(),
      .meta = std::make_shared<const metadata>(std::move(meta))};
}

}  // namespace weir
