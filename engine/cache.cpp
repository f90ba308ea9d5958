#include <weir/engine/cache.hpp>

#include <utility>

namespace weir {

cache::cache(cache_options options)
    : runtime_(std::make_shared<runtime>(options.runtime)),
      engine_(std::make_unique<engine>(*runtime_, identity{.cluster = "", .id = "local"})) {}

cache::~cache() {
  engine_->stop();
  runtime_->stop();
}

keyspace cache::add_keyspace(keyspace_options options, source_argument source) {
  return engine_->add_keyspace(std::move(options), std::move(source));
}

keyspace_update cache::update_keyspace(keyspace_options options) {
  return engine_->update_keyspace(std::move(options));
}

keyspace_update cache::update_keyspace(keyspace_options options, source_argument source) {
  return engine_->update_keyspace(std::move(options), std::move(source));
}

result<void> cache::remove_keyspace(std::string_view name) {
  return engine_->remove_keyspace(name);
}

keyspace cache::find_keyspace(std::string_view name) const {
  return engine_->find_keyspace(name);
}

std::vector<keyspace> cache::keyspaces() const {
  return engine_->keyspaces();
}

}  // namespace weir
