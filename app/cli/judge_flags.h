#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "app/cli/engine_flags.h"
#include "judge/judge.h"

namespace endorm {

// What judges need beyond a model.
struct JudgeFlags {
  std::string contrast_file;
  std::string reference;
  std::string reference_template;  // empty: as the model's
  std::string head_file;
  std::string server_url;
  std::string server_shape = "classify";
  std::string server_model;
  std::uint64_t seed = 0;
  std::optional<std::size_t> max_reply_tokens;
};

void add_judge_flags(CLI::App& command, JudgeFlags& flags);

// Of what is computed from verdicts and of what is kept: the intervals' bootstrap, the cache of token statistics.
void add_bootstrap_flags(CLI::App& command, std::size_t& resamples, std::uint64_t& seed);
void add_statistics_cache_flags(CLI::App& command, std::string& path, bool& none);

// Loads the reference model, if one is named, with the settings of the model it is compared with, but for its template
// where that is given.
std::unique_ptr<Engine> make_reference(const JudgeFlags& flags, const EngineFlags& engine_flags);

// Reads the file of alternatives. Throws InvalidInput where it cannot be read.
JudgeParts make_judge_parts(const JudgeFlags& flags, Engine& engine, Engine* reference, StatsCache& cache,
                            const ScoreOptions& score);

}  // namespace endorm
