#include "http/http_lines.hpp"

#include <charconv>

namespace weir {

using namespace http_lines;

namespace {

constexpr std::size_t max_chunk_line = 256;

}  // namespace

parse_state chunk_decoder::take_size(
    std::string_view line, std::uint64_t decoded, http_refusal& why
) {
  const auto* end = line.data() + line.size();
  const auto parsed = std::from_chars(line.data(), end, left_, 16);
  if (parsed.ec == std::errc::result_out_of_range)
    return refuse(why, 413, "a chunk is over the body limit");
  if (parsed.ec != std::errc()) return refuse(why, 400, "a chunk begins with its size in hex");
  const auto extension = trim({parsed.ptr, static_cast<std::size_t>(end - parsed.ptr)});
  if (!extension.empty() && (extension.front() != ';' || !all_of_class(extension, 2))) {
    return refuse(why, 400, "text behind a chunk size");
  }
  if (left_ > limit_ - std::min(limit_, decoded))
    return refuse(why, 413, "the body is over its limit");
  step_ = left_ == 0 ? step::trailer : step::data;
  return parse_state::complete;
}

parse_state chunk_decoder::take_trailer(std::string_view line, http_refusal& why) {
  if (line.empty()) {
    step_ = step::done;
    return parse_state::complete;
  }
  trailer_bytes_ += line.size() + 2;
  if (trailer_bytes_ > head_limits().header)
    return refuse(why, 431, "the trailers are over their limit");
  http_field ignored;
  return take_field(line, ignored, why);
}

parse_state chunk_decoder::decode(
    std::string_view input, std::size_t& consumed, std::string& out, http_refusal& why
) {
  consumed = 0;
  while (step_ != step::done) {
    if (step_ == step::data) {
      const auto part = input.substr(
          consumed, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()))
      );
      if (part.empty()) return parse_state::need_more;
      out.append(part);
      consumed += part.size();
      left_ -= part.size();
      if (left_ == 0) step_ = step::data_end;
      continue;
    }
    std::string_view line;
    const auto state = take_line(input, consumed, line, why);
    if (state == parse_state::refused) return state;
    const auto open = state == parse_state::need_more ? input.size() - consumed : line.size();
    const auto line_limit = step_ == step::trailer ? head_limits().header : max_chunk_line;
    if (open > line_limit) return refuse(why, 400, "a chunk line is over its limit");
    if (state == parse_state::need_more) {
      // Behind the data only CR LF may follow; say so before the line ends.
      if (step_ == step::data_end && open > 1)
        return refuse(why, 400, "a chunk is longer than its size");
      return state;
    }
    if (step_ == step::data_end) {
      if (!line.empty()) return refuse(why, 400, "a chunk is longer than its size");
      step_ = step::size;
      continue;
    }
    const auto taken =
        step_ == step::size ? take_size(line, out.size(), why) : take_trailer(line, why);
    if (taken != parse_state::complete) return taken;
  }
  return parse_state::complete;
}

}  // namespace weir
