#include "http/door_auth.hpp"

#include <weir/transport/http_target.hpp>

#include <algorithm>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <utility>

namespace weir {
namespace {

constexpr std::uint8_t read = static_cast<std::uint8_t>(door_right::read);
constexpr std::uint8_t write = static_cast<std::uint8_t>(door_right::write);
constexpr std::uint8_t admin = static_cast<std::uint8_t>(door_right::admin);

/// What a request needs: all of some rights and one of others, or merely a known token.
struct need {
  std::uint8_t all_of = 0;
  std::uint8_t one_of = 0;
  bool everywhere = false;  // the rights must hold in all keyspaces
};

need need_of(const http_request& request, door_page page) noexcept {
  const bool is_admins = page == door_page::members || is_action(page);
  if (is_admins && request.method == http_method::post) return {admin, 0, true};
  if (page == door_page::keyspace) {
    if (request.method == http_method::get && asks_for_keys(request, page)) return {read, 0, false};
    if (request.method != http_method::post) return {};
    if (query_parameter(request.query, "purge")) return {0, write | admin, false};
    return {read, 0, false};
  }
  if (page != door_page::key) return {};
  switch (request.method) {
    case http_method::get:
    case http_method::head: {
      const bool is_fresh = query_parameter(request.query, "fresh").has_value();
      return {static_cast<std::uint8_t>(is_fresh ? read | write : read), 0, false};
    }
    case http_method::put:
    case http_method::delete_:
    case http_method::purge:
      return {write, 0, false};
    default:
      return {};
  }
}

/// What a request shows to be let in.
struct shown_token {
  std::string_view secret;  ///< the token in "Bearer TOKEN"; empty when there is none
  bool is_ambiguous = false;
};

shown_token shown_in(const http_request& request) noexcept {
  constexpr std::string_view scheme = "Bearer";
  shown_token shown;
  bool was_seen = false;
  for (const auto& field : request.fields) {
    if (!http_name_equal(field.name, "Authorization")) continue;
    if (std::exchange(was_seen, true)) return {{}, true};
    auto value = field.value;
    const auto space = value.find(' ');
    if (space == value.npos || !http_name_equal(value.substr(0, space), scheme)) continue;
    value.remove_prefix(std::min(value.find_first_not_of(' ', space), value.size()));
    shown.secret = value;
  }
  return shown;
}

bool same(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

bool door_pass::reaches(std::string_view keyspace) const {
  return !keyspaces ||
         std::find(keyspaces->begin(), keyspaces->end(), keyspace) != keyspaces->end();
}

void door_auth::replace(const std::vector<door_token>& tokens) {
  auto made = std::make_shared<table>();
  for (const auto& each : tokens) {
    std::uint8_t rights = 0;
    for (const auto right : each.allow) rights |= static_cast<std::uint8_t>(right);
    const auto keyspaces = each.keyspaces.empty()
                               ? nullptr
                               : std::make_shared<const std::vector<std::string>>(each.keyspaces);
    made->grants.push_back({hash_of(each.secret), rights, keyspaces});
  }
  const std::lock_guard lock(mutex_);
  made->generation = ++tables_;
  table_ = std::move(made);
  generation_.store(tokens.empty() ? 0 : tables_, std::memory_order_release);
}

door_auth::digest door_auth::hash_of(std::string_view secret) {
  digest out{};
  EVP_Digest(secret.data(), secret.size(), out.data(), nullptr, EVP_sha256(), nullptr);
  return out;
}

/// Fills `pass` with what the token may do; false when nobody knows it.
bool door_auth::recognize(std::string_view shown, door_pass& pass) const {
  if (shown.empty()) return false;
  const bool is_current = pass.generation == generation_.load(std::memory_order_acquire);
  if (is_current && same(pass.shown, shown)) return true;
  std::shared_ptr<const table> known;
  {
    const std::lock_guard lock(mutex_);
    known = table_;
  }
  const auto hash = hash_of(shown);
  const grant* found = nullptr;
  for (const auto& each : known->grants) {  // all of them, so that the time tells nothing
    if (CRYPTO_memcmp(each.hash.data(), hash.data(), hash.size()) == 0) found = &each;
  }
  if (found == nullptr) return false;
  pass = {known->generation, std::string(shown), found->rights, found->keyspaces};
  return true;
}

door_verdict door_auth::judge(const http_request& request, const door_route& route, door_pass& pass)
    const {
  if (route.page == door_page::livez || route.page == door_page::readyz) {
    return door_verdict::allowed;
  }
  const auto shown = shown_in(request);
  if (shown.is_ambiguous) return door_verdict::ambiguous;
  if (!recognize(shown.secret, pass)) return door_verdict::unauthorized;
  const auto wanted = need_of(request, route.page);
  const bool has_rights = (pass.rights & wanted.all_of) == wanted.all_of &&
                          (wanted.one_of == 0 || (pass.rights & wanted.one_of) != 0);
  if (!has_rights || (wanted.everywhere && pass.keyspaces)) return door_verdict::forbidden;
  if (!pass.keyspaces || (wanted.all_of | wanted.one_of) == 0) return door_verdict::allowed;
  const auto keyspace = decode_path_segment(route.keyspace);
  const bool is_reached = keyspace && pass.reaches(*keyspace);
  return is_reached ? door_verdict::allowed : door_verdict::forbidden;
}

bool door_auth::may_read(const http_request& request, std::string_view keyspace, door_pass& pass)
    const {
  if (!is_on()) return true;
  return recognize(shown_in(request).secret, pass) && allows(pass, door_right::read, keyspace);
}

bool door_auth::allows(const door_pass& pass, door_right right, std::string_view keyspace) const {
  if (!is_on()) return true;
  return (pass.rights & static_cast<std::uint8_t>(right)) != 0 && pass.reaches(keyspace);
}

}  // namespace weir
