#pragma once

#include <weir/discovery/provider.hpp>
#include <weir/engine/api.hpp>

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// Reads "n1=10.0.0.1:7420" or "10.0.0.1:7420"; the id of the second is learnt from the handshake.
/// Fails with errc::bad_request on an address without port, port 0, an empty host or an id that is no
/// name: see is_name().
[[nodiscard]] result<candidate> parse_candidate(std::string_view text);

/// A fixed list of candidates, replaceable while it runs. Thread-safe.
class static_provider final : public provider {
 public:
  explicit static_provider(std::vector<candidate> peers) : peers_(std::move(peers)) {}

  /// The same from texts as in the configuration file.
  /// Throws std::invalid_argument that names the text parse_candidate() refused.
  explicit static_provider(const std::vector<std::string>& peers);

  void start(environment& env, answer_callback answer) override;
  void stop() override;

  /// Takes another list; answers with it at once if started. Not to be called from the callback.
  void replace(std::vector<candidate> peers);

 private:
  std::mutex mutex_;  // held while answering, so that answers keep their order
  std::vector<candidate> peers_;
  answer_callback answer_;
};

}  // namespace weir
