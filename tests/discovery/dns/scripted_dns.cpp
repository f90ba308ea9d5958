#include "tests/discovery/dns/scripted_dns.hpp"

#include "tests/discovery/dns/dns_wire.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

namespace weir::test {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using error = boost::system::error_code;

struct scripted_dns::connection {
  explicit connection(tcp::socket from) : socket(std::move(from)) {}

  tcp::socket socket;
  std::string head = std::string(2, '\0');
  std::string text;
};

scripted_dns::scripted_dns(script first) : udp_(loop_), tcp_(loop_), script_(std::move(first)) {
  while (!has_port()) continue;  // until one is free for both protocols
  receive();
  accept();
  thread_ = std::thread([this] { loop_.run(); });
}

bool scripted_dns::has_port() {
  const auto here = asio::ip::address_v4::loopback();
  udp_ = udp::socket(loop_, udp::endpoint(here, 0));
  tcp_ = tcp::acceptor(loop_, tcp::v4());
  tcp_.set_option(tcp::acceptor::reuse_address(true));
  error fault;
  tcp_.bind(tcp::endpoint(here, udp_.local_endpoint().port()), fault);
  if (fault) return false;
  tcp_.listen();
  return true;
}

scripted_dns::~scripted_dns() {
  loop_.stop();
  thread_.join();
}

void scripted_dns::answer_with(script next) {
  const std::lock_guard lock(mutex_);
  script_ = std::move(next);
}

std::string scripted_dns::address() const {
  return "127.0.0.1:" + std::to_string(udp_.local_endpoint().port());
}

int scripted_dns::questions() const {
  const std::lock_guard lock(mutex_);
  return questions_;
}

int scripted_dns::tcp_questions() const {
  const std::lock_guard lock(mutex_);
  return tcp_questions_;
}

void scripted_dns::receive() {
  packet_.assign(512, '\0');
  udp_.async_receive_from(asio::buffer(packet_), asker_, [this](error failed, std::size_t size) {
    if (!failed) {
      const auto text = answer(packet_.substr(0, size), false);
      error ignored;
      if (!text.empty()) udp_.send_to(asio::buffer(text), asker_, 0, ignored);
    }
    receive();
  });
}

void scripted_dns::accept() {
  tcp_.async_accept([this](error failed, tcp::socket socket) {
    if (failed) return;
    read(std::make_shared<connection>(std::move(socket)));
    accept();
  });
}

void scripted_dns::read(const std::shared_ptr<connection>& from) {
  asio::async_read(from->socket, asio::buffer(from->head), [this, from](error failed, std::size_t) {
    if (failed) return;
    const auto high = static_cast<unsigned char>(from->head[0]);
    from->text.resize(high * 256u + static_cast<unsigned char>(from->head[1]));
    asio::async_read(
        from->socket,
        asio::buffer(from->text),
        [this, from](error broken, std::size_t) {
          if (broken) return;
          const auto text = answer(from->text, true);
          error ignored;
          if (!text.empty()) {
            const auto size = dns_wire::u16(static_cast<std::uint16_t>(text.size()));
            asio::write(from->socket, asio::buffer(size + text), ignored);
          }
          read(from);
        }
    );
  });
}

std::string scripted_dns::answer(const std::string& asked, bool is_tcp) {
  dns_question question{.is_tcp = is_tcp};
  const auto byte = [&](std::size_t at) {
    return at < asked.size() ? static_cast<unsigned char>(asked[at]) : 0u;
  };
  question.id = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
  std::size_t at = 12;
  while (byte(at) != 0) {
    if (!question.name.empty()) question.name += '.';
    question.name += asked.substr(at + 1, byte(at));
    at += byte(at) + 1;
  }
  question.type = static_cast<std::uint16_t>(byte(at + 1) << 8 | byte(at + 2));
  script chosen;
  {
    const std::lock_guard lock(mutex_);
    ++(is_tcp ? tcp_questions_ : questions_);
    chosen = script_;
  }
  return chosen(question);
}

}  // namespace weir::test
