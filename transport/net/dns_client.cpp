#include "net/ares_loop.hpp"

#include <weir/transport/dns_client.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

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

/// How much a failed answer says: one that may be otherwise later goes before one that is sure.
int weight_of(dns_status status) noexcept {
  switch (status) {
    case dns_status::no_such_name:
      return 1;
    case dns_status::no_records:
      return 2;
    default:
      return 3;
  }
}

/// One question, name by name of the search list until there is an answer.
struct search {
  std::shared_ptr<ares_loop> ares;
  std::vector<std::string> names;
  dns_type type;
  dns_client::callback done;
  std::size_t next = 0;
  dns_status worst = dns_status::no_such_name;
};

void ask_next(std::unique_ptr<search> of);

void on_answer(void* data, int status, int, unsigned char* message, int size) {
  std::unique_ptr<search> of(static_cast<search*>(data));
  dns_reply reply{.status = status_of(status)};
  if (reply.status == dns_status::answered) {
    reply.message.assign(message, message + size);
  } else if (reply.status != dns_status::closed) {
    if (weight_of(reply.status) >= weight_of(of->worst)) of->worst = reply.status;
    if (of->next != of->names.size() && of->ares->channel() != nullptr)
      return ask_next(std::move(of));
    reply.status = of->worst;
  }
  of->done(std::move(reply));
}

void ask_next(std::unique_ptr<search> of) {
  const auto ares = of->ares;
  const auto& name = of->names[of->next++];
  const auto type = static_cast<int>(of->type);
  auto* const waiting = of.release();
  ares_query(ares->channel(), name.c_str(), internet_class, type, &on_answer, waiting);
  ares->asked();
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
  ask_next(std::make_unique<search>(search{ares, ares->names_for(name), type, std::move(done)}));
}

}  // namespace weir
