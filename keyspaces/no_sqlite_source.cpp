#include <weir/keyspaces/make_sources.hpp>

#include <stdexcept>

namespace weir {

std::shared_ptr<data_source> make_sqlite_source(sqlite_source_options) {
  throw std::invalid_argument(
      "weir: this build has no sqlite source; build with WEIR_WITH_SQLITE=ON"
  );
}

}  // namespace weir
