#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/stats.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weir WEIR_API {

enum class metric_type : std::uint8_t { counter, gauge, histogram };

/// One label of a sample: name and value; the value may hold any bytes.
using metric_label = std::pair<std::string_view, std::string_view>;
using metric_labels = std::initializer_list<metric_label>;

/// Writes metrics in the Prometheus text exposition format, version 0.0.4.
///
/// Say family() once per name, then its samples: the format wants them in one block. Label values
/// are escaped, bytes that are not UTF-8 become U+FFFD; names and help are the program's own and
/// are written as they are.
class metrics_text {
 public:
  /// Begins the family `name`: its HELP and TYPE lines. `help` is one line without backslashes.
  metrics_text& family(std::string_view name, metric_type type, std::string_view help);

  /// One sample of the family.
  metrics_text& sample(metric_labels labels, std::uint64_t value);
  metrics_text& sample(metric_labels labels, double value);

  /// One histogram of the family: `_bucket` lines up to +Inf, `_sum` and `_count`.
  metrics_text& histogram(metric_labels labels, const duration_counts& counts);

  const std::string& text() const noexcept { return text_; }

 private:
  void begin_sample(std::string_view suffix, metric_labels labels, std::string_view bound);
  void append(double value);
  void append(std::uint64_t value);

  std::string name_;
  std::string text_;
};

}  // namespace weir
