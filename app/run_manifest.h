#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "eval/example.h"
#include "judge/judge.h"
#include "score/manifest.h"

namespace endorm {

// "data": {"file", "sha256"} of an input that is a regular file, which is hashed; null of any other.
nlohmann::ordered_json data_part(const std::string& input);
// "run": what may differ when a run is resumed, {"started", "host", "threads"}. threads: 0 for all cores.
nlohmann::ordered_json run_part(int threads);
// "files": [{"name", "sha256", "rows"}] of data files, wherever they lie.
nlohmann::ordered_json files_part(std::span<const DataFile> files);
// {"name", "fingerprint"} of a judge, and of several.
nlohmann::ordered_json judge_part(const Judge& judge);
nlohmann::ordered_json judges_part(std::span<const Judge> judges);

// What every judge's rewards of data files depend on: "endorm", "command", "model", "template", "options", "files"; or
// what is drawn from the model, of which no option changes anything but those that write a prompt.
enum class ManifestOf { kRewards, kDrawn };
nlohmann::ordered_json files_manifest(const std::string& command, const Engine& engine, ManifestOf what,
                                      const ScoreOptions& options, const std::string& shard,
                                      std::span<const DataFile> files);

}  // namespace endorm
