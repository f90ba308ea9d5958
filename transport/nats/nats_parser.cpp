#include "nats/nats_parser.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

namespace weir {
namespace {

namespace json = boost::json;

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view info_word = "INFO";
constexpr std::size_t most_urls = 64;
constexpr std::size_t longest_url = 300;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_allowed(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 0x20 && byte != 0x7f) || c == '\t';
}

/// Takes one word and the blanks around it off `rest`.
std::string_view take_word(std::string_view& rest) {
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  const auto end = std::find_if(rest.begin(), rest.end(), is_blank);
  const auto word = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(word.size());
  while (!rest.empty() && is_blank(rest.front())) rest.remove_prefix(1);
  return word;
}

std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

bool read_flag(const json::object& from, std::string_view name, bool& into) {
  const auto* found = from.if_contains(name);
  if (found == nullptr) return true;
  if (!found->is_bool()) return false;
  into = found->get_bool();
  return true;
}

bool read_urls(const json::object& from, std::vector<std::string>& into) {
  const auto* found = from.if_contains("connect_urls");
  if (found == nullptr || found->is_null()) return true;
  if (!found->is_array() || found->get_array().size() > most_urls) return false;
  for (const auto& each : found->get_array()) {
    if (!each.is_string() || each.get_string().size() > longest_url) return false;
    into.emplace_back(each.get_string());
  }
  return true;
}

}  // namespace

bool read_nats_info(std::string_view text, nats_info& into) {
  boost::system::error_code bad;
  const auto parsed = json::parse(json::string_view(text.data(), text.size()), bad);
  if (bad || !parsed.is_object()) return false;
  const auto& object = parsed.get_object();
  if (const auto* found = object.if_contains("max_payload")) {
    if (!found->is_int64() || found->get_int64() <= 0) return false;
    into.max_payload = static_cast<std::size_t>(found->get_int64());
  }
  return read_flag(object, "tls_required", into.is_tls_required) &&
         read_flag(object, "tls_available", into.is_tls_available) &&
         read_urls(object, into.connect_urls);
}

nats_parser::status nats_parser::fail() {
  phase_ = phase::failed;
  line_.clear();
  payload_.clear();
  return status::failed;
}

/// True when the line is complete or cannot become one.
bool nats_parser::take_line(std::string_view& rest) {
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (line_.ends_with('\r')) {
      if (c != '\n') phase_ = phase::failed;
      line_.pop_back();
      return true;
    }
    const auto most = line_.starts_with(info_word) ? limits_.max_info : limits_.max_line;
    if (c != '\r' && (!is_allowed(c) || line_.size() >= most)) {
      phase_ = phase::failed;
      return true;
    }
    line_ += c;
  }
  return false;
}

nats_parser::status nats_parser::next(std::string_view& rest, nats_input& into) {
  while (true) {
    switch (phase_) {
      case phase::failed:
        return fail();
      case phase::line: {
        if (!take_line(rest)) return status::need_more;
        if (phase_ == phase::failed) return fail();
        const auto read = read_line(into);
        line_.clear();
        if (read != status::need_more) return read;
        break;
      }
      case phase::payload:
      case phase::skipped:
      case phase::payload_end: {
        const auto taken = take_payload(rest, into);
        if (taken != status::need_more || phase_ != phase::payload_end || rest.empty()) {
          return taken;
        }
        break;
      }
    }
  }
}

nats_parser::status nats_parser::read_line(nats_input& into) {
  std::string_view rest = line_;
  const auto word = take_word(rest);
  const auto plain = [&](nats_op op) {
    if (!rest.empty()) return fail();
    into.op = op;
    into.text.clear();
    return status::input;
  };
  const auto with_text = [&](nats_op op) {
    if (rest.empty()) return fail();
    into.op = op;
    into.text = rest;
    return status::input;
  };
  if (word == "MSG") return read_message(rest);
  if (word == "PING") return plain(nats_op::ping);
  if (word == "PONG") return plain(nats_op::pong);
  if (word == "+OK") return plain(nats_op::ok);
  if (word == info_word) return with_text(nats_op::info);
  if (word == "-ERR") return with_text(nats_op::error);
  return fail();
}

/// `MSG <subject> <sid> [reply-to] <#bytes>`
nats_parser::status nats_parser::read_message(std::string_view arguments) {
  std::vector<std::string_view> words;
  while (!arguments.empty() && words.size() <= 4) words.push_back(take_word(arguments));
  if (words.size() != 3 && words.size() != 4) return fail();
  const auto sid = read_number(words[1]);
  const auto size = read_number(words.back());
  if (!sid || !size || *size > limits_.max_declared) return fail();
  pending_.op = nats_op::message;
  pending_.subject = words[0];
  pending_.sid = *sid;
  missing_ = static_cast<std::size_t>(*size);
  is_skipping_ = missing_ > limits_.max_message;
  phase_ = is_skipping_ ? phase::skipped : phase::payload;
  return status::need_more;
}

nats_parser::status nats_parser::take_payload(std::string_view& rest, nats_input& into) {
  if (phase_ != phase::payload_end) {
    const auto size = std::min(missing_, rest.size());
    if (phase_ == phase::payload) payload_.append(rest.substr(0, size));
    rest.remove_prefix(size);
    missing_ -= size;
    if (missing_ != 0) return status::need_more;
    phase_ = phase::payload_end;
    missing_ = line_end.size();
    return status::need_more;
  }
  while (missing_ != 0 && !rest.empty()) {
    if (rest.front() != line_end[line_end.size() - missing_]) return fail();
    rest.remove_prefix(1);
    --missing_;
  }
  if (missing_ != 0) return status::need_more;
  phase_ = phase::line;
  if (is_skipping_) return status::too_large;
  pending_.text = std::exchange(payload_, {});
  into = pending_;
  return status::input;
}

}  // namespace weir
