#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace endorm {

// A value as Python's json.dumps writes it, and templates' tojson.
inline std::string python_json(const nlohmann::ordered_json& value) {
  if (!value.is_structured()) {
    return value.dump();
  }
  std::string text;
  for (const auto& [name, element] : value.items()) {
    text += text.empty() ? "" : ", ";
    text += value.is_object() ? nlohmann::ordered_json(name).dump() + ": " : "";
    text += python_json(element);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

}  // namespace endorm
