#pragma once

namespace weir {

/// Opens /dev/null, for reading, as each of the descriptors 0 to 2 that is closed, so that no file
/// or socket of the program becomes its input, output or log; what is written there fails as
/// before. Throws std::system_error when /dev/null cannot be opened. First of all, on one thread.
void open_standard_streams();

}  // namespace weir
