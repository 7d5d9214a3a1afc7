#pragma once

#include <string>

namespace endorm {

// The description of every route in OpenAPI 3.1: what a body is stands in schemas.json, beside the readers.
std::string openapi(const std::string& version, bool asks_for_key);

}  // namespace endorm
