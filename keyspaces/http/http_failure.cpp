#include "http/http_failure.hpp"

#include <weir/engine/errc.hpp>

#include <boost/asio/error.hpp>

namespace weir {

namespace net = boost::asio::error;

std::string http_failure_text(
    const std::string& server, const error_code& why, const std::string& said
) {
  const auto host = server.substr(0, server.rfind(':'));
  if (why == net::host_not_found)
    return server + ": there is no host \"" + host + "\" in DNS or the hosts file";
  if (why == net::host_not_found_try_again)
    return server + ": no DNS server could say which address \"" + host + "\" has";
  if (why == net::timed_out) return server + ": no connection in time";
  if (why == net::eof || why == net::connection_reset)
    return server + ": the connection was closed before the answer was complete";
  if (why == errc::protocol && !said.empty())
    return server + " answered what is not taken: " + said;
  return server + ": " + why.message();
}

}  // namespace weir
