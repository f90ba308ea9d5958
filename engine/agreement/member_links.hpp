#pragma once

#include <weir/engine/membership.hpp>
#include <weir/engine/view.hpp>

#include <string>
#include <vector>

namespace weir {

/// The other nodes, as the agreement and the keyspaces see them; the member table implements it.
/// Thread-safe. Only address_of() may be called under the agreement's lock, which comes before that
/// of the table; the other functions call back.
class member_links {
 public:
  virtual ~member_links() = default;

  /// Another node told which members it knows.
  virtual void learn(const std::vector<member>& members) = 0;

  /// Where a member with a link can be asked; empty = nowhere.
  virtual std::string address_of(const std::string& id) const = 0;

  /// Sends heartbeats now, to one member or to all that have a link.
  virtual void ping(const std::string& id) = 0;
  virtual void ping_everyone() = 0;

  /// True: this node gained a lease. False: the others removed it, and it comes back.
  virtual void may_take_slots(bool may) = 0;

  /// A majority removed that member.
  virtual void member_gone(const std::string& id) = 0;

  /// Tells the listeners of this node's events.
  virtual void report(const cluster_event& event) const = 0;
};

}  // namespace weir
