// The only file that includes Boost.Beast, which takes seconds to compile.
#include "http/client/http_codec.hpp"

#include "http/http_parser.hpp"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/serializer.hpp>

#include <algorithm>
#include <optional>

namespace weir {
namespace {

namespace http = boost::beast::http;
using beast_view = boost::beast::string_view;

constexpr std::size_t max_fields = 128;
constexpr std::size_t max_value = 65'000;  // Beast counts in 16 bits, and throws beyond
constexpr int max_interim_answers = 8;
constexpr auto status_size = std::string_view("HTTP/1.1 200 ").size();

bool names_the_server_part(std::string_view name) {
  return http_name_equal(name, "host") || http_name_equal(name, "content-length") ||
         http_name_equal(name, "transfer-encoding") || http_name_equal(name, "connection");
}

std::string to_text(http::request<http::empty_body>& message) {
  http::request_serializer<http::empty_body> serializer(message);
  std::string text;
  error_code never;
  const auto append = [&text](error_code&, const auto& buffers) {
    text += boost::beast::buffers_to_string(buffers);
  };
  while (!serializer.is_done()) {
    const auto before = text.size();
    serializer.next(never, append);
    serializer.consume(text.size() - before);
  }
  return text;
}

/// Whether a line of `text`, which is the rest of a head, begins with a blank: Beast would join it
/// to the line before, and reads beyond what it joined (its iequals does).
bool has_folded_line(std::string_view text) noexcept {
  if (text.starts_with("\r\n")) return false;
  for (auto at = text.find("\r\n"); at != text.npos && at + 2 != text.size();
       at = text.find("\r\n", at + 2)) {
    const char next = text[at + 2];
    if (next == '\r') return false;  // the end of the head
    if (next == ' ' || next == '\t') return true;
  }
  return false;
}

const char* words_of(const error_code& error) noexcept {
  if (error == http::error::bad_version) return "not a status line of HTTP/1.1 or HTTP/1.0";
  if (error == http::error::bad_status) return "the status is not a number of 100..599";
  if (error == http::error::bad_reason) return "not an HTTP status line";
  if (error == http::error::bad_line_ending) return "a line must end with CR LF";
  if (error == http::error::bad_field)
    return "a header name has a character that is not allowed, or no colon";
  if (error == http::error::bad_value)
    return "a header value has a control character, or Connection is no list of words";
  if (error == http::error::bad_content_length) return "Content-Length must be decimal digits";
  if (error == http::error::bad_transfer_encoding) return "more than one Transfer-Encoding";
  if (error == http::error::header_limit) return "the header is over its limit";
  if (error == http::error::multiple_content_length) return "more than one Content-Length";
  return "not HTTP";
}

/// One head, and a body that is not chunked.
class plain_parser final : public http::basic_parser<false> {
 public:
  explicit plain_parser(http_client_response& into) : into_(into) { into_.fields.clear(); }

  /// What was wrong, in words.
  const char* words_of(const error_code& error) const noexcept {
    if (refusal_ != nullptr) return refusal_;
    const bool has_both = (error == http::error::bad_content_length && has_coding_) ||
                          (error == http::error::bad_transfer_encoding && has_length_);
    if (has_both) return "Content-Length and Transfer-Encoding in one message";
    return weir::words_of(error);
  }

 private:
  void on_response_impl(int code, beast_view, int version, error_code& error) override {
    into_.status = static_cast<unsigned>(code);
    is_http_1_0_ = version == 10;
    if (code < 100 || code > 599) error = http::error::bad_status;
  }

  /// Stricter than Beast in what frames the body.
  void on_field_impl(http::field id, beast_view name, beast_view value, error_code& error)
      override {
    if (into_.fields.size() == max_fields) {
      error = http::error::header_limit;
      refusal_ = "too many header fields";
    } else if (id == http::field::content_length) {
      const bool is_number = value.find_first_not_of("0123456789") == value.npos;
      if (!is_number) refusal_ = "Content-Length must be decimal digits";
      if (std::exchange(has_length_, true)) refusal_ = "more than one Content-Length";
    } else if (id == http::field::transfer_encoding) {
      if (!http_name_equal(value, "chunked")) refusal_ = "only the chunked coding is known";
      if (is_http_1_0_) refusal_ = "HTTP/1.0 has no Transfer-Encoding";
      if (std::exchange(has_coding_, true)) refusal_ = "more than one Transfer-Encoding";
    }
    if (refusal_ != nullptr && !error) error = http::error::bad_value;
    into_.fields.emplace_back(name, value);
  }

  std::size_t on_body_impl(beast_view piece, error_code&) override {
    into_.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_header_impl(error_code&) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  void on_finish_impl(error_code&) override {}

  // A response is no request, and chunks go to chunk_decoder.
  void on_request_impl(http::verb, beast_view, beast_view, int, error_code&) override {}

  void on_chunk_header_impl(std::uint64_t, beast_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, beast_view, error_code&) override { return 0; }

  http_client_response& into_;
  bool is_http_1_0_ = false;
  bool has_length_ = false;
  bool has_coding_ = false;
  const char* refusal_ = nullptr;  // of a field
};

}  // namespace

result<std::string> write_http_request(
    const http_client_request& request, const http_url& url, http_after after
) {
  const auto bad = make_error_code(errc::bad_request);
  const auto host = authority_of(url.server, url.is_https ? 443 : 80);
  if (request.method == http_method::other || !is_http_target(url.target)) return bad;
  if (url.server.host.empty() || !is_http_value(host)) return bad;
  http::request<http::empty_body> message;
  message.version(11);
  message.method_string(name(request.method));
  message.target(url.target);
  message.set(http::field::host, host);
  for (const auto& [field, value] : request.fields) {
    if (!is_http_token(field) || !is_http_value(value) || names_the_server_part(field)) return bad;
    if (field.size() > max_value || value.size() > max_value) return bad;
    message.insert(field, value);
  }
  const bool expects_length = request.method == http_method::put ||
                              request.method == http_method::post ||
                              request.method == http_method::patch;
  if (!request.body.empty() || expects_length) message.content_length(request.body.size());
  if (after == http_after::close) message.keep_alive(false);
  return to_text(message);
}

class http_answer_reader::impl {
 public:
  impl(http_method asked, limits most) : asked_(asked), most_(most), chunks_(most.body) { begin(); }

  asio::mutable_buffer room(std::size_t size) {
    buffer_.resize(filled_ + size);
    return asio::buffer(buffer_.data() + filled_, size);
  }

  error_code take(std::size_t size) {
    buffer_.resize(filled_ + size);
    std::size_t taken = 0;
    do {
      const auto error = step(taken);
      if (error) return error;
      buffer_.erase(0, taken);
    } while (taken != 0 && !is_complete_ && !buffer_.empty());
    filled_ = buffer_.size();
    return {};
  }

  error_code end() {
    if (is_complete_) return {};
    error_code failed = asio::error::eof;
    if (has_head_ && parser_->need_eof()) parser_->put_eof(failed);
    is_complete_ = !failed;
    return failed;
  }

  bool leaves_connection() const {
    return is_complete_ && buffer_.empty() && parser_->keep_alive();
  }

  bool has_head() const noexcept { return has_head_; }

  bool is_complete() const noexcept { return is_complete_; }

  http_client_response& answer() noexcept { return answer_; }

  const std::string& refusal() const noexcept { return refusal_; }

 private:
  void begin() {
    head_size_ = 0;
    parser_.emplace(answer_);
    parser_->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(most_.header, UINT32_MAX)
    ));
    if (most_.body == UINT64_MAX)
      parser_->body_limit(boost::none);
    else
      parser_->body_limit(most_.body);
    parser_->skip(asked_ == http_method::head);
  }

  error_code refuse(const char* why) {
    refusal_ = why;
    return make_error_code(errc::protocol);
  }

  error_code refuse_size(const char* why) {
    refusal_ = why;
    refusal_ += "; taken are " + std::to_string(max_fields) + " fields and " +
                std::to_string(most_.header) + " bytes";
    return make_error_code(errc::protocol);
  }

  /// Takes what can be taken from the front of the buffer, and says how much that was.
  error_code step(std::size_t& taken) {
    taken = 0;
    if (is_complete_ || buffer_.empty()) return {};
    if (!has_head_) return take_head(taken);
    return parser_->chunked() ? take_chunks(taken) : put(taken);
  }

  error_code take_head(std::size_t& taken) {
    if (head_size_ == 0) {
      // What begins wrongly is refused at once: shown less, Beast waits for the end of the head.
      if (buffer_.size() < status_size) return {};
      // Servers that give no reason leave out the blank before it, too; Beast wants it.
      if (buffer_[status_size - 1] == '\r') buffer_.insert(status_size - 1, 1, ' ');
    }
    if (has_folded_line(buffer_)) return refuse("folded header lines are not taken");
    const auto failed = put(taken);
    if (failed) return failed;
    // Beast itself counts only what it has not taken yet.
    head_size_ += taken;
    const bool is_whole = parser_->is_header_done();
    const auto size = head_size_ + (is_whole ? 0 : buffer_.size() - taken);
    if (size > most_.header) return refuse_size("the header is over its limit");
    return is_whole ? finish_head() : error_code();
  }

  error_code finish_head() {
    has_head_ = answer_.status >= 200;
    if (has_head_) return {};
    is_complete_ = false;
    if (answer_.status == 101) return refuse("101, though no other protocol was asked for");
    if (++interim_answers_ > max_interim_answers) return refuse("interim answers without end");
    begin();
    return {};
  }

  error_code put(std::size_t& taken) {
    error_code failed;
    taken = parser_->put(asio::buffer(buffer_), failed);
    is_complete_ = parser_->is_done();
    if (!failed || failed == http::error::need_more) return {};
    if (failed == http::error::body_limit) return make_error_code(errc::too_large);
    const char* why = parser_->words_of(failed);
    return failed == http::error::header_limit ? refuse_size(why) : refuse(why);
  }

  error_code take_chunks(std::size_t& taken) {
    http_refusal why;
    const auto state = chunks_.decode(buffer_, taken, answer_.body, why);
    is_complete_ = state == parse_state::complete;
    if (state != parse_state::refused) return {};
    return why.status == 413 ? make_error_code(errc::too_large) : refuse(why.detail);
  }

  const http_method asked_;
  const limits most_;
  std::string buffer_;      // received and not taken
  std::size_t filled_ = 0;  // of buffer_, outside take()
  http_client_response answer_;
  std::optional<plain_parser> parser_;
  chunk_decoder chunks_;
  std::size_t head_size_ = 0;
  int interim_answers_ = 0;
  bool has_head_ = false;
  bool is_complete_ = false;
  std::string refusal_;
};

http_answer_reader::http_answer_reader(http_method asked, limits most)
    : impl_(std::make_unique<impl>(asked, most)) {}

http_answer_reader::~http_answer_reader() = default;

asio::mutable_buffer http_answer_reader::room(std::size_t size) {
  return impl_->room(size);
}

error_code http_answer_reader::take(std::size_t size) {
  return impl_->take(size);
}

error_code http_answer_reader::end() {
  return impl_->end();
}

bool http_answer_reader::has_head() const noexcept {
  return impl_->has_head();
}

bool http_answer_reader::is_complete() const noexcept {
  return impl_->is_complete();
}

bool http_answer_reader::leaves_connection() const {
  return impl_->leaves_connection();
}

http_client_response& http_answer_reader::answer() noexcept {
  return impl_->answer();
}

const std::string& http_answer_reader::refusal() const noexcept {
  return impl_->refusal();
}

}  // namespace weir
