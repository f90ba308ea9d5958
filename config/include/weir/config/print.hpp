#pragma once

#include <weir/config/settings.hpp>
#include <weir/engine/api.hpp>

#include <string>

namespace weir WEIR_API {
namespace config {

/// `value` as YAML with every default filled in. Secrets appear as the file or variable they come
/// from, plain credentials as `********`. Loading the text again gives the same settings (masked
/// credentials apart). Ends with a newline.
std::string show(const settings& value);

/// JSON Schema (draft-07) of the file, for editors; equals config/weir.schema.json.
std::string schema_json();

/// The reference page; equals docs/configuration.md.
std::string reference_markdown();

}  // namespace config
}  // namespace weir
