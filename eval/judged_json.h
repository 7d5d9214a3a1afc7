#pragma once

#include <string>
#include <string_view>

#include "eval/judged.h"

namespace endorm {

// A judge's verdicts on one example as a JSON line, without newline; docs/bench-json.md has the fields. Numbers read
// back as they were. Throws InternalError on a number that is not finite.
std::string judged_row(const JudgedExample& judged);

// Throws InvalidInput where the line is no such row, naming the field.
JudgedExample read_judged_row(std::string_view line);

}  // namespace endorm
