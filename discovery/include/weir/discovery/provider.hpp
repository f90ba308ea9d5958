#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/result.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// How often a provider met one outcome: "answered", "timed_out", ...
struct answer_count {
  std::string_view outcome;  ///< static storage
  std::uint64_t count = 0;
};

/// Names the nodes that may be peers: a discovery plug-in.
///
/// It only names candidates; the handshake proves them and probes judge their health. Derive from
/// it for a custom one:
///
///     class my_registry : public weir::provider {
///       void start(weir::environment& env, answer_callback answer) override {
///         // now, and again after each change
///         answer(std::vector<weir::candidate>{{"n1", "10.0.0.1:7420"}});
///       }
///       void stop() override {}
///     };
///
/// start() and stop() are called once each, in this order, by the node that owns it.
class provider {
 public:
  /// All candidates as known now (the node itself may be among them), or why they cannot be known.
  /// An error never takes a known candidate away.
  using answer_callback = std::function<void(result<std::vector<candidate>>)>;

  virtual ~provider() = default;

  /// Begins to watch. `answer` is called with the first finding, also when that is an error, and
  /// again after each change: from any thread, also before start() returns, but never twice at the
  /// same time. Must not block. `env` outlives stop().
  virtual void start(environment& env, answer_callback answer) = 0;

  /// Ends the watch; when it returns, `answer` is not running and is not called any more.
  /// Never called from inside `answer`.
  virtual void stop() = 0;

  /// This node listens and may be told to others under `self`. Called after start(), for providers
  /// that register their nodes; must not block.
  virtual void announce(const identity& self) { static_cast<void>(self); }

  /// This node is about to leave: take back what announce() told. Must not block.
  virtual void leave() {}

  /// More about the last error: what was asked for, what the service said. Text from outside is cut
  /// to length and printable. Called on any thread, also from inside `answer`.
  virtual std::string detail() const { return {}; }

  /// All outcomes so far, for metrics. Called on any thread.
  virtual std::vector<answer_count> counts() const { return {}; }
};

}  // namespace weir
