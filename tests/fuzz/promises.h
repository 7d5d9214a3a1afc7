#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include <nlohmann/json.hpp>

// What is not kept is a finding.
inline void require(bool promise, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  if (!promise) {
    std::fprintf(stderr, "the promise of %s:%d is not kept\n", file, line);
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
