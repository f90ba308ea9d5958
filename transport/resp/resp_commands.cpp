#include <weir/transport/resp_commands.hpp>

namespace weir {

void resp_commands::begin(std::size_t arguments) {
  ++count_;
  text_.append("*").append(std::to_string(arguments)).append("\r\n");
}

void resp_commands::argument(std::string_view bytes) {
  text_.append("$").append(std::to_string(bytes.size())).append("\r\n");
  text_.append(bytes).append("\r\n");
}

void resp_commands::add(std::initializer_list<std::string_view> arguments) {
  begin(arguments.size());
  for (const auto each : arguments) argument(each);
}

}  // namespace weir
