#pragma once

#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

// What is not kept is a finding.
inline void require(bool promise) {
  if (!promise) {
    std::abort();
  }
}

inline bool valid_utf8(const std::string& text) {
  try {
    nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}
