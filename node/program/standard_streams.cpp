#include "program/standard_streams.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace weir {

void open_standard_streams() {
  int opened = 0;
  do {
    // The lowest free descriptor is taken, so each open() fills one of the gaps.
    opened = ::open("/dev/null", O_RDONLY);
    if (opened < 0) throw std::system_error(errno, std::generic_category(), "/dev/null");
  } while (opened <= STDERR_FILENO);
  ::close(opened);
}

}  // namespace weir
