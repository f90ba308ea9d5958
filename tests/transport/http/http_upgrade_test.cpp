#include "transport/http/server/http_upgrade.hpp"

#include "tests/transport/http/http_support.hpp"

#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <future>

namespace weir {
namespace {

using asio::ip::tcp;
using test::get;

struct handed_over {
  tcp::socket socket;
  std::string leftover;
  std::string path;
};

class HttpUpgradeTest : public test::server_fixture {
 protected:
  /// serve(), with an upgrade to weir/1 on a server of its own.
  void serve_upgrades() {
    serve();
    server_ = std::make_unique<http_server>(threads_->loops(), http_limits{}, handler_);
    on_upgrade(
        *server_,
        "weir/1",
        [this](weir::net_stream stream, std::string leftover, const http_request& request) {
          upgraded_.set_value(handed_over{
              std::move(stream.socket()), std::move(leftover), std::string(request.path)});
        }
    );
    address_ = server_->listen("127.0.0.1:0").value();
  }

  std::promise<handed_over> upgraded_;
};

const std::string upgrade_fields = "Connection: Upgrade\r\nUpgrade: weir/1\r\n";

TEST_F(HttpUpgradeTest, HandsOverTheSocketWithWhatCameBehindTheRequest) {
  serve_upgrades();
  auto client = connect();
  client.send(get("/first") + get("/peer", upgrade_fields) + "early frame");
  EXPECT_EQ(client.receive().status, 200u);
  const auto switching = client.receive();
  EXPECT_EQ(switching.status, 101u);
  EXPECT_TRUE(switching.says("Upgrade: weir/1\r\n"));
  auto got = upgraded_.get_future().get();
  EXPECT_EQ(got.path, "/peer");
  EXPECT_EQ(got.leftover, "early frame");
  asio::write(got.socket, asio::buffer(std::string("frames")));
  EXPECT_EQ(client.receive_bytes(6), "frames");
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 0; }));
}

TEST_F(HttpUpgradeTest, KeepsTheSocketWhenTheServerStops) {
  serve_upgrades();
  auto client = connect();
  client.send(get("/", upgrade_fields));
  EXPECT_EQ(client.receive().status, 101u);
  auto got = upgraded_.get_future().get();
  server_->stop();
  asio::write(got.socket, asio::buffer(std::string("still")));
  EXPECT_EQ(client.receive_bytes(5), "still");
}

TEST_F(HttpUpgradeTest, AnswersRequestsThatDoNotQualifyAsUsual) {
  serve_upgrades();
  auto client = connect();
  client.send(get("/a", "Upgrade: weir/1\r\n"));
  EXPECT_EQ(client.receive().body, "GET /a  ");
  client.send(get("/b", "Connection: Upgrade\r\nUpgrade: weir/2\r\n"));
  EXPECT_EQ(client.receive().body, "GET /b  ");
  client.send("POST /c HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n" + upgrade_fields + "\r\nx");
  EXPECT_EQ(client.receive().body, "POST /c  x");
}

}  // namespace
}  // namespace weir
