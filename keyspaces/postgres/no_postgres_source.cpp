#include <weir/keyspaces/make_sources.hpp>

namespace weir {

namespace {

bad_source without_postgres() {
  return {"type", "weir: this build has no postgres source; build with WEIR_WITH_POSTGRES=ON"};
}

}  // namespace

std::shared_ptr<data_source> make_postgres_source(const postgres_source_options&) {
  throw without_postgres();
}

std::string postgres_triggers(const postgres_source_options&) {
  throw without_postgres();
}

}  // namespace weir
