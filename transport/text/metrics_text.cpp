#include <weir/transport/metrics_text.hpp>
#include <weir/transport/text.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace weir {
namespace {

std::string_view type_name(metric_type type) noexcept {
  switch (type) {
    case metric_type::counter:
      return "counter";
    case metric_type::gauge:
      return "gauge";
    case metric_type::histogram:
      return "histogram";
  }
  return "untyped";
}

void append_label_value(std::string& out, std::string_view value) {
  while (!value.empty()) {
    const auto length = utf8_length(value);
    if (length == 0) {
      out.append("\xef\xbf\xbd");
    } else if (value.front() == '\\' || value.front() == '"') {
      out.append({'\\', value.front()});
    } else if (value.front() == '\n') {
      out.append("\\n");
    } else {
      out.append(value.substr(0, length));
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
}

std::string bound_text(double bound) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), bound).ptr};
}

}  // namespace

metrics_text& metrics_text::family(std::string_view name, metric_type type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help);
  text_.append("\n# TYPE ").append(name).append(" ").append(type_name(type)).append("\n");
  return *this;
}

metrics_text& metrics_text::sample(metric_labels labels, std::uint64_t value) {
  begin_sample({}, labels, {});
  append(value);
  return *this;
}

metrics_text& metrics_text::sample(metric_labels labels, double value) {
  begin_sample({}, labels, {});
  append(value);
  return *this;
}

metrics_text& metrics_text::histogram(metric_labels labels, const duration_counts& counts) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i != counts.buckets.size(); ++i) {
    below += counts.buckets[i];
    const bool is_last = i == duration_bounds.size();
    begin_sample("_bucket", labels, is_last ? "+Inf" : bound_text(duration_bounds[i]));
    append(below);
  }
  begin_sample("_sum", labels, {});
  append(counts.seconds);
  // The sum of the buckets, not `count`: the two may have been read at different moments.
  begin_sample("_count", labels, {});
  append(below);
  return *this;
}

void metrics_text::begin_sample(
    std::string_view suffix, metric_labels labels, std::string_view bound
) {
  text_.append(name_).append(suffix);
  char before = '{';
  const auto label = [&](std::string_view name, std::string_view value) {
    text_.push_back(before);
    text_.append(name).append("=\"");
    append_label_value(text_, value);
    text_.push_back('"');
    before = ',';
  };
  for (const auto& [name, value] : labels) label(name, value);
  if (!bound.empty()) label("le", bound);
  if (before == ',') text_.push_back('}');
  text_.push_back(' ');
}

void metrics_text::append(double value) {
  if (std::isnan(value)) {
    text_.append("NaN\n");
  } else if (std::isinf(value)) {
    text_.append(value > 0 ? "+Inf\n" : "-Inf\n");
  } else {
    text_.append(bound_text(value)).push_back('\n');
  }
}

void metrics_text::append(std::uint64_t value) {
  std::array<char, 20> digits;
  text_.append(digits.data(), std::to_chars(digits.data(), digits.data() + 20, value).ptr);
  text_.push_back('\n');
}

}  // namespace weir
