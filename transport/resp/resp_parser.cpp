#include <weir/transport/resp_parser.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t bulk_tail = 2;  // CR LF

template <class Number>
std::optional<Number> whole_number(std::string_view digits) {
  if (digits.starts_with('+')) {
    digits.remove_prefix(1);
    if (digits.starts_with('-')) return std::nullopt;
  }
  Number read{};
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), read);
  const bool is_whole = failed == std::errc() && end == digits.data() + digits.size();
  return is_whole ? std::optional(read) : std::nullopt;
}

std::optional<double> real_number(std::string_view text) {
  constexpr auto endless = std::numeric_limits<double>::infinity();
  if (text == "inf" || text == "+inf") return endless;
  if (text == "-inf") return -endless;
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  const auto last = text.substr(std::min(text.find_first_not_of("+-"), text.size()));
  if (last.empty() || (last[0] < '0' || last[0] > '9')) return std::nullopt;  // "infinity"
  return whole_number<double>(text);
}

bool is_big_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

resp_kind kind_of_items(char type) {
  switch (type) {
    case '%':
      return resp_kind::map;
    case '~':
      return resp_kind::set;
    case '>':
      return resp_kind::push;
    default:
      return resp_kind::array;
  }
}

}  // namespace

resp_parser::status resp_parser::next(std::string_view& input, resp_value& into) {
  while (!is_malformed_) {
    const auto step = is_in_bulk_ ? take_bulk(input) : take_line(input);
    if (step == status::need_more) return step;
    is_malformed_ = step == status::malformed;
    if (!is_malformed_ && is_done_ && place(into)) return status::value;
  }
  return status::malformed;
}

resp_parser::status resp_parser::take_line(std::string_view& input) {
  const auto end = input.find('\n');
  const auto part = input.substr(0, end);
  if (line_.size() + part.size() > limits_.max_line) return status::malformed;
  if (end == input.npos) {
    line_ += part;
    input = {};
    return status::need_more;
  }
  input.remove_prefix(end + 1);
  std::string held = std::exchange(line_, {});
  std::string_view line = part;
  if (!held.empty()) line = held += part;
  if (!line.ends_with('\r')) return status::malformed;
  line.remove_suffix(1);
  return read_line(line) ? status::value : status::malformed;
}

bool resp_parser::read_line(std::string_view line) {
  if (line.empty()) return false;
  const char type = line.front();
  const auto rest = line.substr(1);
  done_ = resp_value();
  is_done_ = true;
  switch (type) {
    case '+':
    case '-':
      done_.kind = type == '+' ? resp_kind::simple : resp_kind::error;
      done_.text = rest;
      return rest.find('\r') == rest.npos;
    case ':': {
      const auto read = whole_number<std::int64_t>(rest);
      done_.kind = resp_kind::integer;
      done_.number = read.value_or(0);
      return read.has_value();
    }
    case ',': {
      const auto read = real_number(rest);
      done_.kind = resp_kind::real;
      done_.real = read.value_or(0);
      return read.has_value();
    }
    case '#':
      done_.kind = resp_kind::boolean;
      done_.number = rest == "t" ? 1 : 0;
      return rest == "t" || rest == "f";
    case '(':
      done_.kind = resp_kind::big_number;
      done_.text = rest;
      return is_big_number(rest);
    case '_':
      return rest.empty();
    case '$':
      return read_bulk_head(resp_kind::bulk, rest);
    case '!':
      return read_bulk_head(resp_kind::blob_error, rest);
    case '=':
      return read_bulk_head(resp_kind::verbatim, rest);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
      return read_items_head(type, rest);
    default:
      return false;
  }
}

bool resp_parser::read_bulk_head(resp_kind kind, std::string_view digits) {
  if (kind == resp_kind::bulk && digits == "-1") return true;
  const auto size = whole_number<std::size_t>(digits);
  if (!size || *size > std::max(limits_.max_promised, limits_.max_bulk)) return false;
  done_.kind = kind;
  if (*size > limits_.max_bulk) {
    done_.kind = resp_kind::too_large;
    done_.number = static_cast<std::int64_t>(*size);
  }
  is_done_ = false;
  is_in_bulk_ = true;
  bulk_left_ = *size + bulk_tail;
  return true;
}

resp_parser::status resp_parser::take_bulk(std::string_view& input) {
  if (bulk_left_ > bulk_tail) {
    const auto part = input.substr(0, bulk_left_ - bulk_tail);
    if (done_.kind != resp_kind::too_large) done_.text += part;
    bulk_left_ -= part.size();
    input.remove_prefix(part.size());
  }
  while (bulk_left_ <= bulk_tail && bulk_left_ > 0 && !input.empty()) {
    if (input.front() != (bulk_left_ == bulk_tail ? '\r' : '\n')) return status::malformed;
    input.remove_prefix(1);
    --bulk_left_;
  }
  if (bulk_left_ > 0) return status::need_more;
  return finish_bulk() ? status::value : status::malformed;
}

bool resp_parser::finish_bulk() {
  is_in_bulk_ = false;
  is_done_ = true;
  if (done_.kind != resp_kind::verbatim) return true;
  constexpr std::size_t format = 4;  // "txt:"
  if (done_.text.size() < format || done_.text[format - 1] != ':') return false;
  done_.text.erase(0, format);
  return true;
}

bool resp_parser::read_items_head(char type, std::string_view digits) {
  if (type == '*' && digits == "-1") return true;
  auto count = whole_number<std::size_t>(digits);
  if (!count || *count > limits_.max_items) return false;
  if (type == '>' && !stack_.empty()) return false;
  const bool is_attribute = type == '|';
  if (type == '%' || is_attribute) *count *= 2;
  items_ += *count;
  if (items_ > limits_.max_items) return false;
  done_.kind = kind_of_items(type);
  if (*count == 0) {
    is_done_ = !is_attribute;
    return true;
  }
  if (stack_.size() == limits_.max_depth) return false;
  is_done_ = false;
  stack_.push_back({std::exchange(done_, {}), *count, is_attribute});
  return true;
}

/// Puts what is whole where it belongs; true when nothing is around it.
bool resp_parser::place(resp_value& into) {
  is_done_ = false;
  while (!stack_.empty()) {
    auto& around = stack_.back();
    if (!around.is_attribute) around.value.items.push_back(std::move(done_));
    if (--around.left > 0) return false;
    const bool is_attribute = around.is_attribute;
    done_ = std::move(around.value);
    stack_.pop_back();
    if (is_attribute) return false;
  }
  items_ = 0;
  into = std::move(done_);
  return true;
}

}  // namespace weir
