#include "kubernetes/kubernetes_message.hpp"

#include <weir/engine/errc.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <new>

namespace weir {
namespace {

namespace json = boost::json;

constexpr std::string_view service_label = "kubernetes.io/service-name";
constexpr std::size_t max_kubernetes_name = 253;
constexpr std::size_t max_version = 128;

/// What is wrong with an answer; caught where reading begins.
struct wrong {
  errc code;
};

[[noreturn]] void refuse(errc code = errc::bad_request) {
  throw wrong{code};
}

/// Memory of the parser, up to a limit.
class limited_memory final : public json::memory_resource {
 public:
  explicit limited_memory(std::size_t most) : left_(most) {}

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    if (size > left_) refuse(errc::too_large);
    void* made = ::operator new(size, std::align_val_t(alignment));
    left_ -= size;
    return made;
  }

  void do_deallocate(void* at, std::size_t size, std::size_t alignment) override {
    left_ += size;
    ::operator delete(at, std::align_val_t(alignment));  // the pool of 1.81 names another size
  }

  bool do_is_equal(const json::memory_resource& other) const noexcept override {
    return this == &other;
  }

  std::size_t left_;
};

const json::object& object_of(const json::value* given) {
  if (given == nullptr || !given->is_object()) refuse();
  return given->get_object();
}

/// The member; null counts as absent, as in the API.
const json::value* find(const json::object& in, std::string_view name) {
  const auto* found = in.if_contains(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string_view text_of(const json::value* given, std::size_t most) {
  if (given == nullptr || !given->is_string()) refuse();
  const std::string_view text = given->get_string();
  if (text.size() > most) refuse();
  return text;
}

std::string_view text_or_none(const json::object& in, std::string_view name) {
  const auto* found = find(in, name);
  return found == nullptr ? std::string_view() : text_of(found, max_kubernetes_name);
}

/// Versions are opaque, but they go into a URL.
std::string version_of(const json::object& metadata) {
  std::string text(text_of(find(metadata, "resourceVersion"), max_version));
  const auto is_plain = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (text.empty() || !std::all_of(text.begin(), text.end(), is_plain)) refuse();
  return text;
}

enum class family { v4, v6, names };

family family_of(const json::object& slice) {
  const auto type = text_of(find(slice, "addressType"), max_kubernetes_name);
  if (type == "IPv4") return family::v4;
  if (type == "IPv6") return family::v6;
  if (type == "FQDN") return family::names;
  refuse();
}

/// A literal that can be dialled, in the form that this program writes.
std::string address_of(std::string_view text, family wanted) {
  error_code bad;
  const auto address = asio::ip::make_address(text, bad);
  if (bad || address.is_unspecified() || address.is_multicast()) refuse();
  if (address.is_v4() != (wanted == family::v4)) refuse();
  if (address.is_v4() && address.to_v4() == asio::ip::address_v4::broadcast()) refuse();
  if (address.is_v6() && address.to_v6().scope_id() != 0) refuse();
  return address.to_string();
}

std::optional<bool> condition(const json::object& in, std::string_view name) {
  const auto* found = find(in, name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_bool()) refuse();
  return found->get_bool();
}

kubernetes_endpoint endpoint_of(const json::value& given, family wanted) {
  const auto& in = object_of(&given);
  const auto* addresses = find(in, "addresses");
  if (addresses == nullptr || !addresses->is_array() || addresses->get_array().empty()) refuse();
  kubernetes_endpoint out;
  // All addresses of one endpoint lead to the same pod.
  out.address = address_of(text_of(&addresses->get_array()[0], max_kubernetes_name), wanted);
  out.pod = out.address;
  if (const auto* target = find(in, "targetRef")) {
    const auto& pod = object_of(target);
    const auto uid = text_or_none(pod, "uid");
    const auto name = text_or_none(pod, "name");
    if (!uid.empty() || !name.empty()) out.pod = uid.empty() ? name : uid;
  }
  if (const auto* conditions = find(in, "conditions")) {
    out.is_terminating = condition(object_of(conditions), "terminating").value_or(false);
    out.is_serving = condition(object_of(conditions), "serving");
  }
  return out;
}

std::uint16_t port_of(const json::object& slice, const kubernetes_wanted& wanted) {
  if (wanted.port != 0) return wanted.port;
  const auto* ports = find(slice, "ports");
  if (ports == nullptr) return 0;
  if (!ports->is_array()) refuse();
  for (const auto& each : ports->get_array()) {
    const auto& port = object_of(&each);
    const auto protocol = text_or_none(port, "protocol");
    if (text_or_none(port, "name") != wanted.port_name) continue;
    if (!protocol.empty() && protocol != "TCP") continue;
    const auto* number = find(port, "port");
    if (number == nullptr) continue;  // all ports
    if (!number->is_int64() || number->get_int64() < 1 || number->get_int64() > 65'535) refuse();
    return static_cast<std::uint16_t>(number->get_int64());
  }
  return 0;
}

void check_service(const json::object& metadata, const kubernetes_wanted& wanted) {
  const auto& labels = object_of(find(metadata, "labels"));
  if (text_or_none(labels, service_label) != wanted.service) refuse();
}

std::string name_of(const json::object& metadata) {
  const auto name = text_of(find(metadata, "name"), max_kubernetes_name);
  if (name.empty()) refuse();
  return std::string(name);
}

kubernetes_slice slice_of(
    const json::value& given, const kubernetes_wanted& wanted, const kubernetes_limits& limits
) {
  const auto& in = object_of(&given);
  const auto& metadata = object_of(find(in, "metadata"));
  check_service(metadata, wanted);
  kubernetes_slice out{.name = name_of(metadata), .endpoints = {}};
  const auto addresses = family_of(in);
  out.port = port_of(in, wanted);
  const auto* endpoints = find(in, "endpoints");
  if (endpoints == nullptr || addresses == family::names) return out;
  if (!endpoints->is_array()) refuse();
  const auto& all = endpoints->get_array();
  if (all.size() > limits.endpoints) refuse(errc::too_large);
  out.endpoints.reserve(all.size());
  for (const auto& each : all) out.endpoints.push_back(endpoint_of(each, addresses));
  return out;
}

/// Parses `text` in bounded memory and gives it to `read`.
template <class T, class Read>
result<T> reading(
    std::string_view text, std::size_t most, const kubernetes_limits& limits, Read read
) {
  if (text.size() > most) return make_error_code(errc::too_large);
  try {
    limited_memory memory(limits.memory);
    json::monotonic_resource pool(4'096, &memory);
    json::parse_options options;
    options.max_depth = limits.depth;
    error_code bad;
    json::parser parser(&memory, options);
    parser.reset(&pool);
    parser.write(text, bad);
    if (bad) return make_error_code(errc::bad_request);
    const auto parsed = parser.release();
    return read(object_of(&parsed));
  } catch (const wrong& found) {
    return make_error_code(found.code);
  } catch (const std::bad_alloc&) {
    return make_error_code(errc::too_large);
  }
}

kubernetes_change change_of(
    const json::object& in, const kubernetes_wanted& wanted, const kubernetes_limits& limits
) {
  const auto type = text_of(find(in, "type"), max_kubernetes_name);
  const auto* subject = find(in, "object");
  const auto& object = object_of(subject);
  kubernetes_change out;
  if (type == "ERROR") {
    const auto* code = find(object, "code");
    if (code == nullptr || !code->is_int64()) refuse();
    out.what = kubernetes_change::kind::error;
    out.status = static_cast<unsigned>(std::clamp<std::int64_t>(code->get_int64(), 0, 999));
    return out;
  }
  const auto& metadata = object_of(find(object, "metadata"));
  out.version = version_of(metadata);
  if (type == "BOOKMARK") return out;
  if (text_or_none(object, "kind") != "EndpointSlice") refuse();
  if (type == "DELETED") {
    out.what = kubernetes_change::kind::removed;
    out.slice.name = name_of(metadata);
    return out;
  }
  if (type != "ADDED" && type != "MODIFIED") refuse();
  out.what = kubernetes_change::kind::set;
  out.slice = slice_of(*subject, wanted, limits);
  return out;
}

}  // namespace

result<kubernetes_list> read_kubernetes_list(
    std::string_view text, const kubernetes_wanted& wanted, const kubernetes_limits& limits
) {
  return reading<kubernetes_list>(text, limits.document, limits, [&](const json::object& in) {
    if (text_or_none(in, "kind") != "EndpointSliceList") refuse();
    const auto& metadata = object_of(find(in, "metadata"));
    // One page was asked for, and it holds all.
    const auto* rest = find(metadata, "continue");
    if (rest != nullptr && *rest != "") refuse(errc::too_large);
    kubernetes_list out{.version = version_of(metadata), .slices = {}};
    const auto* items = find(in, "items");
    if (items == nullptr) return out;
    if (!items->is_array()) refuse();
    const auto& all = items->get_array();
    if (all.size() > limits.slices) refuse(errc::too_large);
    for (const auto& each : all) out.slices.push_back(slice_of(each, wanted, limits));
    return out;
  });
}

std::string read_kubernetes_message(std::string_view text, const kubernetes_limits& limits) {
  constexpr std::size_t most = 200;
  const auto read = reading<std::string>(text, limits.line, limits, [](const json::object& in) {
    if (text_or_none(in, "kind") != "Status") refuse();
    const auto* message = find(in, "message");
    if (message == nullptr || !message->is_string()) refuse();
    std::string out(message->get_string().subview(0, most));
    const auto is_odd = [](unsigned char c) { return c < 0x20 || c >= 0x7f; };
    std::replace_if(out.begin(), out.end(), is_odd, '?');
    return out;
  });
  return read ? *read : std::string();
}

result<kubernetes_change> read_kubernetes_change(
    std::string_view line, const kubernetes_wanted& wanted, const kubernetes_limits& limits
) {
  return reading<kubernetes_change>(line, limits.line, limits, [&](const json::object& in) {
    return change_of(in, wanted, limits);
  });
}

}  // namespace weir
