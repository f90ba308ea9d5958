// Changes of a key whose source is a store: the source first, then the cache.

#include "keyspace_core.hpp"

namespace weir {

asio::awaitable<change_reply> keyspace_core::write_through(
    change_request request, time_point /*deadline*/
) {
  co_return apply(request);
}

}  // namespace weir
