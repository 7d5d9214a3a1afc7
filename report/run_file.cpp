#include "report/run_file.h"

#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/errors.h"
#include "score/json_check.h"
#include "score/json_field.h"

namespace endorm {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& why) { throw InvalidInput(why); }

// Columns of the same length: texts under "text", numbers under every other name.
void check_tokens(const JsonField& tokens) {
  const std::size_t length = tokens.at("text").list().size();
  for (const auto& [name, value] : tokens.value().items()) {
    const std::vector<JsonField> column = tokens.at(name).list();
    if (column.size() != length) {
      refuse("\"token_rewards\" of the sample has columns of different lengths: " + excerpt(name));
    }
    for (const JsonField& cell : column) {
      if (name == "text") {
        cell.text();
      } else {
        cell.number();
      }
    }
  }
}

// A sample with the fields that are known, the others left out.
Json checked_sample(const JsonField& sample) {
  Json kept = {{"prompt", sample.at("prompt").text()}, {"response", sample.at("response").text()}};
  const JsonField reward = sample.at("reward");
  reward.number();  // throws where it is none
  kept["reward"] = reward.value();
  if (sample.has("note")) {
    kept["note"] = sample.at("note").text();
  }
  if (sample.has("token_rewards")) {
    check_tokens(sample.at("token_rewards"));
    kept["token_rewards"] = sample.at("token_rewards").value();
  }
  return kept;
}

Json parsed(const std::string& line) {
  check_json(line);
  return Json::parse(line);
}

class Reader {
 public:
  explicit Reader(const Json& manifest) {
    run_.manifest = std::make_shared<const Json>(manifest);
    run_.kind = manifest.at("kind").get<std::string>();
    if (manifest.contains("steps") && manifest.at("steps").is_number_unsigned()) {
      run_.planned_steps = manifest.at("steps").get<std::size_t>();
    }
  }

  // Throws InvalidInput where the line cannot be used; then nothing of it is kept.
  void add(const JsonField& row) {
    const std::size_t step = row.at("step").count();
    if (row.has("sample")) {
      run_.samples.push_back({step, std::make_shared<const Json>(checked_sample(row.at("sample")))});
      return;
    }
    if (run_.steps > 0 && step <= run_.last_step) {
      refuse("step " + std::to_string(step) + " stands behind step " + std::to_string(run_.last_step));
    }
    for (const auto& [name, value] : row.value().items()) {
      JsonField(value, excerpt(name)).number();
    }
    ++run_.steps;
    run_.last_step = step;
    for (const auto& [name, value] : row.value().items()) {
      if (name != "step") {
        metric(name).points.push_back({step, value.get<double>()});
      }
    }
  }

  void add_fault(std::size_t line, std::string reason) { run_.faults.push_back({line, std::move(reason)}); }

  RunFile take() { return std::move(run_); }

 private:
  RunMetric& metric(const std::string& name) {
    const auto [place, is_new] = places_.emplace(name, run_.metrics.size());
    if (is_new) {
      run_.metrics.push_back({name, {}});
    }
    return run_.metrics[place->second];
  }

  RunFile run_;
  std::map<std::string, std::size_t> places_;  // of metrics by name
};

}  // namespace

bool begins_run_log(const std::string& line) {
  try {
    const Json row = parse_object(line);
    const std::optional<JsonField> manifest = JsonField(row).find("manifest");
    return manifest && manifest->has("kind") && manifest->at("kind").is_text();
  } catch (const InvalidInput&) {
    return false;
  }
}

RunFile read_run_log(std::istream& lines) {
  std::string line;
  if (!std::getline(lines, line) || !begins_run_log(line)) {
    refuse("[report] the file is not the log of a run: its first line is no manifest with a \"kind\"");
  }
  Reader reader(parsed(line).at("manifest"));
  for (std::size_t number = 2; std::getline(lines, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    std::optional<Json> row;
    try {
      row = parsed(line);
      reader.add(JsonField(*row));
    } catch (const InvalidInput& error) {
      const bool half_written = !row && lines.eof();
      reader.add_fault(number, half_written ? "the last line is not whole: the run is writing it, or was stopped there"
                                            : error.what());
    }
  }
  if (lines.bad()) {
    throw EngineError("[report] the log could not be read to its end");
  }
  return reader.take();
}

}  // namespace endorm
