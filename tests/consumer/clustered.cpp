#include <weir/weir.hpp>

int main() {
  weir::node node({.cluster = "consumer", .id = "n1"});
  auto users =
      node.add_keyspace({.name = "users"}, [](std::string_view key) -> weir::result<weir::bytes> {
        return weir::bytes(std::string(key));
      });
  node.start().value();
  return users.get("42").value().text() == "42" ? 0 : 1;
}
