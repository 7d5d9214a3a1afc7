#include "bench/workload.h"

#include <fstream>

#include <nlohmann/json.hpp>

#include "core/errors.h"

namespace endorm {

Workload read_workload(const std::string& file) {
  std::ifstream stream(file);
  const nlohmann::json json = nlohmann::json::parse(stream, nullptr, false);
  if (json.is_discarded() || !json.contains("prompts")) {
    throw InvalidInput("[read_workload] " + file + " holds no workload. Let bench/speed.py write it.");
  }
  Workload workload;
  for (const nlohmann::json& prompt : json.at("prompts")) {
    workload.prompts.push_back({prompt.at("prompt").get<Tokens>(), prompt.at("responses").get<std::vector<Tokens>>()});
  }
  return workload;
}

}  // namespace endorm
