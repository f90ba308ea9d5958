#include <weir/engine/cache.hpp>

int main() {
  weir::cache cache;
  auto users =
      cache.add_keyspace({.name = "users"}, [](std::string_view key) -> weir::result<weir::bytes> {
        return weir::bytes(std::string(key));
      });
  return users.get("42").value().text() == "42" ? 0 : 1;
}
