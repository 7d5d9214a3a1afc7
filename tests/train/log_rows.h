#pragma once

#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/temporary_directory.h"

namespace endorm {

// The lines of a run's log.
inline std::vector<nlohmann::json> log_rows(const std::string& path) {
  std::istringstream text(read_file(path));
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(text, line);) {
    rows.push_back(nlohmann::json::parse(line));
  }
  return rows;
}

}  // namespace endorm
