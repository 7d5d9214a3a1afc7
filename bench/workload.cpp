#include "bench/workload.h"

#include <algorithm>
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

Workload first_sequences(const Workload& workload, std::size_t sequences) {
  Workload first;
  for (const Candidates& candidates : workload.prompts) {
    if (sequences == 0) {
      break;
    }
    Candidates some = candidates;
    some.responses.resize(std::min(sequences, some.responses.size()));
    sequences -= some.responses.size();
    first.prompts.push_back(std::move(some));
  }
  return first;
}

std::size_t sequence_count(const Workload& workload) {
  std::size_t sequences = 0;
  for (const Candidates& candidates : workload.prompts) {
    sequences += candidates.responses.size();
  }
  return sequences;
}

std::size_t longest_sequence(const Workload& workload) {
  std::size_t longest = 0;
  for (const Candidates& candidates : workload.prompts) {
    for (const Tokens& response : candidates.responses) {
      longest = std::max(longest, candidates.prompt.size() + response.size());
    }
  }
  return longest;
}

}  // namespace endorm
