#include "train/run_log.h"

#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/errors.h"
#include "engine/atomic_file.h"
#include "score/manifest.h"
#include "train/event_file.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

[[noreturn]] void refuse_line(const std::string& path, const std::string& line) {
  throw InvalidInput("[RunLog] " + path + " holds a line that is no step: " + line.substr(0, 80));
}

json row_of(const std::string& path, const std::string& line) {
  json row = json::parse(line, nullptr, false);
  if (!row.is_object() || !row.contains("step") || !row.at("step").is_number_unsigned()) {
    refuse_line(path, line);
  }
  return row;
}

LoggedStep logged_step(const std::string& path, const json& row) {
  LoggedStep step{.step = row.at("step").get<std::size_t>(), .metrics = {}};
  for (const auto& [name, value] : row.items()) {
    if (!value.is_number()) {
      refuse_line(path, row.dump(-1, ' ', false, json::error_handler_t::replace));
    }
    if (name != "step") {
      step.metrics.emplace_back(name, value.get<double>());
    }
  }
  return step;
}

// The lines of a log up to the last of steps_done; the steps among them go to `steps`.
std::string kept_lines(const std::string& path, const std::string& first_line, std::size_t steps_done,
                       std::vector<LoggedStep>& steps) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InvalidInput("[RunLog] " + path + " is missing, which a checkpoint beside it goes on with");
  }
  std::string kept;
  std::string line;
  while (std::getline(file, line) && !file.eof()) {  // a line without its end was not written whole
    if (kept.empty()) {
      if (line != first_line) {
        throw InvalidInput("[RunLog] " + path + " is the log of a run with other data, model or options");
      }
    } else {
      const json row = row_of(path, line);
      if (row.at("step").get<std::size_t>() > steps_done) {
        break;
      }
      if (!row.contains("sample")) {
        steps.push_back(logged_step(path, row));
      }
    }
    kept += line + "\n";
  }
  if (kept.empty()) {
    throw InvalidInput("[RunLog] " + path + " has no manifest, and a checkpoint beside it goes on with it");
  }
  return kept;
}

void check_finite(double value, std::size_t step, std::string_view name) {
  if (!std::isfinite(value)) {
    throw InternalError("[RunLog] " + std::string(name) + " of step " + std::to_string(step) + " is not finite");
  }
}

// Puts an array of a number a token into `tokens`, where there is one.
void add_numbers(json& tokens, const char* name, const std::vector<double>& numbers, std::size_t step) {
  if (numbers.empty()) {
    return;
  }
  if (numbers.size() != tokens.at("text").size()) {
    throw InternalError("[RunLog] a sample of step " + std::to_string(step) + " has " +
                        std::to_string(tokens.at("text").size()) + " tokens and " + std::to_string(numbers.size()) +
                        " numbers under " + name);
  }
  for (const double number : numbers) {
    check_finite(number, step, name);
  }
  tokens[name] = numbers;
}

}  // namespace

RunLog::RunLog(const std::string& path, const json& manifest, std::size_t steps_done,
               const std::string& event_directory)
    : path_(path), last_step_(steps_done) {
  const std::string first_line = manifest_line(manifest);
  AtomicFile file(path);
  file.write(steps_done == 0 ? first_line + "\n" : kept_lines(path, first_line, steps_done, earlier_));
  file.commit();
  if (!event_directory.empty()) {
    events_ = std::make_unique<EventFile>(event_directory, steps_done + 1, seconds_since_1970());
  }
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) {
    throw EngineError("[RunLog] " + path + " cannot be opened: " + std::strerror(errno));
  }
}

RunLog::~RunLog() { ::close(descriptor_); }

void RunLog::step(std::size_t step, std::span<const Metric> metrics) {
  if (step <= last_step_) {
    throw InternalError("[RunLog] step " + std::to_string(step) + " comes behind step " + std::to_string(last_step_));
  }
  json row = {{"step", step}};
  for (const auto& [name, value] : metrics) {
    check_finite(value, step, name);
    if (name == "sample" || row.contains(name)) {
      throw InternalError("[RunLog] step " + std::to_string(step) + " has \"" + std::string(name) + "\" twice");
    }
    row[std::string(name)] = value;
  }
  append_all(descriptor_, row.dump() + "\n", path_);
  last_step_ = step;
  if (events_) {
    events_->step(step, metrics, seconds_since_1970());
  }
}

void RunLog::sample(std::size_t step, const LoggedSample& sample) {
  if (step < last_step_) {
    throw InternalError("[RunLog] a sample of step " + std::to_string(step) + " comes behind step " +
                        std::to_string(last_step_));
  }
  check_finite(sample.reward, step, "the reward of a sample");
  json shown = {{"prompt", sample.prompt}, {"response", sample.response}, {"reward", sample.reward}};
  if (!sample.note.empty()) {
    shown["note"] = sample.note;
  }
  json tokens = {{"text", sample.token_texts}};
  add_numbers(tokens, "reward", sample.token_rewards, step);
  add_numbers(tokens, "log_prob", sample.log_probs, step);
  if (!sample.token_texts.empty()) {
    shown["token_rewards"] = std::move(tokens);
  }
  const json row = {{"step", step}, {"sample", std::move(shown)}};
  append_all(descriptor_, row.dump(-1, ' ', false, json::error_handler_t::replace) + "\n", path_);
}

}  // namespace endorm
