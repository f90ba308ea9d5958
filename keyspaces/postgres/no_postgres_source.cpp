#include <weir/keyspaces/make_sources.hpp>

namespace weir {

std::shared_ptr<data_source> make_postgres_source(postgres_source_options) {
  throw bad_source(
      "type", "weir: this build has no postgres source; build with WEIR_WITH_POSTGRES=ON"
  );
}

}  // namespace weir
