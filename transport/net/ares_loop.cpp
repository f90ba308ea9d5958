#include "net/ares_loop.hpp"

#include <weir/engine/result.hpp>
#include <weir/transport/host_port.hpp>

#include <algorithm>
#include <stdexcept>
#include <sys/time.h>
#include <utility>

namespace weir {

struct ares_loop::watch {
  explicit watch(const asio::any_io_executor& executor) : descriptor(executor) {}

  asio::posix::stream_descriptor descriptor;
  bool wants_read = false, wants_write = false;
  bool reading = false, writing = false;
};

ares_loop::ares_loop(asio::any_io_executor executor, const ares_loop_options& options)
    : executor_(std::move(executor)), timer_(executor_) {
  ares_options settings{};
  settings.timeout = static_cast<int>(options.query_timeout.count());
  settings.tries = options.tries;
  settings.flags = ARES_FLAG_NOSEARCH;
  settings.lookups = lookups_;
  settings.sock_state_cb = &ares_loop::on_socket_state;
  settings.sock_state_cb_data = this;
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                   ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&ares_, &settings, mask) != ARES_SUCCESS)
    throw std::runtime_error("cannot set up the DNS resolver");
  if (!options.servers.empty() &&
      ares_set_servers_ports_csv(ares_, options.servers.c_str()) != ARES_SUCCESS) {
    ares_destroy(ares_);
    throw std::invalid_argument(
        "resolver servers: want addresses, optionally with a port, separated by commas"
    );
  }
  read_search_list();
}

void ares_loop::read_search_list() {
  ares_options known{};
  int mask = 0;
  if (ares_save_options(ares_, &known, &mask) != ARES_SUCCESS) return;
  if (mask & ARES_OPT_NDOTS) dots_to_be_whole_ = static_cast<std::size_t>(std::max(known.ndots, 0));
  if (mask & ARES_OPT_DOMAINS) {
    for (int i = 0; i < known.ndomains; ++i) domains_.emplace_back(without_root(known.domains[i]));
  }
  ares_destroy_options(&known);
}

std::vector<std::string> ares_loop::names_for(const std::string& name) const {
  if (name.ends_with('.')) return {name};
  const auto whole = name + '.';
  const auto dots = static_cast<std::size_t>(std::count(name.begin(), name.end(), '.'));
  std::vector<std::string> names;
  if (dots >= dots_to_be_whole_) names.push_back(whole);
  for (const auto& domain : domains_) {
    auto longer = domain.empty() || domain == "." ? whole : whole + domain + '.';
    if (std::find(names.begin(), names.end(), longer) == names.end())
      names.push_back(std::move(longer));
  }
  if (std::find(names.begin(), names.end(), whole) == names.end()) names.push_back(whole);
  return names;
}

ares_loop::~ares_loop() {
  close();
}

void ares_loop::close() {
  if (ares_ == nullptr) return;
  ares_destroy(std::exchange(ares_, nullptr));
  timer_.cancel();
}

void ares_loop::on_socket_state(void* data, ares_socket_t socket, int readable, int writable) {
  static_cast<ares_loop*>(data)->set_watch(socket, readable != 0, writable != 0);
}

void ares_loop::set_watch(ares_socket_t socket, bool read, bool write) {
  const auto found = watches_.find(socket);
  if (!read && !write) {
    if (found == watches_.end()) return;
    found->second->wants_read = found->second->wants_write = false;
    found->second->descriptor.release();  // c-ares closes it
    watches_.erase(found);
    return;
  }
  auto& watched = watches_[socket];
  if (!watched) {
    watched = std::make_shared<watch>(executor_);
    watched->descriptor.assign(socket);
  }
  watched->wants_read = read;
  watched->wants_write = write;
  wait_on(socket, watched);
}

void ares_loop::wait_on(ares_socket_t socket, const std::shared_ptr<watch>& watched) {
  using wait = asio::posix::stream_descriptor;
  if (watched->wants_read && !watched->reading) {
    watched->reading = true;
    watched->descriptor.async_wait(
        wait::wait_read,
        [self = shared_from_this(), socket, watched](const error_code&) {
          watched->reading = false;
          if (watched->wants_read) self->process(socket, ARES_SOCKET_BAD, watched);
        }
    );
  }
  if (watched->wants_write && !watched->writing) {
    watched->writing = true;
    watched->descriptor.async_wait(
        wait::wait_write,
        [self = shared_from_this(), socket, watched](const error_code&) {
          watched->writing = false;
          if (watched->wants_write) self->process(ARES_SOCKET_BAD, socket, watched);
        }
    );
  }
}

void ares_loop::process(
    ares_socket_t readable, ares_socket_t writable, const std::shared_ptr<watch>& watched
) {
  if (ares_ == nullptr) return;
  const auto socket = readable == ARES_SOCKET_BAD ? writable : readable;
  ares_process_fd(ares_, readable, writable);
  wait_on(socket, watched);
  arm_timer();
}

void ares_loop::arm_timer() {
  timeval left{};
  if (ares_ == nullptr || ares_timeout(ares_, nullptr, &left) == nullptr) {
    timer_.cancel();
    return;
  }
  timer_.expires_after(std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  timer_.async_wait([self = shared_from_this()](const error_code& stopped) {
    if (stopped || self->ares_ == nullptr) return;
    ares_process_fd(self->ares_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    self->arm_timer();
  });
}

}  // namespace weir
