#include "tests/support/cluster/fault_proxy.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <memory>
#include <sys/socket.h>
#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using clock = std::chrono::steady_clock;

class FaultProxyTest : public ::testing::Test {
 protected:
  FaultProxyTest() : acceptor_(blocking_, {asio::ip::address_v4::loopback(), 0}) {
    thread_ = std::thread([this] { loop_.run(); });
    proxy_ = make(acceptor_.local_endpoint().port());
    near_.connect(endpoint());
    acceptor_.accept(far_);
    for (auto* each : {&near_, &far_}) {
      each->set_option(tcp::no_delay(true));
      const timeval limit{10, 0};
      ::setsockopt(each->native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
  }

  ~FaultProxyTest() override {
    proxy_.reset();
    guard_.reset();
    thread_.join();
  }

  std::unique_ptr<fault_proxy> make(std::uint16_t port) {
    return std::make_unique<fault_proxy>(
        loop_, fault_proxy_options{.target = "127.0.0.1:" + std::to_string(port)}
    );
  }

  tcp::endpoint endpoint() const {
    const auto& text = proxy_->address();
    const auto port = std::stoi(text.substr(text.rfind(':') + 1));
    return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(port)};
  }

  // What came, up to `size` bytes; less where the connection ended, "reset" where it broke.
  static std::string read(tcp::socket& from, std::size_t size) {
    std::string bytes(size, '\0');
    boost::system::error_code failed;
    const auto got = asio::read(from, asio::buffer(bytes), failed);
    if (failed == asio::error::connection_reset) return "reset";
    bytes.resize(got);
    return bytes;
  }

  static bool has_come(tcp::socket& at) { return at.available() != 0; }

  static void write(tcp::socket& to, const std::string& bytes) {
    boost::system::error_code ignored;
    asio::write(to, asio::buffer(bytes), ignored);
  }

  asio::io_context loop_;
  asio::executor_work_guard<asio::io_context::executor_type> guard_{loop_.get_executor()};
  std::thread thread_;
  asio::io_context blocking_;
  tcp::acceptor acceptor_;
  std::unique_ptr<fault_proxy> proxy_;
  tcp::socket near_{blocking_};
  tcp::socket far_{blocking_};
};

TEST_F(FaultProxyTest, PassesBytesAndEndsBothWays) {
  write(near_, "hello");
  EXPECT_EQ(read(far_, 5), "hello");
  write(far_, "world");
  EXPECT_EQ(read(near_, 5), "world");
  near_.shutdown(tcp::socket::shutdown_send);
  EXPECT_EQ(read(far_, 1), "");
  write(far_, "late");
  EXPECT_EQ(read(near_, 4), "late");
}

TEST_F(FaultProxyTest, LatencyDelaysOneDirectionOnly) {
  proxy_->set(direction::forth, {.latency = 80ms});
  const auto began = clock::now();
  write(far_, "back");
  EXPECT_EQ(read(near_, 4), "back");
  const auto back = clock::now() - began;
  write(near_, "forth");
  EXPECT_EQ(read(far_, 5), "forth");
  EXPECT_GE(clock::now() - began - back, 80ms);
}

TEST_F(FaultProxyTest, JitterKeepsTheOrder) {
  proxy_->set(direction::forth, {.jitter = 5ms});
  std::string all;
  for (int i = 0; i != 50; ++i) {
    const auto part = std::to_string(i) + ";";
    write(near_, part);
    all += part;
  }
  EXPECT_EQ(read(far_, all.size()), all);
}

TEST_F(FaultProxyTest, ABandwidthCapHoldsBackTheRest) {
  proxy_->set(direction::forth, {.bytes_per_second = 100'000});
  const auto began = clock::now();
  write(near_, std::string(20'000, 'x'));
  EXPECT_EQ(read(far_, 20'000).size(), 20'000);
  EXPECT_GE(clock::now() - began, 180ms);
}

TEST_F(FaultProxyTest, ABlackHoleSwallowsOneWayAndResetsWhenItCloses) {
  proxy_->set(direction::forth, {.black_hole = true});
  write(near_, "lost");
  write(far_, "seen");
  EXPECT_EQ(read(near_, 4), "seen");
  const auto until = clock::now() + 10s;
  while (proxy_->count().bytes_lost != 4 && clock::now() < until) std::this_thread::yield();
  EXPECT_FALSE(has_come(far_));
  proxy_->heal();
  EXPECT_EQ(read(near_, 1), "reset");
  EXPECT_EQ(read(far_, 1), "reset");
}

TEST_F(FaultProxyTest, ABlackHoleThatSwallowedNothingLeavesTheConnection) {
  proxy_->set(direction::forth, {.black_hole = true});
  proxy_->heal();
  write(near_, "hello");
  EXPECT_EQ(read(far_, 5), "hello");
}

TEST_F(FaultProxyTest, WhenItStopsReadingTheSenderIsHeldBack) {
  proxy_->set(direction::forth, {.stops_reading = true});
  near_.non_blocking(true);
  const std::string block(1 << 20, 'x');
  boost::system::error_code failed;
  std::size_t sent = 0;
  while (!failed && sent < (std::size_t{64} << 20)) {
    sent += near_.write_some(asio::buffer(block), failed);
  }
  EXPECT_EQ(failed, asio::error::would_block);
  proxy_->heal();
  EXPECT_EQ(read(far_, sent).size(), sent);
}

TEST_F(FaultProxyTest, ResetsAfterSoManyBytes) {
  proxy_->set(direction::forth, {.reset_after = 10});
  write(near_, "0123456789");
  EXPECT_EQ(read(far_, 10), "0123456789");
  write(near_, "x");
  EXPECT_EQ(read(far_, 1), "reset");
  EXPECT_EQ(read(near_, 1), "reset");
  EXPECT_EQ(proxy_->count().resets, 1);
}

TEST_F(FaultProxyTest, PassesTheEndOnLate) {
  proxy_->set(direction::forth, {.slow_close = 80ms});
  const auto began = clock::now();
  near_.shutdown(tcp::socket::shutdown_send);
  EXPECT_EQ(read(far_, 1), "");
  EXPECT_GE(clock::now() - began, 80ms);
}

TEST_F(FaultProxyTest, FlipsOneBitOfOneByte) {
  proxy_->set(direction::forth, {.corrupt_at = 3});
  const std::string sent = "0123456789";
  write(near_, sent);
  const auto got = read(far_, sent.size());
  ASSERT_EQ(got.size(), sent.size());
  for (std::size_t i = 0; i != sent.size(); ++i) {
    const auto changed = static_cast<unsigned char>(got[i] ^ sent[i]);
    EXPECT_EQ(std::popcount(changed), i == 3 ? 1 : 0) << i;
  }
  write(near_, sent);
  EXPECT_EQ(read(far_, sent.size()), sent) << "once only";
}

TEST_F(FaultProxyTest, APauseHoldsEverythingAndLosesNothing) {
  proxy_->pause();
  write(near_, "forth");
  write(far_, "back");
  proxy_->set(direction::forth, {});  // the loop went round
  EXPECT_FALSE(has_come(far_));
  EXPECT_FALSE(has_come(near_));
  proxy_->resume();
  EXPECT_EQ(read(far_, 5), "forth");
  EXPECT_EQ(read(near_, 4), "back");
}

TEST_F(FaultProxyTest, ATargetThatIsAwayShowsAsAReset) {
  acceptor_.close();
  tcp::socket another(blocking_);
  another.connect(endpoint());
  EXPECT_EQ(read(another, 1), "reset");
}

TEST_F(FaultProxyTest, ResetsAllAtOnce) {
  proxy_->reset_all();
  EXPECT_EQ(read(near_, 1), "reset");
  EXPECT_EQ(read(far_, 1), "reset");
}

}  // namespace
}  // namespace weir::test
