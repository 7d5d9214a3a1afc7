#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "eval/judged.h"
#include "score/json_field.h"

namespace endorm {

// A judge's verdicts on one example as a JSON object; docs/bench-json.md has the fields. Numbers read back as they
// were. Throws InternalError on a number that is not finite.
nlohmann::ordered_json judged_json(const JudgedExample& judged);
// Throws InvalidInput where the value is no such object, naming the field.
JudgedExample judged_from(const JsonField& row);

// The same as a line, without newline; read_judged_row throws InvalidInput where it is no such row.
std::string judged_row(const JudgedExample& judged);
JudgedExample read_judged_row(std::string_view line);

}  // namespace endorm
