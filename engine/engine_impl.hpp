#pragma once

#include "agreement/agreement.hpp"
#include "agreement/engine_context.hpp"
#include "change_tickets.hpp"
#include "keyspace/keyspace_core.hpp"
#include "membership/member_table.hpp"

#include <weir/engine/engine.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// The parts of an engine and what it answers to peers: engine.cpp, engine_serve.cpp.
struct engine::impl final : keyspace_set, std::enable_shared_from_this<impl> {
  explicit impl(std::shared_ptr<engine_context> shared, const engine_options& options);

  template <class Do>
  void for_each_keyspace(Do&& what) const {
    std::vector<std::shared_ptr<keyspace_core>> all;
    {
      const std::lock_guard lock(mutex);
      for (const auto& [name, each] : keyspaces) all.push_back(each);
    }
    for (const auto& each : all) what(*each);
  }

  std::shared_ptr<keyspace_core> find(std::string_view name) const override;
  void apply_record(const change_record& record, milliseconds on_the_way) override;
  void drop_all() override;
  void distrust_all() override;
  void terms_begin(std::uint32_t gain) override;
  keyspace_settings_list settings() const override;

  /// A keyspace whose options may change in place goes on; otherwise another replaces it.
  keyspace_update update(keyspace_options options, std::shared_ptr<data_source> source);

  /// The replaced keyspaces that are still in use: those of one name or, without a name, all.
  std::vector<std::shared_ptr<keyspace_core>> take_retired(std::string_view name);

  /// Reclaims memory in a part of every keyspace now, and again after a while.
  void reclaim();

  bool owns(const routing& route, std::string_view keyspace, std::string_view key) const {
    return route.ring->owner_index(slot_of(keyspace, key)) == route.self;
  }

  using reports = std::vector<member_report>;

  report_reply report() const;
  void ask_reports(
      const std::vector<member_status>& all, time_point deadline, completion<result<reports>> done
  );
  void serve_get(
      const routing& route,
      get_request request,
      milliseconds timeout,
      completion<get_reply> done,
      completion<> loading
  );
  void serve_many(
      const routing& route,
      get_many_request request,
      milliseconds timeout,
      completion<get_many_reply> done,
      completion<> loading
  );
  void serve_change(
      const routing& route,
      change_request request,
      milliseconds timeout,
      completion<change_reply> done
  );

  const std::shared_ptr<engine_context> context;
  const std::shared_ptr<agreement> agreed;
  const std::shared_ptr<member_table> members;
  const std::shared_ptr<change_tickets> tickets;
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<keyspace_core>, std::less<>> keyspaces;
  std::vector<std::weak_ptr<keyspace_core>> retired;  ///< replaced by others
  std::map<std::string, std::uint64_t> last_seqs;  ///< of keyspaces that were replaced or removed
  std::uint64_t last_lineage = 0;
  std::function<std::string()> make_report;  ///< may be empty
  timer_id timer = 0;
  bool is_stopped = false;
};

}  // namespace weir
