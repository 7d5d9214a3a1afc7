#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/utf8.h"  // excerpt(), which names what is refused

namespace endorm {

// Refuses a line that is not one JSON value in UTF-8, and what a JSON parser would accept in silence or at great cost:
// a field that stands twice in an object (the last would win) and deep nesting. Throws InvalidInput naming the byte.
// Returns the bytes that its values take in memory; throws where these are more than `most`.
std::size_t check_json(std::string_view line, std::size_t most = static_cast<std::size_t>(-1));

// Throws InternalError, in the name of `function`, where a number in the value is not finite: JSON cannot carry it.
// name: of the field that the value is of; empty for a row, whose fields have their own names alone.
void check_finite(const nlohmann::ordered_json& value, const std::string& function, const std::string& name = {});

}  // namespace endorm
