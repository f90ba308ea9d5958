#include "ares_loop.hpp"

#include <weir/transport/dns_client.hpp>

#include <utility>

namespace weir {
namespace {

constexpr int internet_class = 1;

dns_status status_of(int status) noexcept {
  switch (status) {
    case ARES_SUCCESS:
      return dns_status::answered;
    case ARES_ENOTFOUND:
      return dns_status::no_such_name;
    case ARES_ENODATA:
      return dns_status::no_records;
    case ARES_ETIMEOUT:
      return dns_status::timed_out;
    case ARES_EBADRESP:
    case ARES_EBADNAME:
      return dns_status::malformed;
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return dns_status::closed;
    default:
      return dns_status::failed;
  }
}

void on_answer(void* data, int status, int, unsigned char* message, int size) {
  const std::unique_ptr<dns_client::callback> done(static_cast<dns_client::callback*>(data));
  dns_reply reply{.status = status_of(status)};
  if (reply.status == dns_status::answered) reply.message.assign(message, message + size);
  (*done)(std::move(reply));
}

}  // namespace

struct dns_client::impl {
  std::shared_ptr<ares_loop> ares;
};

dns_client::dns_client(asio::any_io_executor executor, const dns_client_options& options)
    : impl_(std::make_unique<impl>(impl{std::make_shared<ares_loop>(
          std::move(executor),
          ares_loop_options{options.query_timeout, options.tries, options.servers}
      )})) {}

dns_client::~dns_client() {
  close();
}

void dns_client::close() {
  impl_->ares->close();
}

void dns_client::ask(const std::string& name, dns_type type, callback done) {
  const auto ares = impl_->ares;  // the callback may be what destroys this client
  if (ares->channel() == nullptr) return done({.status = dns_status::closed});
  auto waiting = std::make_unique<callback>(std::move(done));
  ares_search(
      ares->channel(),
      name.c_str(),
      internet_class,
      static_cast<int>(type),
      &on_answer,
      waiting.release()
  );
  ares->asked();
}

}  // namespace weir
