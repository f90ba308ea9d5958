#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// One node of the cluster as the views and the ring know it.
struct member {
  std::string id;                 ///< stable name, 1..max_name bytes; the ring hashes this
  std::uint64_t incarnation = 0;  ///< random per start of the node; 0 = not known yet
  /// Share of the slots relative to the others, 0..max_weight; all 0 = equal shares.
  std::uint32_t weight = 1;
  std::string address;  ///< where peers connect; may differ from node to node

  friend bool operator==(const member&, const member&) = default;
};

/// How slots are spread over the members. Equal on all nodes of a cluster.
struct ring_settings {
  std::uint32_t vnodes = 512;  ///< points on the ring per unit of weight, 1..max_vnodes
  /// Most slots of a node, in fair shares by weight: 1..max_bounded_load, 0 = off.
  double bounded_load = 1.25;

  friend bool operator==(const ring_settings&, const ring_settings&) = default;
};

/// Says what is wrong with `settings`, with the range that is allowed. Empty = valid.
std::string check_ring(const ring_settings& settings);

/// `members` in the order that views and rings keep them in.
std::vector<member> sorted_by_id(std::vector<member> members);

/// Says what is wrong with `members` for a view or ring of at most `max_members`: too many, an id
/// that is empty, too long or there twice, a weight or a sum of points out of range. Empty = valid.
/// `members` must be sorted by id.
std::string check_members(
    const std::vector<member>& members, const ring_settings& settings, std::size_t max_members
);

/// The members of the cluster at one moment, as one node sees them, sorted by id.
///
/// Immutable; changes make another view. Two nodes whose views have equal digests have equal rings.
/// Safe to read from any thread.
class view {
 public:
  /// A view without members.
  view() : view(std::vector<member>{}) {}

  /// A view of `members` in any order.
  ///
  /// Throws std::invalid_argument, saying which member is wrong, when check_members() finds a
  /// fault.
  explicit view(std::vector<member> members, ring_settings settings = {});

  /// XXH3-64 over id, incarnation and weight of all members and the ring settings.
  /// Addresses are left out: they may differ between nodes. The same on every platform and build.
  std::uint64_t digest() const noexcept { return digest_; }

  /// All members, sorted by id; positions are those of ring::members().
  const std::vector<member>& members() const noexcept { return members_; }

  std::size_t size() const noexcept { return members_.size(); }

  bool empty() const noexcept { return members_.empty(); }

  /// The member called `id`, or null; valid as long as the view. Binary search.
  const member* find(std::string_view id) const noexcept;

  const ring_settings& settings() const noexcept { return settings_; }

  /// This view plus `joined`, which takes the place of a member with the same id.
  /// Throws like the constructor.
  view with(member joined) const;

  /// This view without the member called `id`; an equal view when there is none.
  view without(std::string_view id) const;

  friend bool operator==(const view&, const view&) = default;

 private:
  struct checked {};

  view(checked, std::vector<member> members, ring_settings settings);

  std::vector<member> members_;
  ring_settings settings_;
  std::uint64_t digest_ = 0;
};

}  // namespace weir
