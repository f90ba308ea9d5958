// The keyspaces of an engine: added, changed while they are used, removed, and as a set.

#include "engine_impl.hpp"

#include <stdexcept>

namespace weir {
namespace {

// For what ends on a keyspace after another replaced it.
constexpr std::uint64_t seq_gap = 1u << 20;

std::shared_ptr<data_source> source_of(const keyspace_options& options, source_argument from) {
  auto source = std::move(from).take();
  if (!source) {
    throw std::invalid_argument(
        "keyspace \"" + options.name + "\": the source is null; pass a function or an object"
    );
  }
  return source;
}

}  // namespace

keyspace engine::add_keyspace(keyspace_options options, source_argument from) {
  check(options);
  auto source = source_of(options, std::move(from));
  auto name = options.name;
  const std::lock_guard lock(impl_->mutex);
  const keyspace_origin origin{++impl_->last_lineage, impl_->last_seqs[name]};
  auto core = std::make_shared<keyspace_core>(
      impl_->context, std::move(options), std::move(source), origin
  );
  if (!impl_->keyspaces.try_emplace(name, core).second) {
    throw std::invalid_argument(
        "keyspace \"" + name + "\" exists already; update or remove it first"
    );
  }
  core->follow_source();
  return keyspace(std::move(core));
}

keyspace_update engine::update_keyspace(keyspace_options options) {
  check(options);
  const auto core = impl_->find(options.name);
  if (!core) {
    throw std::invalid_argument(
        "keyspace \"" + options.name + "\" does not exist; add it with a source"
    );
  }
  return impl_->update(std::move(options), core->loads_from());
}

keyspace_update engine::update_keyspace(keyspace_options options, source_argument from) {
  check(options);
  auto source = source_of(options, std::move(from));
  return impl_->update(std::move(options), std::move(source));
}

keyspace_update engine::impl::update(
    // NOLINTNEXTLINE(performance-unnecessary-value-param): the callers give theirs away
    keyspace_options options,
    std::shared_ptr<data_source> source
) {
  std::shared_ptr<keyspace_core> before;
  std::shared_ptr<keyspace_core> core;
  {
    const std::lock_guard lock(mutex);
    const auto found = keyspaces.find(options.name);
    const auto place = found == keyspaces.end() ? nullptr : found->second;
    const bool is_same = place && place->loads_from() == source;
    if (is_same && place->options().can_become(options)) {
      core = place;
    } else {
      keyspace_origin origin{place ? place->lineage() : ++last_lineage, last_seqs[options.name]};
      if (place) origin.first_seq = last_seqs[options.name] = place->held().last_seq() + seq_gap;
      core = std::make_shared<keyspace_core>(context, options, std::move(source), origin);
      keyspaces[options.name] = core;
      before = place;
      std::erase_if(retired, [](const auto& each) { return each.expired(); });
      // Before any caller finds the new one: its loads begin after every change of the old one.
      if (before) before->move_on();
      if (before) retired.push_back(before);
      core->follow_source();
    }
  }
  keyspace_update done{.keyspace = keyspace(core), .is_replaced = before != nullptr};
  done.dropped = before ? before->held().empty_out() : core->retune(options);
  return done;
}

std::vector<std::shared_ptr<keyspace_core>> engine::impl::take_retired(std::string_view name) {
  std::vector<std::shared_ptr<keyspace_core>> found;
  std::erase_if(retired, [&](const auto& each) {
    auto core = each.lock();
    if (core && !name.empty() && core->options().name() != name) return false;
    if (core) found.push_back(std::move(core));
    return true;
  });
  return found;
}

result<void> engine::remove_keyspace(std::string_view name) {
  std::vector<std::shared_ptr<keyspace_core>> gone;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->keyspaces.find(name);
    if (found == impl_->keyspaces.end()) return errc::no_keyspace;
    gone = impl_->take_retired(name);
    impl_->last_seqs[found->first] = found->second->held().last_seq() + seq_gap;
    gone.push_back(std::move(found->second));
    impl_->keyspaces.erase(found);
  }
  for (const auto& each : gone) each->close(errc::no_keyspace);
  return {};
}

keyspace engine::find_keyspace(std::string_view name) const {
  return keyspace(impl_->find(name));
}

std::vector<keyspace> engine::keyspaces() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<keyspace> out;
  for (const auto& [name, each] : impl_->keyspaces) out.emplace_back(each);
  return out;
}

std::shared_ptr<keyspace_core> engine::impl::find(std::string_view name) const {
  const std::lock_guard lock(mutex);
  const auto found = keyspaces.find(name);
  return found == keyspaces.end() ? nullptr : found->second;
}

void engine::impl::apply_record(const change_record& record, milliseconds on_the_way) {
  if (const auto core = find(record.keyspace)) core->apply_record(record, on_the_way);
}

void engine::impl::drop_all() {
  for_each_keyspace([](keyspace_core& each) { each.drop_all(); });
}

void engine::impl::distrust_all() {
  for_each_keyspace([](keyspace_core& each) { each.held().distrust(); });
}

void engine::impl::terms_begin(std::uint32_t gain) {
  for_each_keyspace([gain](keyspace_core& each) { each.held().terms_begin(gain); });
}

keyspace_settings_list engine::impl::settings() const {
  keyspace_settings_list out;
  for_each_keyspace([&](const keyspace_core& each) {
    const auto options = each.options().all();
    out.push_back({
        .name = options.name,
        .consistency = options.consistency,
        .writes = options.writes,
        .has_near = options.near_memory != 0,
        .ttl = options.ttl,
        .negative_ttl = options.negative_ttl,
        .source = std::string(each.source_kind().substr(0, max_source_kind)),
    });
  });
  return out;
}

}  // namespace weir
