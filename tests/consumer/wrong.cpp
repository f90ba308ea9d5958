// Programs that must not compile, one per number; wrong.sh says what the compiler has to answer.
#include <weir/engine/cache.hpp>
#include <weir/weir.hpp>

namespace {

[[maybe_unused]] void compile() {
  weir::cache cache;
  const weir::keyspace_options users{.name = "users"};
#if WRONG == 1  // a key of another type
  cache.add_keyspace(users, [](int) { return weir::bytes(); });
#elif WRONG == 2  // an argument too many
  cache.add_keyspace(users, [](std::string_view, int) { return weir::bytes(); });
#elif WRONG == 3  // an answer that is no value
  cache.add_keyspace(users, [](std::string_view) { return 42; });
#elif WRONG == 4  // no answer
  cache.add_keyspace(users, [](std::string_view) {});
#elif WRONG == 5  // an object that is not derived from data_source
  struct plain {
    weir::result<weir::loaded> load(std::string_view) { return weir::errc::not_found; }
  };

  cache.add_keyspace(users, std::make_shared<plain>());
#elif WRONG == 6  // load() has another signature and overrides nothing
  struct other_load : weir::blocking_source {
    weir::result<weir::loaded> load(const std::string&) { return weir::errc::not_found; }
  };

  cache.add_keyspace(users, weir::make_source_of<other_load>());
#elif WRONG == 7  // a time without a unit
  cache.add_keyspace({.name = "users", .ttl = 60}, [](std::string_view) { return "x"; });
#elif WRONG == 8
  weir::put_options how{.ttl = 60};
#elif WRONG == 9
  weir::get_options how{.timeout = 0.5};
#elif WRONG == 10  // answers that are thrown away
  weir::node node;
  weir::memory_store store;
  auto space = cache.find_keyspace("users");
  auto session = space.session();
  node.start();
  node.remove_keyspace("users");
  node.forget("n2");
  cache.remove_keyspace("users");
  store.put("a", "b");
  store.erase("a");
  space.get("a");
  space.find("a");
  space.get_many({"a"});
  space.observe("a");
  space.put("a", "b");
  space.remove("a");
  space.put_many({});
  space.remove_many({"a"});
  space.update("a", nullptr);
  space.invalidate("a");
  space.clear();
  space.async_get("a");
  space.async_find("a");
  space.async_get_many({"a"});
  space.async_observe("a");
  space.async_put("a", "b");
  space.async_remove("a");
  space.async_put_many({});
  space.async_remove_many({"a"});
  space.async_update("a", nullptr);
  space.async_invalidate("a");
  space.async_clear();
  session.get("a");
  session.find("a");
  session.put("a", "b");
  session.remove("a");
  session.update("a", nullptr);
  session.invalidate("a");
  session.clear();
#endif
}

}  // namespace
