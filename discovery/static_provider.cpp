#include <weir/discovery/static_provider.hpp>
#include <weir/engine/limits.hpp>
#include <weir/transport/host_port.hpp>

#include <stdexcept>

namespace weir {

result<candidate> parse_candidate(std::string_view text) {
  candidate out;
  if (const auto equals = text.find('='); equals != std::string_view::npos) {
    out.id = text.substr(0, equals);
    if (!is_name(out.id)) return errc::bad_request;
    text.remove_prefix(equals + 1);
  }
  const auto address = parse_host_port(text);
  if (!address) return address.error();
  if (address->host.empty() || address->port == 0) return errc::bad_request;
  out.address = to_string(*address);
  return out;
}

static_provider::static_provider(const std::vector<std::string>& peers) {
  for (const auto& each : peers) {
    auto read = parse_candidate(each);
    if (!read) {
      throw std::invalid_argument(
          "static peer \"" + each + "\" is not an address; write host:port or id=host:port"
      );
    }
    peers_.push_back(std::move(*read));
  }
}

void static_provider::start(environment&, answer_callback answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
  answer_(peers_);
}

void static_provider::stop() {
  const std::lock_guard lock(mutex_);
  answer_ = nullptr;
}

void static_provider::replace(std::vector<candidate> peers) {
  const std::lock_guard lock(mutex_);
  peers_ = std::move(peers);
  if (answer_) answer_(peers_);
}

}  // namespace weir
