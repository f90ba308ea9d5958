#include "program/commands.hpp"
#include "program/standard_streams.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <malloc.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

/// The width of the terminal; 0 when it is none.
std::size_t columns_of(int descriptor) {
  winsize size{};
  if (::isatty(descriptor) == 0) return 0;
  const bool is_known = ::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return is_known ? size.ws_col : 80;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace weir;
  open_standard_streams();
  const auto variable = [](std::string_view name) -> std::optional<std::string> {
    const char* found = std::getenv(std::string(name).c_str());
    return found != nullptr ? std::optional<std::string>(found) : std::nullopt;
  };
  const bool is_colored = ::isatty(STDOUT_FILENO) != 0 && variable("NO_COLOR").value_or("").empty();
  const console streams{
      std::cin,
      std::cout,
      std::cerr,
      is_colored ? color_use::colored : color_use::plain,
      columns_of(STDOUT_FILENO)};
  try {
    const auto parsed = parse_command_line({argv + std::min(argc, 1), argv + argc}, variable);
    std::cout << parsed.out;
    std::cerr << parsed.err;
    auto code = parsed.code;
    if (parsed.command) {
      http_client_options client;
      if (const auto& ca = parsed.command->ca; !ca.empty()) {
        auto made = make_tls_client(ca);
        if (!made) {
          std::cerr << "weir: authorities of --ca or WEIR_CA: " << made.error().text << '\n';
          return static_cast<int>(exit_code::failure);
        }
        client.tls = std::move(*made);
      }
      const auto fetch = [&](http_client_request request) {
        return http_fetch(std::move(request), client);
      };
      // What a keyspace may take is a promise about the process. Buffers of large values, taken from
      // the heap, would leave holes among what stays, and so would a heap per thread.
      if (parsed.command->command == verb::serve) {
        ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
        ::mallopt(M_ARENA_MAX, 2);
      }
      code = run_command(*parsed.command, fetch, streams);
    }
    // A node goes on without a reader of its banner; a command that prints has failed.
    const auto& ran = parsed.command;
    const bool serves = ran && ran->command == verb::serve && !ran->check_only && !ran->print_only;
    std::cout.flush();
    if (!serves && !std::cout && code == exit_code::ok) {
      std::cerr
          << "weir: cannot write to standard output; is the disk full, or was the reader closed?\n";
      code = exit_code::failure;
    }
    return static_cast<int>(code);
  } catch (const std::exception& failed) {
    std::cerr << "weir: " << failed.what() << '\n';
    return static_cast<int>(exit_code::failure);
  }
}
