#include "train/run_log.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "core/errors.h"
#include "engine/atomic_file.h"

namespace endorm {
namespace {

using json = nlohmann::ordered_json;

// The lines of a log up to the last of steps_done.
std::string kept_lines(const std::string& path, const std::string& manifest_line, std::size_t steps_done) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InvalidInput("[RunLog] " + path + " is missing, which a checkpoint beside it goes on with");
  }
  std::string kept;
  std::string line;
  while (std::getline(file, line) && !file.eof()) {  // a line without its end was not written whole
    if (kept.empty()) {
      if (line != manifest_line) {
        throw InvalidInput("[RunLog] " + path + " is the log of a run with other data, model or options");
      }
    } else {
      const json row = json::parse(line, nullptr, false);
      if (row.is_discarded() || !row.contains("step")) {
        throw InvalidInput("[RunLog] " + path + " holds a line that is no step: " + line.substr(0, 80));
      }
      if (row.at("step").get<std::size_t>() > steps_done) {
        break;
      }
    }
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

RunLog::RunLog(const std::string& path, const std::string& manifest, std::size_t steps_done) : path_(path) {
  const std::string manifest_line = R"({"manifest":)" + manifest + "}";
  AtomicFile file(path);
  file.write(steps_done == 0 ? manifest_line + "\n" : kept_lines(path, manifest_line, steps_done));
  file.commit();
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (descriptor_ < 0) {
    throw EngineError("[RunLog] " + path + " cannot be opened: " + std::strerror(errno));
  }
}

RunLog::~RunLog() { ::close(descriptor_); }

void RunLog::step(std::size_t step, std::span<const Metric> metrics) {
  json row = {{"step", step}};
  for (const auto& [name, value] : metrics) {
    if (!std::isfinite(value)) {
      throw InternalError("[RunLog] " + std::string(name) + " of step " + std::to_string(step) + " is not finite");
    }
    row[std::string(name)] = value;
  }
  write(row.dump() + "\n");
}

void RunLog::write(const std::string& line) {
  std::string_view left = line;
  while (!left.empty()) {
    const ssize_t written = ::write(descriptor_, left.data(), left.size());
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      throw EngineError("[RunLog] " + path_ + " cannot be written: " + std::strerror(errno));
    }
    left.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace endorm
