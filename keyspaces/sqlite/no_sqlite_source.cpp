#include <weir/keyspaces/make_sources.hpp>

#include <stdexcept>

namespace weir {

namespace {

constexpr const char* missing =
    "weir: this build has no sqlite source; build with WEIR_WITH_SQLITE=ON";

}  // namespace

std::shared_ptr<data_source> make_sqlite_source(sqlite_source_options) {
  throw bad_source("type", missing);
}

bool try_sqlite_source(const sqlite_source_options&) {
  throw bad_source("type", missing);
}

}  // namespace weir
