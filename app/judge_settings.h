#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/engine_settings.h"
#include "judge/judge.h"
#include "score/option.h"

namespace endorm {

// What judges need beyond a model: flags of a command.
struct JudgeSettings {
  std::string contrast_file;
  std::string reference;
  std::string reference_template;  // empty: as the model's
  std::string head_file;
  std::string server_url;
  std::string server_shape = "classify";
  std::string server_model;
  ChatServerOptions chat_server;
  std::uint64_t seed = 0;
  std::optional<std::size_t> max_reply_tokens;
};

// The table of them.
std::span<const Option<JudgeSettings>> judge_options();

// The engine that these judges need: that of the settings, which is loaded when it is first needed where none of them
// reads a model, for a record of tokens alone (app/late_engine.h).
std::unique_ptr<Engine> make_engine_for(std::span<const std::string> judges, const EngineSettings& settings);

// Loads the reference model, if one is named, with the settings of the model it is compared with, but for its template
// where that is given.
std::unique_ptr<Engine> make_reference(const JudgeSettings& settings, const EngineSettings& engine_settings);

// Reads the file of alternatives. Throws InvalidInput where it cannot be read.
JudgeParts make_judge_parts(const JudgeSettings& settings, Engine& engine, Engine* reference, StatsCache& cache,
                            const ScoreOptions& score);

// The cache of token statistics: the named file, or that in the cache directory; none of either where `none` says so.
StatsCache open_statistics_cache(const std::string& path, bool none);

// Throws InvalidInput as make_judge does, and where a name stands twice.
std::vector<Judge> make_judges(const std::vector<std::string>& names, const JudgeParts& parts);

}  // namespace endorm
