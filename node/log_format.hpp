#pragma once

#include <weir/engine/api.hpp>
#include <weir/node/log.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace weir WEIR_API {  // for the commands, too

using wall_clock = std::chrono::system_clock;

/// One line without its end: `time=2026-01-31T12:00:00.123Z level=info node=n1 event=ring.changed
/// nodes=3`. `node` is the writer's id; empty = unknown, or the record has it.
/// Values with blanks, quotes or anything unprintable are quoted; control characters and bytes that
/// are not UTF-8 become \n, \t or \xNN, so that a record can never begin a second line.
std::string format_logfmt(
    const log_record& record, wall_clock::time_point when, std::string_view node = {}
);

/// The same as a JSON object; bytes that are not UTF-8 become U+FFFD.
std::string format_json(
    const log_record& record, wall_clock::time_point when, std::string_view node = {}
);

/// `text` as a logfmt value.
std::string logfmt_value(std::string_view text);

/// UTC with milliseconds: "2026-01-31T12:00:00.123Z".
std::string timestamp(wall_clock::time_point when);

}  // namespace weir
