#pragma once

#include "event_hub.hpp"

#include <weir/doors/http_door.hpp>
#include <weir/transport/tls.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>
#include <vector>

namespace weir {

/// The certificates of one node: of the peer link and of the HTTP door. Looks every second whether
/// their files have changed.
class node_tls : public std::enable_shared_from_this<node_tls> {
 public:
  /// Reads the files; throws std::invalid_argument when they cannot be used, or when others would
  /// refuse the certificate; that of peers must be for node `id`. What has no `cert` stays plain.
  node_tls(
      const std::string& id,
      const tls_files& peer,
      const tls_files& http,
      std::shared_ptr<event_hub> hub,
      asio::io_context& loop
  );

  void watch();
  void stop();

  /// Reads the files again now; logs what came of it. Blocks for the time of reading.
  void reload();

  /// Empty when plain.
  tls_source peer_server() const;
  tls_source peer_client() const;
  tls_source http_server() const;

  /// A line per certificate: an expired one of the HTTP door fails; an expired one of the peer door,
  /// and one near its end, is noted.
  void append_checks(std::vector<readiness_check>& to) const;
  void append_metrics(metrics_text& out) const;

 private:
  struct held {
    std::string use;
    std::shared_ptr<tls_credentials> files;
  };

  std::shared_ptr<tls_credentials> load(
      const std::string& use, const tls_files& files, const std::string& name
  );
  void reload(const held& which);
  void look_later();

  const std::shared_ptr<event_hub> hub_;
  asio::io_context& loop_;
  asio::steady_timer timer_;
  std::vector<held> all_;
  std::shared_ptr<tls_credentials> peer_, http_;
};

}  // namespace weir
