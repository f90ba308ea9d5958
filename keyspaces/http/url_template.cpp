#include "http/url_template.hpp"

#include <weir/transport/host_port.hpp>
#include <weir/transport/http_client.hpp>
#include <weir/transport/http_target.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {
namespace {

constexpr std::string_view place = "{key}";

std::string fill(std::string_view with_places, std::string_view what) {
  std::string filled;
  for (;;) {
    const auto found = with_places.find(place);
    filled.append(with_places.substr(0, found));
    if (found == std::string_view::npos) return filled;
    filled.append(what);
    with_places.remove_prefix(found + place.size());
  }
}

bool has_dot_part(std::string_view path) noexcept {
  for (;;) {
    const auto end = path.find_first_of("/\\");  // some servers take either
    const auto part = path.substr(0, end);
    if (part == "." || part == "..") return true;
    if (end == std::string_view::npos) return false;
    path.remove_prefix(end + 1);
  }
}

/// The host as it stands in an authority, without port and brackets.
std::string_view host_in(std::string_view authority) noexcept {
  if (!authority.starts_with('[')) return authority.substr(0, authority.find(':'));
  return authority.substr(1, authority.find(']') - 1);
}

}  // namespace

url_template::url_template(std::string text) : text_(std::move(text)) {
  const auto refuse = [&](const std::string& why) {
    throw std::invalid_argument("weir: the url \"" + text_ + "\" of an http source " + why);
  };
  const auto scheme = text_.substr(0, text_.find("://"));
  if (!http_name_equal(scheme, "http") && !http_name_equal(scheme, "https")) {
    refuse(
        scheme == text_ ? "needs a scheme: http://host/path/{key}"
                        : "has the scheme \"" + scheme + "\"; only http and https are supported"
    );
  }
  const std::string_view rest = std::string_view(text_).substr(scheme.size() + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find('@') != std::string_view::npos) {
    refuse("has user information; put credentials into a header");
  }
  if (authority.find_first_of("{}") != std::string_view::npos)
    refuse("must not take its host from the key");
  if (rest.find('#') != std::string_view::npos) refuse("has a fragment (#), which is never sent");
  if (text_.find(place) == std::string::npos) refuse("has no {key}");
  const auto filled = fill(text_, "k");
  if (filled.find_first_of("{}") != std::string::npos)
    refuse("has braces that are not {key}; write %7B and %7D");
  const std::string host(host_in(authority));
  if (!is_address(host)) {
    // "2130706433", "0x7f.1" and the like: addresses for some, names for others.
    if (ends_in_number(host)) refuse("has a host that is a number but no IPv4 address");
    if (!host.empty() && !is_host_name(host))
      refuse("has the host \"" + host + "\", which is no name of a host");
  }
  const auto parsed = parse_http_url(filled);
  if (!parsed) refuse("is not a URL: http://host[:port]/path, other characters percent-encoded");
  server_ = to_string(parsed->server);

  auto path = rest.substr(authority.size());
  path = path.substr(0, path.find('?'));
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (segment.find(place) == std::string_view::npos) continue;
    auto decoded = decode_path_segment(segment);
    if (!decoded) refuse("has a % without two hex digits after it");
    segments_.push_back(std::move(*decoded));
  }
}

std::optional<std::string> url_template::url_for(std::string_view key) const {
  for (const auto& segment : segments_) {
    if (has_dot_part(fill(segment, key))) return std::nullopt;
  }
  return fill(text_, encode_path_segment(key));
}

}  // namespace weir
