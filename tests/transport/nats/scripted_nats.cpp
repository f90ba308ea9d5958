#include "tests/transport/nats/scripted_nats.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <array>

namespace weir::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

struct scripted_nats::connection {
  explicit connection(tcp::socket taken) : socket(std::move(taken)) {}

  tcp::socket socket;
  std::array<char, 4'096> buffer{};
  std::string unread;
  std::string subject;
};

scripted_nats::scripted_nats(std::string greeting)
    : acceptor_(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()),
      greeting_(std::move(greeting)) {
  accept();
  thread_ = std::thread([this] { loop_.run(); });
}

scripted_nats::~scripted_nats() {
  loop_.stop();
  thread_.join();
}

void scripted_nats::greet_with(std::string greeting) {
  const std::lock_guard lock(mutex_);
  greeting_ = std::move(greeting);
}

void scripted_nats::answer_ping_with(std::string answer) {
  const std::lock_guard lock(mutex_);
  pong_ = std::move(answer);
}

void scripted_nats::send(const std::string& bytes) {
  asio::post(loop_, [this, bytes] {
    if (newest_) write(*newest_, bytes);
  });
}

void scripted_nats::send_message(const std::string& payload) {
  asio::post(loop_, [this, payload] {
    if (!newest_) return;
    const auto size = std::to_string(payload.size());
    write(*newest_, "MSG " + newest_->subject + " 1 " + size + "\r\n" + payload + "\r\n");
  });
}

std::string scripted_nats::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

int scripted_nats::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void scripted_nats::accept() {
  acceptor_.async_accept([this](const error_code& failed, tcp::socket socket) {
    if (failed) return;
    newest_ = std::make_shared<connection>(std::move(socket));
    std::string greeting;
    {
      const std::lock_guard lock(mutex_);
      ++connections_;
      greeting = greeting_;
    }
    write(*newest_, greeting);
    read(newest_);
    accept();
  });
}

void scripted_nats::read(const std::shared_ptr<connection>& from) {
  auto got = [this, from](const error_code& failed, std::size_t size) {
    if (failed) return;
    from->unread.append(from->buffer.data(), size);
    {
      const std::lock_guard lock(mutex_);
      received_.append(from->buffer.data(), size);
    }
    take(*from);
    read(from);
  };
  from->socket.async_read_some(asio::buffer(from->buffer), std::move(got));
}

void scripted_nats::take(connection& from) {
  while (true) {
    const auto end = from.unread.find("\r\n");
    if (end == std::string::npos) return;
    const auto line = from.unread.substr(0, end);
    if (line.starts_with("PUB ")) {
      const auto size = std::stoul(line.substr(line.rfind(' ') + 1));
      if (from.unread.size() < end + 4 + size) return;
      const auto payload = from.unread.substr(end + 2, size);
      write(from, "MSG " + from.subject + " 1 " + std::to_string(size) + "\r\n" + payload + "\r\n");
      from.unread.erase(0, end + 4 + size);
      continue;
    }
    if (line.starts_with("SUB ")) from.subject = line.substr(4, line.rfind(' ') - 4);
    if (line == "PING") {
      std::string pong;
      {
        const std::lock_guard lock(mutex_);
        pong = pong_;
      }
      write(from, pong);
    }
    from.unread.erase(0, end + 2);
  }
}

void scripted_nats::write(connection& to, const std::string& bytes) {
  error_code ignored;
  asio::write(to.socket, asio::buffer(bytes), ignored);
}

}  // namespace weir::test
