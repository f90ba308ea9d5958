#include <weir/engine/errc.hpp>

#include <string>

namespace weir {
namespace {

struct text {
  std::string_view name;
  const char* message;
};

text text_of(errc code) noexcept {
  switch (code) {
    case errc::not_found:
      return {"not_found", "the source has no such key"};
    case errc::no_keyspace:
      return {"no_keyspace", "no keyspace of that name"};
    case errc::bad_key:
      return {"bad_key", "a key has 1 byte or more"};
    case errc::bad_request:
      return {"bad_request", "malformed request or argument"};
    case errc::unauthorized:
      return {"unauthorized", "missing or wrong credentials"};
    case errc::forbidden:
      return {"forbidden", "the credentials do not allow this"};
    case errc::method_not_allowed:
      return {"method_not_allowed", "the keyspace does not allow this"};
    case errc::conflict:
      return {"conflict", "the entry is not the one that the precondition names"};
    case errc::too_large:
      return {"too_large", "over the size limit"};
    case errc::overloaded:
      return {"overloaded", "a limit is reached; retry later"};
    case errc::source_failed:
      return {"source_failed", "the source was asked and failed"};
    case errc::deadline_exceeded:
      return {"deadline_exceeded", "the deadline passed first"};
    case errc::unknown_outcome:
      return {"unknown_outcome", "the write may or may not have happened"};
    case errc::unavailable:
      return {"unavailable", "no node could answer, or this one is stopping"};
    case errc::not_owner:
      return {"not_owner", "the asked node does not own the slot"};
    case errc::protocol:
      return {"protocol", "the peer broke the protocol"};
  }
  return {"source_failed", "unknown error"};
}

class category final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "weir"; }

  std::string message(int value) const override {
    return text_of(static_cast<errc>(value)).message;
  }
};

}  // namespace

const boost::system::error_category& weir_category() noexcept {
  static const category instance;
  return instance;
}

boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), weir_category()};
}

std::string_view name(errc code) noexcept {
  return text_of(code).name;
}

std::string_view name(const boost::system::error_code& code) noexcept {
  return code.category() == weir_category() ? name(static_cast<errc>(code.value()))
                                            : "source_failed";
}

}  // namespace weir
